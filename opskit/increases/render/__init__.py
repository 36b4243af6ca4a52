"""The output of the commands for increases."""
