"""The commands over several accounts."""
