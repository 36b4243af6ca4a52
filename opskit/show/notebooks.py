"""A stop for people and programs: each notebook's verdict, reason and price, and what was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from opskit.decide.idleness import MAY_RUN, UNREADABLE_OK, Rule
from opskit.decide.spans import in_words
from opskit.errors import ExitCode, Problem
from opskit.flows.look_at_notebooks import Round
from opskit.flows.stop_notebooks import Handled, StopOutcome
from opskit.model import Idleness, NotebookEvidence
from opskit.show.answer import Answer, Cell, Column, Table, Tone

TONES = {
    Idleness.IDLE: Tone.WARN,
    Idleness.BUSY: Tone.GOOD,
    Idleness.PROTECTED: Tone.GOOD,
    Idleness.STARTING: Tone.PLAIN,
    Idleness.UNKNOWN: Tone.WARN,
    Idleness.STOPPED: Tone.DIM,
}
"""How each verdict feels."""

_COLUMNS = (
    Column("Region", from_width=100),
    Column("Notebook", wrap=True),
    Column("Type", from_width=80),
    Column("Verdict"),
    Column("Idle", right=True),
    Column("USD/h", right=True, from_width=70),
    Column("Action"),
    Column("Why", wrap=True, from_width=90),
)


_LIST = "`opskit notebook list` shows them; --region looks elsewhere."


def stopping(handled: Sequence[Handled], look: Round, missing: Sequence[str] = ()) -> Answer:
    """The answer of ``notebook stop``, after ``look``. ``missing`` are the names that nothing bears where AWS told."""
    where = " where AWS could be asked" if look.problems else ""
    gone = tuple(Problem("no-notebook", f"There is no notebook instance '{name}'{where}.", _LIST) for name in missing)
    failed = tuple(
        Problem(
            "stop-failed" if each.stop else "tag-failed",
            f"{each.seen.notebook.name}: {each.because}",
            "",
            each.seen.notebook.region,
        )
        for each in handled
        if each.outcome in (StopOutcome.REFUSED, StopOutcome.UNKNOWN)
    )
    problems = (*look.problems, *(() if look.is_blind else gone), *failed, *_unread(handled))
    return _answer(handled, problems, _exit(handled, look, problems), _saved(handled))


def _exit(handled: Sequence[Handled], look: Round, problems: Sequence[Problem]) -> ExitCode:
    """A name that nothing bears is a slip of whoever typed it where it stands alone, as it is for ``start``."""
    if look.is_blind:
        return ExitCode.AWS
    if problems and not (handled or look.problems):
        return ExitCode.USAGE
    return ExitCode.PARTLY if problems else ExitCode.DONE


def _unread(handled: Sequence[Handled]) -> tuple[Problem, ...]:
    """A word on each that is kept because it could not be read: it is why the exit is not 0."""
    hint = f"Where that has to be so, a tag {UNREADABLE_OK} on the notebook makes it no failure."
    kept = [each for each in handled if each.unread]
    return tuple(
        Problem("unread", f"{each.seen.notebook.name}: {each.because}", hint, each.seen.notebook.region)
        for each in kept
    )


def not_stopping(handled: Sequence[Handled], problems: tuple[Problem, ...], refusal: Problem) -> Answer:
    """The answer of a ``notebook stop`` that refuses: the plan, of which nothing was done, and why."""
    return _answer(handled, (*problems, refusal), ExitCode.REFUSED, ("Nothing was stopped.",))


def _answer(handled: Sequence[Handled], problems: tuple[Problem, ...], code: ExitCode, notes: Iterable[str]) -> Answer:
    data = {"notebooks": [_record(each) for each in handled], "saved_usd_per_hour": saved_usd(handled)}
    table = (Table(_COLUMNS, tuple(_row(each) for each in handled)),) if handled else ()
    said = tuple(notes) or (() if handled or problems else ("There are no notebook instances.",))
    return Answer(data, code, problems, table, said, "notebooks")


def saved_usd(handled: Sequence[Handled]) -> Decimal | None:
    """What the stops save, in USD per hour; None where a price is not known. What is only planned saves nothing."""
    prices = [each.seen.usd_per_hour for each in handled if each.outcome is StopOutcome.DONE]
    known = [price for price in prices if price is not None]
    return sum(known, Decimal(0)) if len(known) == len(prices) else None


def _saved(handled: Sequence[Handled]) -> list[str]:
    stopped = [each for each in handled if each.outcome is StopOutcome.DONE]
    if not stopped:
        planned = sum(each.outcome is StopOutcome.PLANNED for each in handled)
        return [f"{planned} would be stopped; nothing was changed." if planned else "Nothing was stopped."]
    return [*_stuck(stopped), _money(stopped)]


def _stuck(stopped: Sequence[Handled]) -> list[str]:
    """The louder word over those that --max-age took."""
    names = [each.seen.notebook.name for each in stopped if each.seen.judgement.rule is Rule.MAX_AGE]
    return [f"--max-age stopped what may have been at work: {', '.join(names)}."] if names else []


def _money(stopped: Sequence[Handled]) -> str:
    saved = saved_usd(stopped)
    money = "a price that nobody tells" if saved is None else f"{saved} USD per hour"
    return f"Stopped {len(stopped)}, which saves {money}. Their files are kept."


def _record(handled: Handled) -> dict[str, Any]:
    seen = handled.seen
    idle = seen.judgement.idle
    return {
        "region": seen.notebook.region,
        "name": seen.notebook.name,
        "instance_type": seen.notebook.instance_type,
        "status": handled.status or seen.notebook.status,
        "verdict": seen.judgement.verdict.value,
        "because": handled.because,
        "evidence": evidence_used(seen.evidence),
        "rule": seen.judgement.rule and seen.judgement.rule.value,
        "idle_seconds": None if idle is None else int(idle.total_seconds()),
        "usd_per_hour": seen.usd_per_hour,
        "action": "stop" if handled.stop else "keep",
        "step": handled.step.value,
        "outcome": handled.outcome and handled.outcome.value,
        "looked_ms_ago": handled.looked_ms_ago,
    }


def evidence_used(evidence: NotebookEvidence) -> str:
    """What a verdict stands on: ``jupyter``, ``logs``, or what AWS alone says, its ``tags`` or its ``status``."""
    if evidence.jupyter is not None:
        return "jupyter"
    if evidence.log is not None:
        return "logs"
    return "tags" if evidence.notebook.status in MAY_RUN else "status"


def _row(handled: Handled) -> tuple[Cell, ...]:
    seen = handled.seen
    idle = seen.judgement.idle
    action = "stop" if handled.stop else "keep"
    return (
        Cell(seen.notebook.region),
        Cell(seen.notebook.name),
        Cell(seen.notebook.instance_type),
        Cell(seen.judgement.verdict.value, TONES[seen.judgement.verdict]),
        Cell("" if idle is None else in_words(idle)),
        Cell("?" if seen.usd_per_hour is None else str(seen.usd_per_hour)),
        Cell(f"{action}: {handled.outcome}" if handled.outcome else action),
        Cell(handled.because),
    )
