"""What bills now: opskit costs."""
