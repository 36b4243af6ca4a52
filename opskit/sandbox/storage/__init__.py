"""Where jobs, endpoints and notebooks read and write: S3 objects and log streams."""
