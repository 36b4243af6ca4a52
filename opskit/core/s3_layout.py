"""Where runs keep their files: the bucket that SageMaker's own SDK would take, and the folder of a run in it."""

from __future__ import annotations

ANY_DEFAULT_BUCKET = "sagemaker-*"
"""Matches every default bucket, for a policy."""


def default_bucket(region: str, account: str) -> str:
    """The bucket of a Region and account where none is named."""
    return f"sagemaker-{region}-{account}"


def workflow_prefix(workflow: str) -> str:
    """What the keys of all runs of a workflow begin with."""
    return f"opskit/{workflow}/"


def run_prefix(workflow: str, job: str) -> str:
    """What the keys of one run begin with."""
    return f"{workflow_prefix(workflow)}{job}/"
