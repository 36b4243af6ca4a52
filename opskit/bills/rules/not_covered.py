"""What SageMaker may bill that opskit does not look at."""

from __future__ import annotations

NOT_COVERED = (
    "training sessions",
    "storage of jobs, endpoints and clusters",
    "Canvas sessions",
    "Feature Store",
    "Data Wrangler flows",
    "compilation, optimization and recommendation jobs",
    "data transfer and requests",
    "Studio's EFS",
    "S3, ECR, CloudWatch and other services",
    "Savings Plans, discounts and taxes",
)
"""By name, for people."""
