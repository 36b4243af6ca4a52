"""Quota increases: planned, filed, listed and waited for."""
