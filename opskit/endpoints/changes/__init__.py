"""Everything here changes something outside of this machine's state."""
