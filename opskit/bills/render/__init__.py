"""The tables and JSON of what bills."""
