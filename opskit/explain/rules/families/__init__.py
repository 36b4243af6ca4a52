"""One module for each family of errors: how its errors are found in a text, and what they mean."""
