"""A stop for people and programs: each notebook's verdict, reason and price, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from opskit.core.exceptions import ExitCode, Problem
from opskit.core.grace import patience_record
from opskit.core.model import NotebookVerdict
from opskit.core.owners import owner_record
from opskit.core.tags import UNREADABLE_OK
from opskit.core.text import describe_none, format_duration
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection
from opskit.notebooks.flows.stop_plan import StopAction
from opskit.notebooks.rules.evidence import NotebookEvidence
from opskit.notebooks.rules.idleness import IdleRule
from opskit.output.result import Cell, Column, CommandResult, Style, Table, add_patience_column

VERDICT_STYLES = {
    NotebookVerdict.IDLE: Style.WARN,
    NotebookVerdict.BUSY: Style.GOOD,
    NotebookVerdict.PROTECTED: Style.GOOD,
    NotebookVerdict.STARTING: Style.PLAIN,
    NotebookVerdict.UNKNOWN: Style.WARN,
    NotebookVerdict.STOPPED: Style.DIM,
}
"""How each verdict feels."""

_COLUMNS = (
    Column("Region", key=True),
    Column("Notebook", wrap=True, key=True),
    Column("Type", optional=True),
    Column("Verdict"),
    Column("Idle", right=True),
    Column("USD/h", right=True, optional=True),
    Column("Action"),
    Column("Why", wrap=True),
)


_SET_CLOCK = (
    "`opskit doctor` compares this machine's clock with AWS's; `timedatectl set-ntp true` sets it. If it is right, the "
    "notebook's is wrong: stop and start the notebook."
)
_LIST_COMMAND = "`opskit notebook list` shows them; --region looks elsewhere."


def stop_result(
    actions: Sequence[StopAction], inspection: Inspection, missing: Mapping[str, str] | None = None
) -> CommandResult:
    """The answer of ``notebook stop``, after ``inspection``. ``missing`` are the names that no notebook has where AWS
    told, each with the beginning of a hint that says which name may have been meant.
    """
    where = " where AWS could be asked" if inspection.problems else ""
    gone = tuple(
        Problem("no-notebook", f"There is no notebook instance '{name}'{where}.", f"{meant}{_LIST_COMMAND}")
        for name, meant in (missing or {}).items()
    )
    failed = tuple(
        Problem(
            "stop-failed" if stop_action.will_stop else "tag-failed",
            f"{stop_action.inspected.notebook.name}: {stop_action.reason}",
            "",
            stop_action.inspected.notebook.region,
        )
        for stop_action in actions
        if stop_action.outcome and stop_action.outcome.is_failure and not stop_action.refusal
    )
    refused = tuple(stop_action.refusal for stop_action in actions if stop_action.refusal)
    problems = (
        *inspection.problems,
        *(() if inspection.all_regions_failed else gone),
        *refused,
        *failed,
        *_kept_notebook_problems(actions),
    )
    none = describe_none("notebook instance", inspection.regions, is_narrow=inspection.is_narrow)
    notes = _savings_lines(actions) if actions or problems else [none]
    return _build_stop_result(actions, problems, _stop_exit(actions, inspection, problems), notes)


def _stop_exit(actions: Sequence[StopAction], inspection: Inspection, problems: Sequence[Problem]) -> ExitCode:
    """A name that nothing bears is a slip of whoever typed it where it stands alone, as it is for ``start``."""
    if inspection.all_regions_failed:
        return ExitCode.AWS_ERROR
    if any(stop_action.refusal for stop_action in actions):
        return ExitCode.REFUSED
    if problems and not (actions or inspection.problems):
        return ExitCode.USAGE
    return ExitCode.PARTIAL if problems else ExitCode.OK


def _kept_notebook_problems(actions: Sequence[StopAction]) -> tuple[Problem, ...]:
    """A word on each that is kept because it could not be read: it is why the exit is not 0."""
    expected = f"If this is expected, tag the notebook {UNREADABLE_OK} so that it no longer counts as a failure."
    kept = [stop_action for stop_action in actions if stop_action.is_unreadable]
    return tuple(
        Problem(
            "unread",
            f"{stop_action.inspected.notebook.name}: {stop_action.reason}",
            _SET_CLOCK if stop_action.inspected.assessment.is_clock_wrong else expected,
            stop_action.inspected.notebook.region,
        )
        for stop_action in kept
    )


def stop_refused_result(
    actions: Sequence[StopAction], problems: tuple[Problem, ...], refusal: Problem
) -> CommandResult:
    """The answer of a ``notebook stop`` that refuses: the plan, of which nothing was done, and why."""
    return _build_stop_result(actions, (*problems, refusal), ExitCode.REFUSED, ("Nothing was stopped.",))


def _build_stop_result(
    actions: Sequence[StopAction], problems: tuple[Problem, ...], code: ExitCode, notes: Iterable[str]
) -> CommandResult:
    data = {
        "account": account_of_notebooks(stop_action.inspected for stop_action in actions),
        "notebooks": [_stop_record(stop_action) for stop_action in actions],
        "saved_usd_per_hour": saved_usd_per_hour(actions),
    }
    rows = Table(_COLUMNS, tuple(_stop_row(stop_action) for stop_action in actions))
    patiences = [stop_action.inspected.patience for stop_action in actions]
    table = (add_patience_column(rows, patiences, before="USD/h"),) if actions else ()
    return CommandResult(data, code, problems, table, tuple(notes), "notebooks")


def saved_usd_per_hour(actions: Sequence[StopAction]) -> Decimal | None:
    """What the stops save, in USD per hour; None where a price is not known. What is only planned saves nothing."""
    prices = [stop_action.inspected.usd_per_hour for stop_action in actions if stop_action.is_done]
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if len(known) == len(prices) else None


def _savings_lines(actions: Sequence[StopAction]) -> list[str]:
    stopped = [stop_action for stop_action in actions if stop_action.is_done]
    # What begins to wait with this run, until when, and how it is kept on.
    graces = [
        f"{action.inspected.notebook.name} stops at {action.stops_at:%Y-%m-%d %H:%M} UTC unless it is used; "
        f"`opskit notebook keep {action.inspected.notebook.name}` keeps it on."
        for action in actions
        if action.grace_begun and action.stops_at
    ]
    if not stopped and graces:
        return graces
    if not stopped:
        planned = sum(stop_action.outcome_is_planned for stop_action in actions)
        return [f"{planned} would be stopped; nothing was changed." if planned else "Nothing was stopped."]
    saved = saved_usd_per_hour(stopped)
    money = "an unknown amount (no price available)" if saved is None else f"{saved} USD per hour"
    lines = [f"Stopped {len(stopped)}, which saves {money}. Their files are kept.", *graces]
    by_age = [each.inspected.notebook.name for each in stopped if each.inspected.assessment.rule is IdleRule.MAX_AGE]
    # The louder word over those that --max-age took.
    loud = [f"Stopped by --max-age although it may have been in use: {', '.join(by_age)}."] if by_age else []
    return [*loud, *lines]


def _stop_record(action: StopAction) -> dict[str, Any]:
    seen = action.inspected
    idle = seen.assessment.idle
    return {
        "account": seen.notebook.account,
        "region": seen.notebook.region,
        "name": seen.notebook.name,
        **owner_record(seen.evidence.tags, seen.client.owner_keys),
        "instance_type": seen.notebook.instance_type,
        "status": action.status or seen.notebook.status,
        "verdict": seen.assessment.verdict.value,
        "because": action.reason,
        "evidence": evidence_source_text(seen.evidence),
        "rule": seen.assessment.rule and seen.assessment.rule.value,
        "idle_seconds": None if idle is None else int(idle.total_seconds()),
        **patience_record(seen.patience),
        "usd_per_hour": seen.usd_per_hour,
        "action": "stop" if action.will_stop else "keep",
        "step": action.step.value,
        "outcome": action.outcome and action.outcome.value,
        "looked_ms_ago": action.looked_ms_ago,
        "inside_ms_ago": action.inside_ms_ago,
        "stops_at": action.stops_at,
        "grace_begun": action.grace_begun,
    }


def account_of_notebooks(notebooks: Iterable[InspectedNotebook]) -> str | None:
    """The account that notebooks belong to; None: there are none, or they are of several."""
    accounts = {seen.notebook.account for seen in notebooks}
    return accounts.pop() if len(accounts) == 1 else None


def evidence_source_text(evidence: NotebookEvidence) -> str:
    """What a verdict stands on: a source, or what AWS alone says, its ``tags`` or its ``status``."""
    if evidence.activity is None:
        return "tags" if evidence.notebook.traits.may_run_jupyter else "status"
    return evidence.activity.source.value


def _stop_row(handled: StopAction) -> tuple[Cell, ...]:
    seen = handled.inspected
    idle = seen.assessment.idle
    action = "stop" if handled.will_stop else "keep"
    return (
        Cell(seen.notebook.region),
        Cell(seen.notebook.name),
        Cell(seen.notebook.instance_type),
        Cell(seen.assessment.verdict.value, VERDICT_STYLES[seen.assessment.verdict]),
        Cell("" if idle is None else format_duration(idle)),
        Cell("?" if seen.usd_per_hour is None else str(seen.usd_per_hour)),
        Cell(f"{action}: {handled.outcome}" if handled.outcome else action),
        Cell(handled.reason),
    )
