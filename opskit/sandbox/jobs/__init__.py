"""Training, transform, processing and tuning jobs, and Search over them."""
