"""Is a notebook idle? Evidence in, verdict out.

A notebook is idle only where everything was read and nothing speaks against it: whatever is missing, garbled or
new to us makes it unknown, and unknown is never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opskit.decide.spans import in_words
from opskit.model import Idleness, JupyterView, Kernel, NotebookEvidence, Unread

KEEP = "opskit:keep"
KEEP_UNTIL = "opskit:keep-until"
KEEP_REASON = "opskit:keep-reason"
UNREADABLE_OK = "opskit:unreadable-ok"

SKEW = timedelta(minutes=5)
"""How far two clocks may differ before their times cannot be compared."""

COMING_UP = timedelta(minutes=10)
"""How long after InService a Jupyter that does not answer is taken to be coming up."""

_OFF = {"Stopping", "Stopped", "Failed", "Deleting", "Updating"}
_WAITS_FOR_SOMEBODY = {"starting", "restarting", "autorestarting"}
_AT_REST = {"idle", "dead"}


@dataclass(frozen=True)
class IdlePolicy:
    """What the user calls idle: no activity for ``after``; ``ignore_terminals``: a silent terminal is nobody."""

    after: timedelta = timedelta(hours=1)
    ignore_terminals: bool = False


@dataclass(frozen=True)
class Judgement:
    """The verdict over one notebook and why. ``idle`` None: it cannot be told, or nothing runs.

    ``readable`` False: something that the verdict needs could not be read (and nobody said that this is all right).
    """

    verdict: Idleness
    because: str
    idle: timedelta | None = None
    readable: bool = True


def judge(evidence: NotebookEvidence, policy: IdlePolicy, now: datetime) -> Judgement:
    """The verdict over what was read at ``now``."""
    notebook = evidence.notebook
    if notebook.status != "InService":
        return _by_status(notebook.status)
    if isinstance(evidence.tags, Unread):
        return _unreadable(f"its tags could not be read: {evidence.tags.because}", {})
    tags = evidence.tags or {}
    if (kept := kept_because(tags, now)) is not None:
        return Judgement(Idleness.PROTECTED, kept)
    if notebook.since > now + SKEW:
        return _unreadable("AWS says that it started in the future: check this machine's clock", tags)
    match evidence.jupyter:
        case None:
            return _unreadable("nobody looked into its Jupyter", tags)
        case Unread(because):
            return _silent(because, notebook.since, tags, now)
        case view:
            return _by_view(view, notebook.since, tags, policy, now)


def kept_because(tags: Mapping[str, str], now: datetime) -> str | None:
    """Why the tags forbid to stop a notebook; None where they do not.

    An ``opskit:keep-until`` that has passed no longer keeps; one that cannot be read keeps.
    """
    if KEEP in tags:
        return f"kept: {tags[KEEP]}" if tags[KEEP].strip() else f"kept: tagged {KEEP}"
    if KEEP_UNTIL not in tags:
        return None
    until = moment(tags[KEEP_UNTIL])
    if until is None:
        return f"kept: the time in its tag {KEEP_UNTIL} cannot be read"
    reason = f": {tags[KEEP_REASON]}" if tags.get(KEEP_REASON, "").strip() else ""
    return f"kept until {until:%Y-%m-%d %H:%M} UTC{reason}" if until > now else None


def moment(text: object) -> datetime | None:
    """An ISO 8601 time with its zone, with or without a fraction, in UTC; None where it is anything else."""
    if not isinstance(text, str) or "T" not in text.strip().replace(" ", "T"):
        return None
    try:
        when = datetime.fromisoformat(text.strip())
        return None if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _by_status(status: str) -> Judgement:
    if status in _OFF:
        return Judgement(Idleness.STOPPED, f"AWS says {status}")
    if status == "Pending":
        return Judgement(Idleness.STARTING, "AWS says Pending")
    return Judgement(Idleness.UNKNOWN, f"AWS says {status}")


def _unreadable(because: str, tags: Mapping[str, str]) -> Judgement:
    return Judgement(Idleness.UNKNOWN, because, readable=UNREADABLE_OK in tags)


def _silent(because: str, since: datetime, tags: Mapping[str, str], now: datetime) -> Judgement:
    if now - since < COMING_UP:
        return Judgement(Idleness.STARTING, f"started {in_words(now - since)} ago; {because}")
    return _unreadable(because, tags)


def _by_view(
    view: JupyterView, since: datetime, tags: Mapping[str, str], policy: IdlePolicy, now: datetime
) -> Judgement:
    if (busy := next((kernel for kernel in view.kernels if _is_busy(kernel)), None)) is not None:
        return Judgement(Idleness.BUSY, _at_work(busy))
    if view.gaps:
        return _unreadable("; ".join(view.gaps), tags)
    if abs(view.ahead) > SKEW:
        return _unreadable(f"its clock and this machine's differ by {in_words(abs(view.ahead))}", tags)
    if (riddle := _riddle(view)) is not None:
        return _unreadable(riddle, tags)
    signs = _signs(view, since)
    latest, what = max(signs)
    if latest > now + SKEW:
        return _unreadable(f"{what} is said to be in the future ({latest:%Y-%m-%d %H:%M} UTC)", tags)
    return _by_age(view, max(now - latest, timedelta(0)), what, policy)


def _is_busy(kernel: Kernel) -> bool:
    """Busy counts however old its activity is: a silent cell makes none. A starting kernel that somebody is
    connected to is about to work; one that nobody ever connected to stays ``starting`` for ever.
    """
    return kernel.state == "busy" or (kernel.state in _WAITS_FOR_SOMEBODY and bool(kernel.connections))


def _at_work(kernel: Kernel) -> str:
    what = kernel.path or f"kernel {kernel.id[:8]}"
    return f"{what} is running" if kernel.state == "busy" else f"{what} is {kernel.state}, with somebody connected"


def _riddle(view: JupyterView) -> str | None:
    """What of a complete answer opskit cannot interpret; None where it understands all."""
    for kernel in view.kernels:
        if kernel.state in _WAITS_FOR_SOMEBODY and kernel.connections is None:
            return f"kernel {kernel.id[:8]} is {kernel.state}, and Jupyter does not say whether anybody is connected"
        if kernel.state not in _AT_REST | _WAITS_FOR_SOMEBODY:
            return f"kernel {kernel.id[:8]} is in a state that opskit does not know"
    if not view.kernels and view.last_activity is None:
        return "Jupyter does not say when it was last used"
    return None


def _signs(view: JupyterView, since: datetime) -> list[tuple[datetime, str]]:
    """Every sign of life with its time on our clock. Jupyter's own record counts only where no kernel does:
    an open browser tab keeps it young.
    """
    signs = [(since, "its start")]
    signs += [(kernel.last_activity - view.ahead, "the last activity of a kernel") for kernel in view.kernels]
    signs += [(terminal.last_activity - view.ahead, "the last traffic of a terminal") for terminal in view.terminals]
    if not view.kernels and view.last_activity is not None:
        signs.append((view.last_activity - view.ahead, "the last use of Jupyter"))
    return signs


def _by_age(view: JupyterView, age: timedelta, what: str, policy: IdlePolicy) -> Judgement:
    said = f"{what} was {in_words(age)} ago"
    if age < policy.after:
        verdict = Idleness.STARTING if what == "its start" else Idleness.BUSY
        return Judgement(verdict, f"{said}, less than {in_words(policy.after)}", age)
    if view.terminals and not policy.ignore_terminals:
        return Judgement(Idleness.UNKNOWN, "a terminal is open, and what runs in it cannot be seen", age)
    return Judgement(Idleness.IDLE, said, age)
