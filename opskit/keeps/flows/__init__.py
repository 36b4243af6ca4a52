"""Keeps and ends keeps."""
