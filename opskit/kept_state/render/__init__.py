"""Tables and JSON fields."""
