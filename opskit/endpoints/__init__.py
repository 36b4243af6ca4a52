"""Endpoints: which are idle, stop them, and bring them back."""
