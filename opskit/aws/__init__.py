"""Access to AWS: sessions, clients, pacing, retries and error translation. No other package imports boto3."""
