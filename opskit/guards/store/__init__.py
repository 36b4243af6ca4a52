"""What the feature keeps on this machine."""
