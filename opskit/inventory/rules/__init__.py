"""What running resources are, and what they cost."""
