"""The log groups of CloudWatch in which SageMaker keeps what its resources print."""

from __future__ import annotations

TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"
PROCESSING_LOGS = "/aws/sagemaker/ProcessingJobs"
TRANSFORM_LOGS = "/aws/sagemaker/TransformJobs"
NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"


def endpoint_logs(name: str) -> str:
    """The log group of one endpoint."""
    return f"/aws/sagemaker/Endpoints/{name}"
