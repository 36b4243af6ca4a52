"""What this feature remembers on this machine."""
