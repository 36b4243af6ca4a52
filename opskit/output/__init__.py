"""A command's result for people and programs: tables, JSON, CSV, markdown, progress, pictures."""
