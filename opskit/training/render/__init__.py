"""Results of the workflow commands for people and programs."""
