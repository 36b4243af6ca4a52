"""What need not be read twice."""
