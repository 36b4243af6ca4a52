"""The options that all commands for keeping share."""
