"""What the commands do: read, decide, change. They format nothing."""
