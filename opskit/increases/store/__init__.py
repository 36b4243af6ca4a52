"""State of this feature on this machine."""
