"""The commands that run workflows, and those that look at them."""
