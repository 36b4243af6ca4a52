"""Look at notebooks: list, tags, Jupyter itself or its log, price; and a verdict over each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import partial

from opskit.aws import Door, side_by_side
from opskit.decide.idleness import MAY_RUN, Evidence, IdlePolicy, Judgement, is_settled, judge, kept_because
from opskit.errors import AwsFailure, Denied, Problem
from opskit.flows.lines import CALLERS, Lines
from opskit.model import Idleness, JupyterView, Notebook, NotebookEvidence, Price, Unread
from opskit.observe.jupyter import look_inside
from opskit.observe.notebook_log import last_line
from opskit.observe.notebooks import notebooks, presigned_url, tags
from opskit.observe.prices import Component, read_price
from opskit.observe.quotas import unread

_SIDE_BY_SIDE = 14
"""Regions, and prices, asked for at once: with the connections that found the Regions, as many as may be open."""


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
class Meant:
    """Which notebooks are to be looked at: those of these ``names`` (all, where none is given) whose name matches
    ``glob`` and which have the ``tag``. One whose tags cannot be read may have it.
    """

    names: Sequence[str] = ()
    glob: str = "*"
    tag: tuple[str, str] | None = None

    def by_name(self, notebook: Notebook) -> bool:
        """Whether its name is one of those."""
        return (not self.names or notebook.name in self.names) and fnmatchcase(notebook.name, self.glob)

    def by_tag(self, evidence: NotebookEvidence) -> bool:
        """Whether its tags are, or may be, those."""
        if self.tag is None or isinstance(evidence.tags, Unread):
            return True
        return evidence.tags is not None and evidence.tags.get(self.tag[0]) == self.tag[1]


@dataclass(frozen=True)
class Round:
    """A look at all notebooks of some Regions; ``problems`` are those of Regions that could not be listed, ``is_blind``
    says that these were all.
    """

    seen: tuple[Seen, ...]
    problems: tuple[Problem, ...] = ()
    is_blind: bool = False


def look_at_all(doors: Sequence[Door], policy: IdlePolicy, now: datetime, meant: Meant = Meant()) -> Round:
    """Look at every notebook that is meant. A Region that does not answer does not hide the others."""
    listed = side_by_side([partial(_listed, door) for door in doors], most=_SIDE_BY_SIDE)
    problems = tuple(part for part in listed if isinstance(part, Problem))
    found = [
        (door, notebook)
        for door, part in zip(doors, listed, strict=True)
        if not isinstance(part, Problem)
        for notebook in part
        if meant.by_name(notebook)
    ]
    hang_up(doors)
    prices = _prices({(door.region, notebook.instance_type): door for door, notebook in found})
    hang_up(doors)
    lines = Lines(door for door, _ in found)
    looks = side_by_side([partial(look_at, *each, policy, now, lines, meant) for each in found], most=CALLERS)
    seen = [
        Seen(door, evidence, judgement, prices[door.region, notebook.instance_type])
        for (door, notebook), (evidence, judgement) in zip(found, looks, strict=True)
        if meant.by_tag(evidence)
    ]
    return Round(tuple(seen), problems, is_blind=0 < len(doors) == len(problems))


def look_at(
    door: Door,
    notebook: Notebook,
    policy: IdlePolicy,
    now: datetime,
    lines: Lines,
    meant: Meant = Meant(),
) -> tuple[NotebookEvidence, Judgement]:
    """Everything about one notebook, and the verdict. What decides early spares the later questions."""
    evidence = NotebookEvidence(notebook)
    if notebook.status in MAY_RUN or (meant.tag and notebook.status != "Deleting"):
        with lines.to_aws(door):
            evidence = NotebookEvidence(notebook, read_tags(door, notebook))
    told = evidence.tags
    is_open = notebook.status in MAY_RUN and not isinstance(told, Unread) and kept_because(told or {}, now) is None
    if is_open and meant.by_tag(evidence):
        evidence = _looked_into(door, evidence, policy, now, lines)
    return evidence, judge(evidence, policy, now)


def hang_up(doors: Sequence[Door]) -> None:
    """End the connections that the last stage left: the next one counts its own."""
    for door in doors:
        door.connection.hang_up()


def could_not_be_read(seen: Seen) -> bool:
    """Whether a verdict is unknown because something could not be read, and nobody said that this is all right."""
    return seen.judgement.verdict is Idleness.UNKNOWN and not (seen.judgement.readable or seen.judgement.excused)


def read_tags(door: Door, notebook: Notebook) -> dict[str, str] | Unread:
    """A notebook's tags, or why they are not known."""
    try:
        return dict(tags(door, notebook.arn))
    except AwsFailure as failure:
        return unread(failure)


def no_key(failure: AwsFailure) -> Unread:
    """Why there is no key to a Jupyter, and where the caller may have none, what else there is."""
    if not isinstance(failure, Denied):
        return unread(failure)
    because = f"{failure.problem.message.rstrip('.')}; --evidence logs looks at its log instead"
    return Unread(because, failure.problem.code, failure.problem.hint)


def _listed(door: Door) -> list[Notebook] | Problem:
    try:
        return list(notebooks(door))
    except AwsFailure as failure:
        return failure.problem


def _looked_into(
    door: Door, evidence: NotebookEvidence, policy: IdlePolicy, now: datetime, lines: Lines
) -> NotebookEvidence:
    name = evidence.notebook.name
    if policy.evidence is Evidence.JUPYTER:
        return NotebookEvidence(evidence.notebook, evidence.tags, _inside(door, name, policy, now, lines))
    with lines.to_aws(door):
        return NotebookEvidence(evidence.notebook, evidence.tags, log=last_line(door, name))


def _inside(door: Door, name: str, policy: IdlePolicy, now: datetime, lines: Lines) -> JupyterView | Unread:
    def make_url() -> str:
        with lines.to_aws(door):
            return presigned_url(door, name)

    try:
        return look_inside(make_url, partial(is_settled, policy=policy, now=now), lines.to_jupyter)
    except AwsFailure as failure:
        return no_key(failure)


def _prices(wanted: dict[tuple[str, str], Door]) -> dict[tuple[str, str], Decimal | None]:
    """The price of each type in each Region, asked once."""
    asks = [partial(read_price, door, key[1], Component.NOTEBOOK) for key, door in wanted.items()]
    prices = zip(wanted, side_by_side(asks, most=_SIDE_BY_SIDE), strict=True)
    return {key: price.usd_per_hour if isinstance(price, Price) else None for key, price in prices}
