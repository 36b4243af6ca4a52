"""All notebooks for people and programs: what each does and costs, and what they cost together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from opskit.decide.notebook_costs import Cost, Costs, cost_of, together
from opskit.decide.spans import in_words
from opskit.errors import ExitCode
from opskit.flows.look_at_notebooks import Round, Seen, could_not_be_read
from opskit.show.answer import Answer, Cell, Column, Table, Tone
from opskit.show.notebooks import TONES, evidence_used

_HEAD = (
    Column("Notebook", wrap=True),
    Column("Type", from_width=70),
    Column("Status", from_width=100),
    Column("Verdict"),
    Column("Idle", right=True),
    Column("USD/h", right=True, from_width=60),
    Column("USD so far", right=True),
    Column("Why", wrap=True, from_width=90),
)


def listing(look: Round, now: datetime) -> Answer:
    """The answer of ``notebook list``."""
    costs = [cost_of(seen.notebook, seen.usd_per_hour, now) for seen in look.seen]
    data = {
        "notebooks": [_record(seen, cost) for seen, cost in zip(look.seen, costs, strict=True)],
        "totals": _totals(together(costs), is_whole=not look.problems),
    }
    table = (_table(look.seen, costs),) if look.seen else ()
    return Answer(data, _exit(look), look.problems, table, tuple(_notes(look, together(costs))), "notebooks")


def _exit(look: Round) -> ExitCode:
    if look.is_blind:
        return ExitCode.AWS
    unread = look.problems or any(could_not_be_read(seen) for seen in look.seen)
    return ExitCode.PARTLY if unread else ExitCode.DONE


def _record(seen: Seen, cost: Cost) -> dict[str, Any]:
    notebook, judgement = seen.notebook, seen.judgement
    return {
        "region": notebook.region,
        "name": notebook.name,
        "instance_type": notebook.instance_type,
        "status": notebook.status,
        "verdict": judgement.verdict.value,
        "because": judgement.because,
        "evidence": evidence_used(seen.evidence),
        "idle_seconds": None if judgement.idle is None else int(judgement.idle.total_seconds()),
        "usd_per_hour": cost.usd_per_hour,
        "started": cost.started,
        "usd_since_start": cost.usd_since_start,
        "action": "keep",
        "outcome": None,
    }


def _totals(costs: Costs, *, is_whole: bool) -> dict[str, Any]:
    """The sums; null where a price in them is not known, or a Region that belongs to them could not be read."""
    told = is_whole and costs.unpriced == 0
    return {
        "running": costs.running if is_whole else None,
        "unpriced": costs.unpriced,
        "usd_per_hour": costs.usd_per_hour if told else None,
        "usd_since_start": costs.usd_since_start if told else None,
    }


def _table(seen: Sequence[Seen], costs: Sequence[Cost]) -> Table:
    several = len({each.notebook.region for each in seen}) > 1
    columns = ((Column("Region"),) if several else ()) + _HEAD
    return Table(columns, tuple(_row(each, cost, several) for each, cost in zip(seen, costs, strict=True)))


def _row(seen: Seen, cost: Cost, several: bool) -> tuple[Cell, ...]:
    notebook, judgement = seen.notebook, seen.judgement
    return (
        *((Cell(notebook.region),) if several else ()),
        Cell(notebook.name),
        Cell(notebook.instance_type),
        Cell(notebook.status),
        Cell(judgement.verdict.value, TONES[judgement.verdict]),
        Cell("" if judgement.idle is None else in_words(judgement.idle)),
        Cell("?" if cost.usd_per_hour is None else str(cost.usd_per_hour)),
        _spent(cost),
        Cell(judgement.because),
    )


def _spent(cost: Cost) -> Cell:
    if cost.started is None:
        return Cell("")
    return Cell("?", Tone.WARN) if cost.usd_since_start is None else Cell(_cents(cost.usd_since_start))


def _cents(usd: Decimal) -> str:
    return f"{usd:.2f}"


def _notes(look: Round, costs: Costs) -> Iterator[str]:
    if not look.seen and not look.problems:
        yield "There are no notebook instances."
    if not costs.running:
        return
    least = "at least " if costs.unpriced or look.problems else ""
    yield (
        f"{costs.running} of {len(look.seen)} running: {least}{costs.usd_per_hour} USD per hour, "
        f"{least}{_cents(costs.usd_since_start)} USD since they were started."
    )
    if costs.unpriced:
        kinds = {seen.notebook.instance_type for seen in look.seen if seen.usd_per_hour is None}
        yield f"The price of {costs.unpriced} is not known ({', '.join(sorted(kinds))})."
