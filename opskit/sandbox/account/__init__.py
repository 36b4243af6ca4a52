"""Who the caller is, what it may do, and what its account has: STS, IAM, and the list of Regions."""
