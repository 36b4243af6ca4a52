"""The way to AWS: sessions, clients, pacing, errors. Nothing else knows boto3."""
