"""Quota increases: planned, submitted, listed and waited for."""
