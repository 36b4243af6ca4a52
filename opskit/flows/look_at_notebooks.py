"""Look at notebooks: list, tags, Jupyter itself, price; and a verdict over each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.idleness import IdlePolicy, Judgement, judge, kept_because
from opskit.errors import AwsFailure, Problem
from opskit.model import Idleness, JupyterView, Notebook, NotebookEvidence, Price, Unread
from opskit.observe.jupyter import look_inside
from opskit.observe.notebooks import notebooks, presigned_url, tags
from opskit.observe.prices import Component, read_price
from opskit.observe.quotas import unread


@dataclass(frozen=True)
class Seen:
    """One notebook, looked at. ``usd_per_hour`` None: nobody knows its price."""

    door: Door
    evidence: NotebookEvidence
    judgement: Judgement
    usd_per_hour: Decimal | None

    @property
    def notebook(self) -> Notebook:
        """The notebook as AWS lists it."""
        return self.evidence.notebook


@dataclass(frozen=True)
class Round:
    """A look at all notebooks of some Regions; ``problems`` are those of Regions that could not be listed."""

    seen: tuple[Seen, ...]
    problems: tuple[Problem, ...]


def look_at_all(doors: Sequence[Door], policy: IdlePolicy, now: datetime, *, names: Sequence[str] = ()) -> Round:
    """Look at every notebook, or at those named. A Region that does not answer does not hide the others."""
    listed = side_by_side([partial(_listed, door) for door in doors])
    problems = tuple(part for part in listed if isinstance(part, Problem))
    found = [
        (door, notebook)
        for door, part in zip(doors, listed, strict=True)
        if not isinstance(part, Problem)
        for notebook in part
        if not names or notebook.name in names
    ]
    prices = _prices({(door.region, notebook.instance_type): door for door, notebook in found})
    looks = side_by_side([partial(look_at, door, notebook, policy, now) for door, notebook in found])
    seen = [
        Seen(door, evidence, judgement, prices[door.region, notebook.instance_type])
        for (door, notebook), (evidence, judgement) in zip(found, looks, strict=True)
    ]
    return Round(tuple(seen), problems)


def look_at(door: Door, notebook: Notebook, policy: IdlePolicy, now: datetime) -> tuple[NotebookEvidence, Judgement]:
    """Everything about one notebook, and the verdict. What decides early spares the later questions."""
    if notebook.status != "InService":
        evidence = NotebookEvidence(notebook)
        return evidence, judge(evidence, policy, now)
    told = _tags(door, notebook)
    inside: JupyterView | Unread | None = None
    if not isinstance(told, Unread) and kept_because(told, now) is None:
        inside = _inside(door, notebook)
    evidence = NotebookEvidence(notebook, told, inside)
    return evidence, judge(evidence, policy, now)


def could_not_be_read(seen: Seen) -> bool:
    """Whether a verdict is unknown because something could not be read, and nobody said that this is all right."""
    return seen.judgement.verdict is Idleness.UNKNOWN and not seen.judgement.readable


def _listed(door: Door) -> list[Notebook] | Problem:
    try:
        return list(notebooks(door))
    except AwsFailure as failure:
        return failure.problem


def _tags(door: Door, notebook: Notebook) -> dict[str, str] | Unread:
    try:
        return dict(tags(door, notebook.arn))
    except AwsFailure as failure:
        return unread(failure)


def _inside(door: Door, notebook: Notebook) -> JupyterView | Unread:
    try:
        return look_inside(partial(presigned_url, door, notebook.name))
    except AwsFailure as failure:
        return unread(failure)


def _prices(wanted: dict[tuple[str, str], Door]) -> dict[tuple[str, str], Decimal | None]:
    """The price of each type in each Region, asked once."""
    asks = [partial(read_price, door, key[1], Component.NOTEBOOK) for key, door in wanted.items()]
    prices = zip(wanted, side_by_side(asks), strict=True)
    return {key: price.usd_per_hour if isinstance(price, Price) else None for key, price in prices}
