"""What SageMaker may bill that opskit does not look at."""

from __future__ import annotations

NOT_COVERED = (
    "Studio apps and spaces",
    "HyperPod clusters",
    "storage of jobs and endpoints",
    "Canvas",
    "Feature Store",
    "Ground Truth labeling work",
    "Data Wrangler flows",
    "compilation, optimization and recommendation jobs",
    "data transfer and requests",
    "Studio's EFS",
    "S3, ECR, CloudWatch and other services",
    "Savings Plans, discounts and taxes",
)
"""By name, for people."""
