"""What AWS says when it refuses or a job fails, in words that help. Its texts are data, and they are sometimes odd."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opskit.core.aws_names import TRAINING_LOG_GROUP, LogTail
from opskit.core.described_resources import Endpoint, TrainingJob, TransformJob
from opskit.core.exceptions import AwsError, GuardRefused, OpskitError
from opskit.core.message_phrases import NO_CAPACITY
from opskit.core.model import Notebook, Unknown
from opskit.core.text import normalize_text
from opskit.explain.rules.commands import log_command
from opskit.explain.rules.error_match import RegionHint
from opskit.explain.rules.error_rules import RULE_BY_KIND, find_errors
from opskit.explain.rules.explanations import explain_match
from opskit.explain.rules.families.notebook_errors import lifecycle_log_hint

_CAPACITY = re.compile(r"capacity", re.IGNORECASE)
_LIFECYCLE = re.compile(r"lifecycle\s?config", re.IGNORECASE)
_NO_CAPACITY_HINT = f"{NO_CAPACITY}; no quota helps. Try again later, or take another type."
_LAST_LINES = 10
# AWS's words for a failure that lies in the data, the settings or the permissions: the same job fails the same way.
_OWN_FAULT = re.compile(r"(Algorithm|Client|Customer|User|Data|Value)Error|exit code|HTTP status", re.IGNORECASE)
_OWN_FAULT_HINT = (
    "The same job would fail the same way, and be paid for: change the data or the settings first. "
    "`opskit workflow check` looks at both."
)


def explain_start_error(failure: AwsError) -> OpskitError:
    """AWS's refusal to start something, as the error to raise. A quota, or a type that is not offered, is a no
    (GuardRefused, exit code 3); anything else stays what it was.
    """
    said = normalize_text(f"{failure.aws_code}: {failure.aws_message}")
    found = [(error, RULE_BY_KIND[error.kind].start_code) for error in find_errors(said, {})]
    error, code = next(((error, code) for error, code in found if code), (None, ""))
    region = failure.problem.region
    if error is None:
        return _quota_refusal(failure) if failure.aws_code == "ResourceLimitExceeded" else failure
    means = explain_match(error, RegionHint(region, "call") if region else None, {})
    hint = " ".join(filter(None, (_HINTS.get(code, means.hint), means.command)))
    if code == _CAPACITY_CODE:
        return AwsError(code, failure.problem.message, hint, region=region)
    return GuardRefused(code, f"AWS refused: {means.reason}", hint, region=region)


_CAPACITY_CODE = "no-capacity"
_HINTS = {
    "not-offered": "Take another --instance-type or --region: no increase helps. Which have it:",
    _CAPACITY_CODE: f"{_NO_CAPACITY_HINT} Which have room:",
}


def _quota_refusal(failure: AwsError) -> GuardRefused:
    """A quota in words that nobody has seen yet is a no all the same."""
    said = f"AWS refused: {failure.aws_message}"
    return GuardRefused("aws-quota", said, "`opskit quotas check` shows what there is.", region=failure.problem.region)


def training_failure(job: TrainingJob, lines: Sequence[str], region: str) -> AwsError:
    """Why a training job gave no model, with the last ten ``lines`` of its log, as the error to raise."""
    hint = _next_step_hint(job.failure or "", job.secondary_status)
    if lines:
        hint = "\n".join([hint, "The last lines of its log:", *(f"  {line}" for line in lines[-_LAST_LINES:])])
    elif job.status.may_log_late and not _CAPACITY.search(job.failure or ""):  # it failed, and could not be read here
        hint = f"{hint} Its log: {log_command(TRAINING_LOG_GROUP, job.name, RegionHint(region, 'call'))}"
    reason = job.failure or job.secondary_status or "AWS gave no reason"
    return AwsError("job-failed", f"The training job {job.name} ended {job.status}: {reason}", hint, region=region)


def transform_failure(
    job: TransformJob, region: str, tail: LogTail | None = None, *, ran_out: bool = False
) -> AwsError:
    """Why a transform job gave no predictions, with the last lines of its log, as the error to raise. ``ran_out``:
    opskit stopped it, because its time was up.
    """
    stopped = "opskit stopped it when its time was up" if ran_out and job.status.is_stopped else None
    reason = job.failure or stopped or "AWS gave no reason"
    text = f"The transform job {job.name} ended {job.status}: {reason}"
    hint = _next_step_hint(job.failure or "")
    if tail is not None:
        hint = f"{hint} {log_hint(tail, region)}"
    return AwsError("job-failed", text, hint, region=region)


def may_say_why_in_log(reason: str | None) -> bool:
    """Whether the log may say more of a failure than AWS's reason does, which it does not where nothing ran."""
    return not _CAPACITY.search(reason or "")


def log_hint(tail: LogTail, region: str) -> str:
    """The last lines of the log that says why something failed; where there are none, how to read it."""
    command = log_command(tail.group, tail.prefix.rstrip("/"), RegionHint(region, "call"))
    match tail.lines:
        case Unknown(reason):
            return f"Its log says why, and could not be read here ({reason.rstrip('.')}): {command}"
        case ():
            return f"Its log, which may say why, has no lines yet: {command}"
        case lines:
            return "\n".join(["The last lines of its log:", *(f"  {line}" for line in lines), f"All of it: {command}"])


def endpoint_failure(endpoint: Endpoint, workflow: str, region: str, tail: LogTail | None = None) -> AwsError:
    """Why an endpoint does not answer, with the last lines of its log, as the error to raise. It has to be removed
    before another can have its name.
    """
    reason = endpoint.failure or "AWS gave no reason"
    hint = f"Remove it first: opskit cleanup {workflow}."
    if _CAPACITY.search(reason):
        hint = f"{_NO_CAPACITY_HINT} {hint}"
    elif tail is not None:
        hint = f"{hint} {log_hint(tail, region)}"
    text = f"The endpoint {endpoint.name} ended {endpoint.status}: {reason}"
    return AwsError("endpoint-failed", text, hint, region=region)


def is_script_failure(reason: str | None) -> bool:
    """Whether AWS's reason for a failed notebook instance is its lifecycle configuration."""
    return reason is not None and _LIFECYCLE.search(reason) is not None


def notebook_failure(notebook: Notebook, script_log: str = "") -> AwsError:
    """Why a notebook instance that was coming up is not in service. ``script_log`` is what its lifecycle script wrote
    last and where, empty where no script failed.
    """
    reason = ": ".join(filter(None, (f"The notebook instance {notebook.name} is {notebook.status}", notebook.failure)))
    text = " ".join(filter(None, (reason, script_log)))
    hint = f"`opskit notebook start {notebook.name}` tries again."
    if notebook.failure and _CAPACITY.search(notebook.failure):
        hint = _NO_CAPACITY_HINT
    elif is_script_failure(notebook.failure):
        hint = lifecycle_log_hint(notebook.name, notebook.region)
    return AwsError("notebook-failed", text, hint, region=notebook.region)


def _next_step_hint(reason: str, secondary: str = "") -> str:
    if _CAPACITY.search(reason):
        return _NO_CAPACITY_HINT
    if secondary == "MaxRuntimeExceeded":
        return "It ran as long as the workflow lets it (training.max_run in workflow.toml)."
    if _OWN_FAULT.search(reason):
        return _OWN_FAULT_HINT
    return "Run the same command again for another attempt."
