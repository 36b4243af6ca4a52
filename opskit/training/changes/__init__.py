"""Writes to AWS: jobs, models, endpoints and S3 objects."""
