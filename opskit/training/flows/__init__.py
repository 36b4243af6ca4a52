"""The flows of the commands: read, decide, change. They format nothing."""
