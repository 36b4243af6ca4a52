"""A command in each of several accounts."""
