"""The algorithms that a workflow can name: a folder for each, and one table."""
