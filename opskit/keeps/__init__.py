"""Keeping what runs from being stopped: the same for every kind of resource that has tags."""
