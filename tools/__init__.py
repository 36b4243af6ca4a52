"""Checks of our own that `make lint` runs: what ruff, mypy and import-linter do not see."""
