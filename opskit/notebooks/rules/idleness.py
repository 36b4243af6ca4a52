"""Is a notebook idle? Evidence in, verdict out.

A notebook is idle only where everything was read and nothing speaks against it: whatever is missing, garbled or
new to us makes it unknown, and unknown is never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from opskit.core.aws_statuses import NotebookStatus
from opskit.core.grace import Patience, price_patience
from opskit.core.model import JupyterState, Kernel, NotebookVerdict, Terminal, Unknown
from opskit.core.tags import MAX_CLOCK_SKEW, UNREADABLE_OK, keep_reason
from opskit.core.text import format_duration
from opskit.notebooks.rules.clock_faults import skew_fault, time_fault
from opskit.notebooks.rules.enums import EvidenceSource
from opskit.notebooks.rules.evidence import JupyterActivity, LogActivity, NotebookActivity, NotebookEvidence
from opskit.notebooks.rules.own_traces import START, activity_signs, server_use, untold_traffic

STARTUP_GRACE = timedelta(minutes=10)
"""How long after InService a Jupyter that does not answer is taken to be coming up."""
SHORTEST_PATIENCE = timedelta(minutes=10)
"""However dear a notebook is, it is not idle sooner: somebody who reads what a cell has printed is at work."""

_WAITS_FOR_SOMEBODY = {"starting", "restarting", "autorestarting"}
_IDLE_KERNEL_STATES = {"idle", "dead"}


@dataclass(frozen=True)
class IdlePolicy:
    """What the user calls idle: no activity for ``after``. ``patience_usd``: a notebook whose price is known may be
    idle for as long as it costs that much instead (None: ``after`` counts); ``after_because`` then says how that makes
    the time of this one.

    ``ignore_terminals``: terminals are nobody, whatever goes on in them. ``max_age``: what nothing but something stuck
    (an open terminal, a kernel that never came up, a tab that was left open) has kept alive for so long is idle too;
    None: it never is. ``evidence`` is where it is looked for; ``trust_logs``: a silent log proves what it only hints
    at. ``tab_age``: for so long after the last activity of a kernel, a session or a terminal, or the start where there
    was none, somebody who only saves, or whose browser tab is open, is at work. ``inside``: whether to look inside an
    instance that all else calls idle; None: nobody asked. ``ignore_background``: what waits there is nobody;
    ``trust_jupyter``: where nobody can look inside, a lifecycle configuration has left nothing running.
    """

    after: timedelta = timedelta(hours=1)
    ignore_terminals: bool = False
    max_age: timedelta | None = None
    evidence: EvidenceSource = EvidenceSource.JUPYTER
    trust_logs: bool = False
    tab_age: timedelta = timedelta(hours=4)
    inside: bool | None = None
    ignore_background: bool = False
    trust_jupyter: bool = False
    patience_usd: Decimal | None = None
    after_because: str = ""

    @property
    def patience(self) -> Patience:
        """After how long a notebook is idle."""
        return Patience(self.after, self.after_because)

    def for_price(self, usd_per_hour: Decimal | None) -> IdlePolicy:
        """The policy for one notebook, by its price in USD per hour (``usd_per_hour`` None: nobody knows it, and
        ``after`` counts). With ``patience_usd`` it may be idle for the time that this amount lasts, never under ten
        minutes.
        """
        patience = price_patience(self.patience_usd, usd_per_hour, self.after, SHORTEST_PATIENCE)
        return replace(self, after=patience.span, after_because=patience.because, patience_usd=None)


class IdleRule(StrEnum):
    """Which rule calls a notebook idle."""

    IDLE = "idle"
    TAB_AGE = "tab-age"
    MAX_AGE = "max-age"


@dataclass(frozen=True)
class IdleAssessment:
    """The verdict over one notebook and why. ``idle`` None: no time was measured; ``verdict`` says whether
    that is because nothing runs.

    ``readable`` False: something that the verdict needs could not be read; ``unreadable_ok``: and its owner said that
    this is all right; ``is_clock_wrong``: what was read has times that cannot be. ``rule`` is the one by which an idle
    notebook is idle, None for the others.
    """

    verdict: NotebookVerdict
    reason: str
    idle: timedelta | None = None
    readable: bool = True
    unreadable_ok: bool = False
    is_clock_wrong: bool = False
    rule: IdleRule | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody uses it."""
        return self.verdict.is_idle


def assess_notebook(evidence: NotebookEvidence, policy: IdlePolicy, now: datetime) -> IdleAssessment:
    """The verdict over what was read at ``now``, aware UTC. What was not read is unknown, and never idle."""
    notebook = evidence.notebook
    if not notebook.traits.may_run_jupyter:
        return IdleAssessment(_verdict_of_status(notebook.state), f"AWS says {notebook.status}")
    tags = evidence.tags
    if tags is None:  # any of them may keep it
        assessment = _unreadable_assessment("its tags were not read", {})
    elif isinstance(tags, Unknown):
        assessment = _unreadable_assessment(f"its tags could not be read: {tags.reason}", {})
    # Before anything else that is known: a keep tag holds whatever Jupyter says.
    elif (kept := keep_reason(tags, now)) is not None:
        assessment = IdleAssessment(NotebookVerdict.PROTECTED, kept)
    elif notebook.status_changed_at > now + MAX_CLOCK_SKEW:
        assessment = _wrong_clock_assessment("AWS says that it started in the future: check this machine's clock", tags)
    else:
        assessment = _assess_activity(evidence.activity, notebook.status_changed_at, tags, policy, now)
        if assessment.is_idle and not notebook.is_change_told:  # it may have started a moment ago
            assessment = _unreadable_assessment("AWS does not say when it was last started", tags)
    if notebook.traits.is_in_service:
        return assessment
    return replace(assessment, reason=f"{assessment.reason}; AWS says {notebook.status}, during which it may bill")


def _assess_activity(
    activity: NotebookActivity | None, since: datetime, tags: Mapping[str, str], policy: IdlePolicy, now: datetime
) -> IdleAssessment:
    """The verdict over what a source of evidence says; where it says nothing, unknown or starting, and never idle."""
    match activity:
        case JupyterActivity(state):
            if isinstance(state, Unknown):
                return _assess_silent(state.reason, since, tags, now)
            return _assess_jupyter(state, since, tags, policy, now)
        case LogActivity(said):
            if isinstance(said, Unknown):
                return _assess_silent(said.reason, since, tags, now)
            return _assess_log(said, since, tags, policy, now)
        case None:
            return _assess_silent("its Jupyter was not read", since, tags, now)


def is_conclusive(state: JupyterState, policy: IdlePolicy, now: datetime) -> bool:
    """Whether what is known of a Jupyter keeps its notebook on, whatever the answers to further questions are."""
    if any(_is_busy_kernel(kernel, policy) for kernel in state.kernels):
        return True
    if _unread_parts(state, policy):
        return False
    is_open = bool(state.terminals) and not policy.ignore_terminals and policy.max_age is None
    return is_open or any(
        now - when < policy.after for when, _ in activity_signs(state, ignore_terminals=policy.ignore_terminals)
    )


def _verdict_of_status(status: NotebookStatus) -> NotebookVerdict:
    """What the status alone tells."""
    match status:
        case NotebookStatus.STOPPING | NotebookStatus.STOPPED | NotebookStatus.FAILED:
            return NotebookVerdict.STOPPED
        case NotebookStatus.DELETING | NotebookStatus.UPDATING:
            return NotebookVerdict.STOPPED
        case NotebookStatus.PENDING:
            return NotebookVerdict.STARTING
        case NotebookStatus.IN_SERVICE | NotebookStatus.PENDING_MAINTENANCE | NotebookStatus.IN_MAINTENANCE:
            return NotebookVerdict.UNKNOWN
        case NotebookStatus.UNKNOWN:
            return NotebookVerdict.UNKNOWN


def _unreadable_assessment(reason: str, tags: Mapping[str, str]) -> IdleAssessment:
    return IdleAssessment(NotebookVerdict.UNKNOWN, reason, readable=False, unreadable_ok=UNREADABLE_OK in tags)


def _wrong_clock_assessment(reason: str, tags: Mapping[str, str]) -> IdleAssessment:
    return replace(_unreadable_assessment(reason, tags), is_clock_wrong=True)


def _assess_silent(reason: str, since: datetime, tags: Mapping[str, str], now: datetime) -> IdleAssessment:
    if now - since < STARTUP_GRACE:
        return IdleAssessment(
            NotebookVerdict.STARTING, f"started {format_duration(max(now - since, timedelta(0)))} ago; {reason}"
        )
    return _unreadable_assessment(reason, tags)


def _assess_jupyter(
    state: JupyterState, since: datetime, tags: Mapping[str, str], policy: IdlePolicy, now: datetime
) -> IdleAssessment:
    if (busy := next((kernel for kernel in state.kernels if _is_busy_kernel(kernel, policy)), None)) is not None:
        return IdleAssessment(NotebookVerdict.BUSY, _kernel_activity(busy))
    if (gap := _view_error(state, policy)) is not None:
        return _unreadable_assessment(gap, tags)
    # Times are corrected by the skew, so that it comes first.
    fault = skew_fault(state.clock_skew) or time_fault(
        [
            (since, START),
            *activity_signs(state, ignore_terminals=policy.ignore_terminals),
            *server_use(state, ignore_terminals=policy.ignore_terminals),
        ],
        now,
    )
    if fault is not None:
        return _wrong_clock_assessment(fault, tags)
    by_age = _assess_age(state, since, policy, now)
    if by_age is None or (by_age.verdict.is_idle and state.last_activity is None):
        return _unreadable_assessment("Jupyter does not say when it was last used", tags)
    return by_age


def _is_busy_kernel(kernel: Kernel, policy: IdlePolicy) -> bool:
    """Whether a kernel works, or is about to."""
    # Busy counts however old its activity is: a silent cell makes none. A starting kernel that somebody is connected to
    # is about to work, unless the user set an end to waiting for such; one that nobody ever connected to stays
    # ``starting`` for ever.
    return kernel.state == "busy" or (policy.max_age is None and _is_awaited_kernel(kernel))


def _is_awaited_kernel(kernel: Kernel) -> bool:
    return kernel.state in _WAITS_FOR_SOMEBODY and bool(kernel.connections)


def _kernel_activity(kernel: Kernel) -> str:
    what = kernel.path or f"kernel {kernel.id[:8]}"
    return f"{what} is running" if kernel.state == "busy" else f"{what} is {kernel.state}, with somebody connected"


def _unread_parts(state: JupyterState, policy: IdlePolicy) -> tuple[str, ...]:
    """What could not be read and matters."""
    return (
        state.errors if policy.ignore_terminals or state.terminals_gap is None else (*state.errors, state.terminals_gap)
    )


def _view_error(state: JupyterState, policy: IdlePolicy) -> str | None:
    """What keeps Jupyter's answers from being all that there is to know; None where they are."""
    if unseen := _unread_parts(state, policy):
        alike = {gap.partition(" (")[0]: gap for gap in reversed(unseen)}  # of several that failed alike, the first
        return "; ".join(reversed(alike.values()))
    for kernel in state.kernels:
        if kernel.state in _WAITS_FOR_SOMEBODY and kernel.connections is None:
            return f"kernel {kernel.id[:8]} is {kernel.state}, and Jupyter does not say whether anybody is connected"
        # A state that a later Jupyter invents may mean work.
        if kernel.state not in _IDLE_KERNEL_STATES | _WAITS_FOR_SOMEBODY:
            return f"kernel {kernel.id[:8]} is in a state that opskit does not know"
    return None


def _assess_age(state: JupyterState, since: datetime, policy: IdlePolicy, now: datetime) -> IdleAssessment | None:
    """None: nothing speaks for work, and Jupyter keeps back when it was last used."""
    worked = _by_last_sign(
        max([(since, START), *activity_signs(state, ignore_terminals=policy.ignore_terminals)]), policy, now
    )
    if not worked.verdict.is_idle:
        return worked
    age = worked.idle or timedelta(0)
    stuck = _open_session_sign(state, worked, policy, now)
    if stuck is None:
        return _at_rest(state, since, worked, policy, now)
    if policy.max_age is None or age < policy.max_age:
        return stuck if stuck.idle is not None else replace(stuck, idle=age)
    untold = untold_traffic(state, ignore_terminals=policy.ignore_terminals)
    if untold is not None and now - untold < policy.max_age:
        said = f"{stuck.reason}; Jupyter does not tell when the terminal was used, and was itself used since"
        return IdleAssessment(NotebookVerdict.UNKNOWN, said)
    reason = f"nothing but this for {format_duration(age)}, longer than --max-age {format_duration(policy.max_age)}: "
    return IdleAssessment(NotebookVerdict.IDLE, reason + stuck.reason, age, rule=IdleRule.MAX_AGE)


def _at_rest(
    state: JupyterState, since: datetime, worked: IdleAssessment, policy: IdlePolicy, now: datetime
) -> IdleAssessment | None:
    """The verdict where nothing works and nothing is stuck; None: Jupyter keeps back when it was last used."""
    if state.last_activity is None:
        return None
    used = server_use(state, ignore_terminals=policy.ignore_terminals)
    if any(now - when < policy.after for when, _ in used):
        kept_young = (
            f"only Jupyter's own use is younger, {format_duration(_time_since(used, now))} ago"
            " (perhaps saves, or an open browser tab)"
        )
        return replace(worked, reason=f"{worked.reason}; {kept_young}", rule=IdleRule.TAB_AGE)
    return worked if state.kernels else _by_last_sign(max([(since, START), *used]), policy, now)


def _time_since(used: list[tuple[datetime, str]], now: datetime) -> timedelta:
    return max(now - max(used)[0], timedelta(0))


def _by_last_sign(sign: tuple[datetime, str], policy: IdlePolicy, now: datetime) -> IdleAssessment:
    """The verdict where this is the youngest sign of life."""
    when, what = sign
    age = max(now - when, timedelta(0))
    said = f"{what} was {format_duration(age)} ago"
    if age >= policy.after:
        told = f"{said}, and it may be idle for {policy.patience}" if policy.after_because else said
        return IdleAssessment(NotebookVerdict.IDLE, told, age, rule=IdleRule.IDLE)
    verdict = NotebookVerdict.STARTING if what == START else NotebookVerdict.BUSY
    return IdleAssessment(verdict, f"{said}, less than {policy.patience}", age)


def _open_session_sign(
    state: JupyterState, worked: IdleAssessment, policy: IdlePolicy, now: datetime
) -> IdleAssessment | None:
    """The sign of life in a Jupyter where no work was seen for long, with the verdict it makes; None: there is none."""
    if (kernel := next((kernel for kernel in state.kernels if _is_awaited_kernel(kernel)), None)) is not None:
        return IdleAssessment(NotebookVerdict.BUSY, _kernel_activity(kernel))
    if state.terminals and not policy.ignore_terminals:
        return IdleAssessment(NotebookVerdict.UNKNOWN, _describe_terminals(state.terminals))
    used = server_use(state, ignore_terminals=policy.ignore_terminals)
    if used and _time_since(used, now) < policy.after and (worked.idle or timedelta(0)) < policy.tab_age:
        by = f"{format_duration(_time_since(used, now))} ago (perhaps a save, or an open browser tab)"
        return IdleAssessment(
            NotebookVerdict.BUSY,
            f"Jupyter was last used {by}, and {worked.reason}, less than --tab-age {format_duration(policy.tab_age)}",
            _time_since(used, now),
        )
    return None


def _describe_terminals(terminals: Sequence[Terminal]) -> str:
    said = "a terminal is open, and what runs in it cannot be seen"
    left = next((each.name for each in terminals if each.may_be_left), None)
    if left is None:
        return said
    return f"{said}; terminal {left} may be one that an interrupted run of opskit left: close it if it is nobody's"


def _assess_log(
    said: datetime, since: datetime, tags: Mapping[str, str], policy: IdlePolicy, now: datetime
) -> IdleAssessment:
    """The verdict by the last line of the log."""
    signs = [(since, START), (said, "the last line of Jupyter's log")]
    if (fault := time_fault(signs, now)) is not None:
        return _wrong_clock_assessment(fault, tags)
    assessment = _by_last_sign(max(signs), policy, now)
    if not assessment.verdict.is_idle:
        return assessment
    if policy.trust_logs:
        return replace(assessment, reason=f"{assessment.reason}, and --trust-logs takes that for proof")
    # A log speaks only of what was asked of Jupyter: a cell or a terminal's command may compute without a word.
    reason = f"{assessment.reason}, which does not prove that nothing computes"
    return IdleAssessment(NotebookVerdict.UNKNOWN, reason, assessment.idle)
