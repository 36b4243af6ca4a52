"""The output of ``costs``."""
