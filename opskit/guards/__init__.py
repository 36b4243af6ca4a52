"""Runs a command only when quotas and budget allow it."""
