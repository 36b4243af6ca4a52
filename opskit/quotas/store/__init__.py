"""What is remembered of a Region's jobs on this machine."""
