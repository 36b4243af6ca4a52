"""What AWS says when it refuses or a job fails, in words that help. Its texts are data, and they are sometimes odd."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opskit.decide.demands import quota_name
from opskit.errors import AwsFailure, OpskitError, Refused
from opskit.model import Demand, Endpoint, JobStatus, TrainingJob, TransformJob, Usage

# Seen texts: "The account-level service limit 'NAME' is 0 Instances, with current utilization of 0 Instances and a
# request delta of 1 Instances. …" and "The requested resource training-job/TYPE is not available in this region".
_QUOTA = re.compile(
    r"limit '(?P<name>[^']+)' is (?P<value>[\d.]+) \w+, with current utilization of (?P<used>[\d.]+) \w+ "
    r"and a request delta of (?P<delta>[\d.]+)"
)
_NOT_OFFERED = re.compile(r"requested resource (?P<what>\S+) is not available in this region", re.IGNORECASE)
_CAPACITY = re.compile(r"capacity", re.IGNORECASE)
_NO_CAPACITY = "AWS has none of these instances free now; no quota helps. Try again later, or take another type."
_LAST_LINES = 10


def explained(failure: AwsFailure) -> OpskitError:
    """AWS's refusal to start something. A quota or an offer is a no (Refused); anything else stays what it was."""
    offer = _NOT_OFFERED.search(failure.aws_message)
    if offer:
        text = f"AWS does not offer {offer['what']} in {failure.problem.region}."
        return Refused("not-offered", text, "Take another --instance-type or --region: no increase helps.")
    if failure.aws_code == "ResourceLimitExceeded":
        return _quota_short(failure.aws_message)
    if failure.aws_code == "CapacityError" or "insufficientinstancecapacity" in failure.aws_message.lower():
        return AwsFailure("no-capacity", failure.problem.message, _NO_CAPACITY, region=failure.problem.region)
    return failure


def _quota_short(said: str) -> Refused:
    found = _QUOTA.search(said)
    if found is None:
        return Refused("aws-quota", f"AWS refused: {said}", "`opskit quotas check` shows what there is.")
    value, used, delta = (float(found[key]) for key in ("value", "used", "delta"))
    text = (
        f"AWS refused: the SageMaker quota '{found['name']}' is {value:g}, {used:g} of it in use, and this needs "
        f"{delta:g} more. (It is no EC2 quota.)"
    )
    return Refused("aws-quota", text, _command_for(found["name"], used + delta))


def _command_for(name: str, to: float) -> str:
    """The command that asks for a quota, where its name tells which that is."""
    kind = next((word for word in name.split() if word.startswith("ml.")), None)
    for usage in Usage:
        try:
            if quota_name(Demand(kind, usage)) == name:
                return f"opskit quotas increase {kind or 'total'} --for {usage} --to {to:g}"
        except KeyError:  # this usage has no quota over all types
            continue
    return "Ask for it in the AWS console: Service Quotas, Amazon SageMaker, and this name."


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


def _next_step(reason: str, secondary: str = "") -> str:
    if _CAPACITY.search(reason):
        return _NO_CAPACITY
    if secondary == "MaxRuntimeExceeded":
        return "It ran as long as the workflow lets it (training.max_run in workflow.toml)."
    return "Run the same command again for another attempt."
