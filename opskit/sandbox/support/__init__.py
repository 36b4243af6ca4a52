"""AWS Support: the cases of an account that has a support plan."""
