"""Notebook instances: records, their way from status to status, and the Jupyter behind each."""
