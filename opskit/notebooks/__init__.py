"""Notebook instances: list, create, start, stop what is idle, keep."""
