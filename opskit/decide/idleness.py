"""Is a notebook idle? Evidence in, verdict out.

A notebook is idle only where everything was read and nothing speaks against it: whatever is missing, garbled or
new to us makes it unknown, and unknown is never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from opskit.decide.spans import in_words
from opskit.model import Idleness, JupyterView, Kernel, NotebookEvidence, Unread

KEEP = "opskit:keep"
KEEP_UNTIL = "opskit:keep-until"
KEEP_REASON = "opskit:keep-reason"
UNREADABLE_OK = "opskit:unreadable-ok"

SKEW = timedelta(minutes=10)
"""How far two clocks may differ before their times cannot be compared. Five minutes happen, and AWS signs with them."""

COMING_UP = timedelta(minutes=10)
"""How long after InService a Jupyter that does not answer is taken to be coming up."""

_YEARS = range(1970, 3000)
"""What a machine means that says anything else, nobody knows, and Python cannot reckon with the outermost years."""

SAME_MOMENT = timedelta(milliseconds=100)
"""Jupyter notes a terminal's traffic twice, for the terminal and for the server, one right after the other."""

MAY_RUN = {"InService", "PendingMaintenance", "InMaintenance"}
"""Statuses in which a Jupyter may be at work. What the last two mean, AWS does not document."""

_OFF = {"Stopping", "Stopped", "Failed", "Deleting", "Updating"}
_WAITS_FOR_SOMEBODY = {"starting", "restarting", "autorestarting"}
_AT_REST = {"idle", "dead"}


class Evidence(StrEnum):
    """Where signs of life are looked for: in Jupyter itself, or in its log, which may only hint."""

    JUPYTER = "jupyter"
    LOGS = "logs"


@dataclass(frozen=True)
class IdlePolicy:
    """What the user calls idle: no activity for ``after``.

    ``ignore_terminals``: terminals are nobody, whatever goes on in them. ``max_age``: what nothing but something stuck
    (an open terminal, a kernel that never came up, a tab that was left open) has kept alive for so long is idle too;
    None: it never is. ``evidence`` is where it is looked for; ``trust_logs``: a silent log proves what it only hints
    at. ``tab_age``: for so long after the last activity of a kernel, a session or a terminal, or the start where there
    was none, somebody who only saves, or whose browser tab is open, is at work.
    """

    after: timedelta = timedelta(hours=1)
    ignore_terminals: bool = False
    max_age: timedelta | None = None
    evidence: Evidence = Evidence.JUPYTER
    trust_logs: bool = False
    tab_age: timedelta = timedelta(hours=4)


class Rule(StrEnum):
    """Which rule calls a notebook idle."""

    IDLE = "idle"
    TAB_AGE = "tab-age"
    MAX_AGE = "max-age"


@dataclass(frozen=True)
class Judgement:
    """The verdict over one notebook and why. ``idle`` None: it cannot be told, or nothing runs.

    ``readable`` False: something that the verdict needs could not be read; ``excused``: and its owner said that this
    is all right. ``rule`` is the one by which an idle notebook is idle, None for the others.
    """

    verdict: Idleness
    because: str
    idle: timedelta | None = None
    readable: bool = True
    excused: bool = False
    rule: Rule | None = None


def judge(evidence: NotebookEvidence, policy: IdlePolicy, now: datetime) -> Judgement:
    """The verdict over what was read at ``now``."""
    status = evidence.notebook.status
    if status not in MAY_RUN:
        return _by_status(status)
    judgement = _of_what_may_run(evidence, policy, now)
    if status == "InService":
        return judgement
    return replace(judgement, because=f"{judgement.because}; AWS says {status}, during which it may bill")


def _of_what_may_run(evidence: NotebookEvidence, policy: IdlePolicy, now: datetime) -> Judgement:
    notebook = evidence.notebook
    if isinstance(evidence.tags, Unread):
        return _unreadable(f"its tags could not be read: {evidence.tags.because}", {})
    tags = evidence.tags or {}
    if (kept := kept_because(tags, now)) is not None:
        return Judgement(Idleness.PROTECTED, kept)
    if notebook.since > now + SKEW:
        return _unreadable("AWS says that it started in the future: check this machine's clock", tags)
    if isinstance(evidence.jupyter, JupyterView):
        return _by_view(evidence.jupyter, notebook.since, tags, policy, now)
    match evidence.log:
        case datetime() as said:
            return _by_log(said, notebook.since, tags, policy, now)
        case Unread(because):
            return _silent(because, notebook.since, tags, now)
    because = evidence.jupyter.because if evidence.jupyter else "nobody looked into its Jupyter"
    return _silent(because, notebook.since, tags, now)


def is_settled(view: JupyterView, policy: IdlePolicy, now: datetime) -> bool:
    """Whether what is known of a Jupyter keeps its notebook on, whatever the answers to further questions are."""
    if any(_is_busy(kernel, policy) for kernel in view.kernels):
        return True
    if _unseen(view, policy):
        return False
    is_open = bool(view.terminals) and not policy.ignore_terminals and policy.max_age is None
    return is_open or any(now - when < policy.after for when, _ in _activity(view, policy))


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
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo is not None and when.year in _YEARS else None


def _by_status(status: str) -> Judgement:
    if status in _OFF:
        return Judgement(Idleness.STOPPED, f"AWS says {status}")
    if status == "Pending":
        return Judgement(Idleness.STARTING, "AWS says Pending")
    return Judgement(Idleness.UNKNOWN, f"AWS says {status}")


def _unreadable(because: str, tags: Mapping[str, str]) -> Judgement:
    return Judgement(Idleness.UNKNOWN, because, readable=False, excused=UNREADABLE_OK in tags)


def _silent(because: str, since: datetime, tags: Mapping[str, str], now: datetime) -> Judgement:
    if now - since < COMING_UP:
        return Judgement(Idleness.STARTING, f"started {in_words(max(now - since, timedelta(0)))} ago; {because}")
    return _unreadable(because, tags)


def _by_view(
    view: JupyterView, since: datetime, tags: Mapping[str, str], policy: IdlePolicy, now: datetime
) -> Judgement:
    if (busy := next((kernel for kernel in view.kernels if _is_busy(kernel, policy)), None)) is not None:
        return Judgement(Idleness.BUSY, _at_work(busy))
    if (gap := _gap(view, policy)) is not None:
        return _unreadable(gap, tags)
    latest, what = max([(since, _START), *_activity(view, policy), *_use(view, policy)])
    if latest > now + SKEW:
        return _unreadable(f"{what} is said to be in the future ({latest:%Y-%m-%d %H:%M} UTC)", tags)
    by_age = _by_age(view, since, policy, now)
    if by_age is None or (by_age.verdict is Idleness.IDLE and view.last_activity is None):
        return _unreadable("Jupyter does not say when it was last used", tags)
    return by_age


def _is_busy(kernel: Kernel, policy: IdlePolicy) -> bool:
    """Busy counts however old its activity is: a silent cell makes none. A starting kernel that somebody is
    connected to is about to work, unless the user set an end to waiting for such; one that nobody ever connected to
    stays ``starting`` for ever.
    """
    return kernel.state == "busy" or (policy.max_age is None and _is_awaited(kernel))


def _is_awaited(kernel: Kernel) -> bool:
    return kernel.state in _WAITS_FOR_SOMEBODY and bool(kernel.connections)


def _at_work(kernel: Kernel) -> str:
    what = kernel.path or f"kernel {kernel.id[:8]}"
    return f"{what} is running" if kernel.state == "busy" else f"{what} is {kernel.state}, with somebody connected"


def _unseen(view: JupyterView, policy: IdlePolicy) -> tuple[str, ...]:
    """What could not be read and matters."""
    return view.gaps if policy.ignore_terminals or view.terminals_gap is None else (*view.gaps, view.terminals_gap)


def _gap(view: JupyterView, policy: IdlePolicy) -> str | None:
    """What keeps Jupyter's answers from being all that there is to know; None where they are."""
    if unseen := _unseen(view, policy):
        return "; ".join(unseen)
    if abs(view.ahead) > SKEW:
        return f"its clock and this machine's differ by {in_words(abs(view.ahead))}"
    for kernel in view.kernels:
        if kernel.state in _WAITS_FOR_SOMEBODY and kernel.connections is None:
            return f"kernel {kernel.id[:8]} is {kernel.state}, and Jupyter does not say whether anybody is connected"
        if kernel.state not in _AT_REST | _WAITS_FOR_SOMEBODY:
            return f"kernel {kernel.id[:8]} is in a state that opskit does not know"
    return None


_START = "its start"


def _activity(view: JupyterView, policy: IdlePolicy) -> list[tuple[datetime, str]]:
    """Every sign of work with its time on our clock."""
    signs = [(kernel.last_activity - view.ahead, "the last activity of a kernel") for kernel in view.kernels]
    if policy.ignore_terminals:
        return signs
    traffic = [each.last_activity for each in view.terminals if each.last_activity is not None]
    return signs + [(when - view.ahead, "the last traffic of a terminal") for when in traffic]


def _use(view: JupyterView, policy: IdlePolicy) -> list[tuple[datetime, str]]:
    """Jupyter's own record of its use, which a save moves and a browser tab that somebody left open. Where terminals
    are ignored, so is their traffic in it.
    """
    if view.last_activity is None:
        return []
    traffic = [each.last_activity for each in view.terminals if policy.ignore_terminals and each.last_activity]
    if any(abs(view.last_activity - when) <= SAME_MOMENT for when in traffic):
        return []
    return [(view.last_activity - view.ahead, "the last use of Jupyter")]


def _by_age(view: JupyterView, since: datetime, policy: IdlePolicy, now: datetime) -> Judgement | None:
    """None: nothing speaks for work, and Jupyter keeps back when it was last used."""
    worked = _aged(max([(since, _START), *_activity(view, policy)]), policy, now)
    if worked.verdict is not Idleness.IDLE:
        return worked
    age = worked.idle or timedelta(0)
    stuck = _stuck(view, worked, policy, now)
    if stuck is None:
        return _at_rest(view, since, worked, policy, now)
    if policy.max_age is None or age < policy.max_age:
        return stuck if stuck.idle is not None else replace(stuck, idle=age)
    because = f"nothing but this for {in_words(age)}, longer than --max-age {in_words(policy.max_age)}: "
    return Judgement(Idleness.IDLE, because + stuck.because, age, rule=Rule.MAX_AGE)


def _at_rest(
    view: JupyterView, since: datetime, worked: Judgement, policy: IdlePolicy, now: datetime
) -> Judgement | None:
    """The verdict where nothing works and nothing is stuck; None: Jupyter keeps back when it was last used."""
    if view.last_activity is None:
        return None
    used = _use(view, policy)
    if any(now - when < policy.after for when, _ in used):
        kept_young = f"only an open browser tab or saves have kept it young, last {in_words(_ago(used, now))} ago"
        return replace(worked, because=f"{worked.because}; {kept_young}", rule=Rule.TAB_AGE)
    return worked if view.kernels else _aged(max([(since, _START), *used]), policy, now)


def _ago(used: list[tuple[datetime, str]], now: datetime) -> timedelta:
    return max(now - max(used)[0], timedelta(0))


def _aged(sign: tuple[datetime, str], policy: IdlePolicy, now: datetime) -> Judgement:
    """The verdict where this is the youngest sign of life."""
    when, what = sign
    age = max(now - when, timedelta(0))
    said = f"{what} was {in_words(age)} ago"
    if age >= policy.after:
        return Judgement(Idleness.IDLE, said, age, rule=Rule.IDLE)
    verdict = Idleness.STARTING if what == _START else Idleness.BUSY
    return Judgement(verdict, f"{said}, less than {in_words(policy.after)}", age)


def _stuck(view: JupyterView, worked: Judgement, policy: IdlePolicy, now: datetime) -> Judgement | None:
    """The sign of life in a Jupyter where no work was seen for long, with the verdict it makes; None: there is none."""
    if (kernel := next((kernel for kernel in view.kernels if _is_awaited(kernel)), None)) is not None:
        return Judgement(Idleness.BUSY, _at_work(kernel))
    if view.terminals and not policy.ignore_terminals:
        return Judgement(Idleness.UNKNOWN, "a terminal is open, and what runs in it cannot be seen")
    used = _use(view, policy)
    if used and _ago(used, now) < policy.after and (worked.idle or timedelta(0)) < policy.tab_age:
        by = f"Jupyter was last used {in_words(_ago(used, now))} ago (a save, or an open browser tab)"
        return Judgement(
            Idleness.BUSY,
            f"{by}, and {worked.because}, less than --tab-age {in_words(policy.tab_age)}",
            _ago(used, now),
        )
    return None


def _by_log(said: datetime, since: datetime, tags: Mapping[str, str], policy: IdlePolicy, now: datetime) -> Judgement:
    """A log speaks only of what was asked of Jupyter: a cell or a terminal's command may compute without a word."""
    latest, what = max((since, _START), (said, "the last line of Jupyter's log"))
    if latest > now + SKEW:
        return _unreadable(f"{what} is said to be in the future ({latest:%Y-%m-%d %H:%M} UTC)", tags)
    judgement = _aged((latest, what), policy, now)
    if judgement.verdict is not Idleness.IDLE:
        return judgement
    if policy.trust_logs:
        return replace(judgement, because=f"{judgement.because}, and --trust-logs takes that for proof")
    because = f"{judgement.because}, which does not prove that nothing computes"
    return Judgement(Idleness.UNKNOWN, because, judgement.idle)
