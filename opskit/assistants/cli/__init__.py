"""The command that serves assistants."""
