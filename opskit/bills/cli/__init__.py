"""The commands about what bills."""
