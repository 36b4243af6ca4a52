"""Values to results for people and programs."""
