"""Where runs keep their files in S3: the default bucket, named as in the SageMaker SDK, and the prefix of a run."""

from __future__ import annotations

ANY_DEFAULT_BUCKET = "sagemaker-*"
"""Matches all default buckets, for policies."""


def default_bucket(region: str, account: str) -> str:
    """The default bucket of a Region and account."""
    return f"sagemaker-{region}-{account}"


def workflow_prefix(workflow: str) -> str:
    """The key prefix of all runs of a workflow."""
    return f"opskit/{workflow}/"


def run_prefix(workflow: str, job: str) -> str:
    """The key prefix of one run."""
    return f"{workflow_prefix(workflow)}{job}/"
