"""The CloudWatch log groups of SageMaker resources."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.core.model import Unknown

TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
PROCESSING_LOGS = "/aws/sagemaker/ProcessingJobs"
TRANSFORM_LOGS = "/aws/sagemaker/TransformJobs"
NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"


def endpoint_logs(name: str) -> str:
    """The log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{name}"


@dataclass(frozen=True)
class LogTail:
    """The last ``lines`` in the streams of a log group that begin with ``prefix`` (empty: in all), the oldest first.
    Without lines there are none yet.
    """

    group: str
    prefix: str
    lines: tuple[str, ...] | Unknown = ()
