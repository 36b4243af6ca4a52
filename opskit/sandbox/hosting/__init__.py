"""Models, endpoint configurations, and endpoints that answer with real predictions."""
