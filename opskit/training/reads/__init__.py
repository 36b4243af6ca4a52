"""Reads of AWS, returned as values without assessment."""
