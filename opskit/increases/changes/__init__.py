"""Writes to AWS: requests and support cases."""
