"""Prints a command's result for people and programs: tables, JSON, CSV, markdown, progress and SVG."""
