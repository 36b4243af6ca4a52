"""Results of the guard for people and programs."""
