"""Keep tags."""
