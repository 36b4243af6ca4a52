"""Results of the quota commands for people and programs."""
