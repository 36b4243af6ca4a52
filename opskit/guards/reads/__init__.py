"""Reads what the guard depends on."""
