"""Notebook instances: steps that their state does not allow, lifecycle scripts that fail, repositories that cannot be
cloned.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from opskit.core.aws_names import NOTEBOOK_LOGS
from opskit.core.aws_statuses import NotebookStatus
from opskit.explain.rules.commands import in_region, log_command, region_flag
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import NEARBY, PastedText, pattern_finder, phrase_finder

# "Status (Stopped) not in ([InService]). Unable to transition to (Stopping) for Notebook Instance (ARN)."
_STATUS = re.compile(r"status\((?P<now>[a-z]{2,24})\)notin\(\[(?P<from>[a-z,]{2,120})\]\)")
_TRANSITION = re.compile(r"unabletotransitionto\((?P<to>[a-z]{2,24})\)")
_NOTEBOOK = re.compile(r"notebook-instance/(?P<name>[a-z0-9-]{1,63})")
# "Notebook Instance Lifecycle Config 'ARN' for Notebook Instance 'ARN' failed.", or took longer than 5 minutes.
_SCRIPT = re.compile(
    r"lifecycleconfig'?(?:arn:[a-z0-9:-]{10,80}:notebook-instance-lifecycle-config/)?(?P<config>[a-z0-9-]{1,63})?'?"
    r"fornotebookinstance'?(?:arn:[a-z0-9:-]{10,80}:notebook-instance/)?(?P<name>[a-z0-9-]{1,63}?)'"
)
_TOOK_TOO_LONG = "tooklongerthan"

# What can be done, by the state that was wanted and the one it is in (small letters).
_STEPS: Mapping[tuple[str, str], str] = {
    ("stopping", "stopping"): "It is being stopped already: there is nothing to do.",
    ("stopping", "stopped"): "It is off already: there is nothing to do.",
    ("stopping", "failed"): "Nothing runs in it, so there is nothing to stop: start it, or change it, or delete it.",
    ("stopping", "deleting"): "It is being deleted: there is nothing to do.",
    ("stopping", "pending"): "It is starting. Wait until it is InService, then stop it.",
    ("stopping", "updating"): "It is off while it is updated, and Stopped when that is done: there is nothing to do.",
    ("pending", "inservice"): "It runs already: open it.",
    ("pending", "pending"): "It is starting already: wait until it is InService.",
    ("pending", "stopping"): "It is still Stopping. Wait until it is Stopped, then start it.",
    ("pending", "updating"): "Wait until it is Stopped again, then start it.",
    ("pending", "deleting"): "It is being deleted and cannot be started any more.",
    ("updating", "inservice"): "Stop it first; it can be changed once it is Stopped.",
    ("updating", "pending"): "It is starting. Wait until it is InService, stop it, then change it.",
    ("updating", "stopping"): "Wait until it is Stopped, then change it.",
    ("updating", "deleting"): "It is being deleted and cannot be changed any more.",
    ("deleting", "inservice"): "Stop it first. (opskit never deletes a notebook.)",
    ("deleting", "pending"): "It is starting. Wait until it is InService, then stop it. (opskit never deletes one.)",
    ("deleting", "stopping"): "Wait until it is Stopped. (opskit never deletes a notebook.)",
    ("deleting", "deleting"): "It is being deleted already: there is nothing to do.",
}
_COMMANDS: Mapping[tuple[str, str], str] = {
    ("stopping", "failed"): "start",
    ("pending", "inservice"): "open",
    ("updating", "inservice"): "stop",
    ("deleting", "inservice"): "stop",
}
_VERBS = {"stopping": "stopped", "pending": "started", "updating": "changed", "deleting": "deleted"}


def _find_status(text: PastedText) -> Iterator[ErrorMatch]:
    for found in text.matches(_STATUS):
        end = found.end() + NEARBY
        following = _STATUS.search(text.flat, found.end(), end)
        end = following.start() if following else end
        to, name = (_nearest(text.flat, pattern, found, end) for pattern in (_TRANSITION, _NOTEBOOK))
        yield ErrorMatch(
            ErrorKind.NOTEBOOK_STATUS,
            found.start(),
            subject=text.word(name, "name") if name else "",
            details=(text.word(found, "now"), text.word(to, "to") if to else "", found["from"]),
        )


def _nearest(flat: str, pattern: re.Pattern[str], status: re.Match[str], end: int) -> re.Match[str] | None:
    """What follows a status, where AWS puts it, or else stands right before."""
    begin = max(0, status.start() - NEARBY)
    return pattern.search(flat, status.end(), end) or pattern.search(flat, begin, status.start())


def _explain_status(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    now, to, needed = (error.detail(at) for at in range(3))
    name, wanted = error.subject, to.lower()
    step = (wanted, now.lower())
    cannot = f"and cannot be {_VERBS[wanted]} in that state" if wanted in _VERBS else "and this needs another state"
    reason = f"The notebook instance {name or 'of this name'}{in_region(region_hint)} is {now}, {cannot}."
    hint = _STEPS.get(step, f"It has to be {_state_words(needed)} for that: `opskit notebook list` shows what it is.")
    region = region_flag(region_hint)
    verb = _COMMANDS.get(step) if name else None
    command = f"opskit notebook {verb} {name}{region}" if verb else f"opskit notebook list{region}"
    return ExplanationParts(reason, hint, command)


_STATES = {status.value.lower(): status.value for status in NotebookStatus.documented()}


def _state_words(listed: str) -> str:
    return " or ".join(_STATES.get(word, word.capitalize()) for word in listed.split(",") if word)


def _find_lifecycle(text: PastedText) -> Iterator[ErrorMatch]:
    for found in text.matches(_SCRIPT):
        slow = _TOOK_TOO_LONG in text.flat[found.end() : found.end() + NEARBY]
        details = (text.word(found, "config"), "slow" if slow else "failed")
        yield ErrorMatch(ErrorKind.LIFECYCLE_SCRIPT, found.start(), subject=text.word(found, "name"), details=details)


def lifecycle_log_hint(name: str, region: str | None) -> str:
    """Where the output of a notebook's lifecycle scripts is, and how to read it."""
    command = log_command(NOTEBOOK_LOGS, f"{name}/LifecycleConfigOn", RegionHint(region, "call") if region else None)
    return (
        f"What the script printed is in CloudWatch, log group {NOTEBOOK_LOGS}, stream {name}/LifecycleConfigOnStart "
        f"(or …OnCreate, when it was made): {command}"
    )


def _explain_lifecycle(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    config, how = error.detail(0), error.detail(1)
    name = error.subject
    script = f"The lifecycle script {config}" if config else "A lifecycle script"
    if how == "slow":
        what = "took longer than 5 minutes, the most AWS allows"
        hint = "Let the script put what is slow into the background (nohup … &). "
    else:
        what = "failed"
        hint = "Correct the script, or take the lifecycle configuration off the notebook. "
    reason = (
        f"{script} of the notebook instance {name} {what}, so the notebook did not come up. No quota is in the way."
    )
    where = f"Its log is in CloudWatch, stream {name}/LifecycleConfigOnStart or {name}/LifecycleConfigOnCreate:"
    return ExplanationParts(reason, hint + where, log_command(NOTEBOOK_LOGS, f"{name}/LifecycleConfigOn", region_hint))


def _explain_git_clone(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    named = f" {error.subject}" if error.subject else ""
    reason = (
        f"The Git repository{named} could not be cloned: it is private and no user name and token were given, they are "
        "wrong, or its URL is. No quota is involved."
    )
    hint = (
        "For a private repository store user name and token in AWS Secrets Manager and make a SageMaker code "
        "repository of it; use an https URL. The repositories there are:"
    )
    return ExplanationParts(reason, hint, f"aws sagemaker list-code-repositories{region_flag(region_hint)}")


def _explain_no_such_notebook(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = in_region(region_hint, " in this Region")
    reason = f"AWS does not know this name{where}. It may be in another Region, or deleted."
    return ExplanationParts(reason, "See what there is everywhere:", "opskit notebook list --region all")


RULES = (
    ErrorRule(ErrorKind.NOTEBOOK_STATUS, _find_status, _explain_status),
    ErrorRule(ErrorKind.LIFECYCLE_SCRIPT, _find_lifecycle, _explain_lifecycle),
    ErrorRule(
        ErrorKind.GIT_CLONE,
        pattern_finder(
            ErrorKind.GIT_CLONE,
            re.compile(
                r"(?:couldnotreadusernamefor|couldnotreadpasswordfor|authenticationfailedfor|unabletoaccess|"
                r"fatal:repository|remote:repositorynotfound|gitclonefailed)'?(?P<url>https?://[^\s'\"@]{4,160}?(?=['\"]|$))?"
            ),
            "url",
        ),
        _explain_git_clone,
    ),
    ErrorRule(
        ErrorKind.NO_SUCH_NOTEBOOK,
        phrase_finder(ErrorKind.NO_SUCH_NOTEBOOK, "RecordNotFound"),
        _explain_no_such_notebook,
    ),
)
