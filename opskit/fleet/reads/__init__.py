"""Which accounts there are."""
