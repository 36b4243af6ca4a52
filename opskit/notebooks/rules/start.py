"""Is there room for one more notebook? Has a start taken? What a notebook instance that was sent a start says of
itself, and what is said of one that did not come up because its lifecycle script failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from opskit.core.aws_names import NOTEBOOK_LOGS
from opskit.core.aws_statuses import NotebookStatus
from opskit.core.exceptions import OpskitError
from opskit.core.model import Notebook, Unknown
from opskit.core.redaction import redact_secrets
from opskit.guards.rules.refusals import capacity_error
from opskit.quotas.rules.headroom import QuotaCheck


class StartOutcome(StrEnum):
    """What became of a start."""

    PLANNED = "planned"
    DONE = "done"
    ALREADY = "already"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_planned(self) -> bool:
        """Whether it is yet to be started."""
        match self:
            case StartOutcome.PLANNED:
                return True
            case StartOutcome.DONE | StartOutcome.ALREADY | StartOutcome.FAILED:
                return False
            case StartOutcome.REFUSED | StartOutcome.UNKNOWN:
                return False

    @property
    def comes_up(self) -> bool:
        """Whether it is on its way to be in service."""
        match self:
            case StartOutcome.DONE | StartOutcome.ALREADY:
                return True
            case StartOutcome.PLANNED | StartOutcome.FAILED | StartOutcome.REFUSED | StartOutcome.UNKNOWN:
                return False

    @property
    def is_unknown(self) -> bool:
        """Whether it may have been started, and nobody knows."""
        match self:
            case StartOutcome.UNKNOWN:
                return True
            case StartOutcome.PLANNED | StartOutcome.DONE | StartOutcome.ALREADY:
                return False
            case StartOutcome.FAILED | StartOutcome.REFUSED:
                return False


class StartProgress(StrEnum):
    """What a look after a start shows."""

    TAKEN = "taken"
    """It has left Stopped and comes up."""
    FAILED = "failed"
    """It has left Stopped and failed."""
    NOT_YET = "not yet"
    """It is as before, or AWS does not know it yet. That may be so for some seconds, or the start did not take."""

    @property
    def outcome(self) -> StartOutcome:
        """What became of the start that was looked at."""
        match self:
            case StartProgress.TAKEN:
                return StartOutcome.DONE
            case StartProgress.FAILED:
                return StartOutcome.FAILED
            case StartProgress.NOT_YET:
                return StartOutcome.UNKNOWN

    @property
    def is_visible(self) -> bool:
        """Whether the start has shown."""
        match self:
            case StartProgress.TAKEN | StartProgress.FAILED:
                return True
            case StartProgress.NOT_YET:
                return False


def start_progress(before: Notebook | None, seen: Notebook | None) -> StartProgress:
    """What a look after a start or a create shows.

    Args:
        before: how it was when it was started; None: it was just made.
        seen: how it is; None: AWS says that there is none.
    """
    if seen is None:
        return StartProgress.NOT_YET
    match seen.state:
        case NotebookStatus.PENDING | NotebookStatus.IN_SERVICE:
            return StartProgress.TAKEN
        case NotebookStatus.PENDING_MAINTENANCE | NotebookStatus.IN_MAINTENANCE:
            return StartProgress.TAKEN
        case NotebookStatus.FAILED:
            return StartProgress.NOT_YET if _is_same_failure(before, seen) else StartProgress.FAILED
        case NotebookStatus.STOPPED | NotebookStatus.STOPPING | NotebookStatus.UPDATING:
            return StartProgress.NOT_YET
        case NotebookStatus.DELETING | NotebookStatus.UNKNOWN:
            return StartProgress.NOT_YET


def _is_same_failure(before: Notebook | None, seen: Notebook) -> bool:
    """Whether it failed before the start, so that the start does not show yet."""
    return before is not None and before.traits.has_failed and before.status_changed_at == seen.status_changed_at


def allocate_capacity(check: QuotaCheck, instance_types: Sequence[str], region: str) -> list[OpskitError | None]:
    """For each of several notebooks, by their types and in this order: why there is no room for it beside those
    before it; None where there is. ``check`` is the look at the room for all of them.
    """
    left = {headroom.quota_name: headroom.free or 0 for headroom in check.headrooms}
    errors: list[OpskitError | None] = []
    for instance_type in instance_types:
        above = [
            headroom for headroom in check.headrooms if headroom.requirement.instance_type in (instance_type, None)
        ]
        full = [headroom for headroom in above if left[headroom.quota_name] < 1]
        errors.append(capacity_error(replace(check, headrooms=tuple(full)), region) if full else None)
        for headroom in above if not full else ():
            left[headroom.quota_name] -= 1
    return errors


# Characters of a script's last line: enough for a command's error.
_LONGEST_LINE = 300


def describe_script_log(stream: str, line: str | Unknown) -> str:
    """Where a lifecycle script's log is, and its last line or why that is not known."""
    where = f"the log stream {stream} of {NOTEBOOK_LOGS}"
    match line:
        case Unknown(reason):
            return f"The script writes into {where}, which could not be read: {reason}."
        case str() as said:
            return f"The last line in {where}: {redact_secrets(said)[:_LONGEST_LINE]}"
