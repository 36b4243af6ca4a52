"""Items, sums and budgets."""
