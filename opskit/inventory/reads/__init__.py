"""Reads what runs, kind by kind, and whose it is."""
