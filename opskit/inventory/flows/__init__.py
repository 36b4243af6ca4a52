"""Reads everything of a Region that runs."""
