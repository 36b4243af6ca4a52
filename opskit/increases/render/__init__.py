"""Results of the increase commands for people and programs."""
