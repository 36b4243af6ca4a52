"""Accounts, their reports, and what those come to together."""
