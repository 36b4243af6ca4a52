"""What AWS says when it refuses or a job fails, in words that help. Its texts are data, and they are sometimes odd."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opskit.decide.complaints import Kind, Place, complaints_in
from opskit.decide.explanation import explanation
from opskit.decide.plain_text import plain_text
from opskit.errors import AwsFailure, OpskitError, Refused
from opskit.model import Endpoint, JobStatus, Notebook, TrainingJob, TransformJob

_CAPACITY = re.compile(r"capacity", re.IGNORECASE)
_NO_CAPACITY = "AWS has none of these instances free now; no quota helps. Try again later, or take another type."
_LAST_LINES = 10


def explained(failure: AwsFailure) -> OpskitError:
    """AWS's refusal to start something. A quota or an offer is a no (Refused); anything else stays what it was."""
    said = plain_text(f"{failure.aws_code}: {failure.aws_message}")
    complaint = next((each for each in complaints_in(said, {}) if each.kind in _CODES), None)
    region = failure.problem.region
    if complaint is None:
        return _quota_short(failure) if failure.aws_code == "ResourceLimitExceeded" else failure
    means = explanation(complaint, Place(region, "call") if region else None, {})
    hint = " ".join(filter(None, (_HINTS.get(complaint.kind, means.hint), means.command)))
    if complaint.kind is Kind.NO_CAPACITY:
        return AwsFailure(_CODES[complaint.kind], failure.problem.message, hint, region=region)
    return Refused(_CODES[complaint.kind], f"AWS refused: {means.because}", hint, region=region)


_CODES = {Kind.QUOTA_SHORT: "aws-quota", Kind.NOT_OFFERED: "not-offered", Kind.NO_CAPACITY: "no-capacity"}
_HINTS = {
    Kind.NOT_OFFERED: "Take another --instance-type or --region: no increase helps. Which have it:",
    Kind.NO_CAPACITY: f"{_NO_CAPACITY} Which have room:",
}


def _quota_short(failure: AwsFailure) -> Refused:
    """A quota in words that nobody has seen yet is a no all the same."""
    said = f"AWS refused: {failure.aws_message}"
    return Refused("aws-quota", said, "`opskit quotas check` shows what there is.", region=failure.problem.region)


def training_failed(job: TrainingJob, lines: Sequence[str], region: str) -> AwsFailure:
    """Why a training job gave no model, with the last of its log."""
    hint = _next_step(job.failure or "", job.secondary)
    if lines:
        hint = "\n".join([hint, "The last lines of its log:", *(f"  {line}" for line in lines[-_LAST_LINES:])])
    reason = job.failure or job.secondary or "AWS gave no reason"
    return AwsFailure("job-failed", f"The training job {job.name} ended {job.status}: {reason}", hint, region=region)


def transform_failed(job: TransformJob, region: str, *, ran_out: bool = False) -> AwsFailure:
    """Why a transform job gave no predictions. ``ran_out``: opskit stopped it, because its time was up."""
    stopped = "opskit stopped it when its time was up" if ran_out and job.status is JobStatus.STOPPED else None
    reason = job.failure or stopped or "AWS gave no reason"
    text = f"The transform job {job.name} ended {job.status}: {reason}"
    return AwsFailure("job-failed", text, _next_step(job.failure or ""), region=region)


def endpoint_failed(endpoint: Endpoint, workflow: str, region: str) -> AwsFailure:
    """Why an endpoint does not answer. It has to be removed before another can have its name."""
    reason = endpoint.failure or "AWS gave no reason"
    remove = f"Remove it first: opskit cleanup {workflow}."
    hint = f"{_NO_CAPACITY} {remove}" if _CAPACITY.search(reason) else remove
    text = f"The endpoint {endpoint.name} ended {endpoint.status}: {reason}"
    return AwsFailure("endpoint-failed", text, hint, region=region)


def notebook_failed(notebook: Notebook) -> AwsFailure:
    """Why a notebook instance that was coming up is not in service."""
    reason = f": {notebook.failure}" if notebook.failure else ""
    text = f"The notebook instance {notebook.name} is {notebook.status}{reason}"
    capacity = notebook.failure and _CAPACITY.search(notebook.failure)
    hint = _NO_CAPACITY if capacity else f"`opskit notebook start {notebook.name}` tries again."
    return AwsFailure("notebook-failed", text, hint, region=notebook.region)


def _next_step(reason: str, secondary: str = "") -> str:
    if _CAPACITY.search(reason):
        return _NO_CAPACITY
    if secondary == "MaxRuntimeExceeded":
        return "It ran as long as the workflow lets it (training.max_run in workflow.toml)."
    return "Run the same command again for another attempt."
