"""One answer over several accounts."""
