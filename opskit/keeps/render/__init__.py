"""A keep for people and programs."""
