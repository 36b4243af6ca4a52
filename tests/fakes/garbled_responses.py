"""Answers of AWS's that lack something: nothing at all, or any one thing of what they tell, however deep.

Every way of every answer is for ``make soak``; the unit tests take a sample, in which each operation's answers are
empty once, lack one thing at their top and one below it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.fakes.fake_aws import FakeAws

T = TypeVar("T")

Garble = Callable[[str], tuple[int, str]]
"""What becomes of a body: a status and another body."""

_FEW = 3

EMPTY: dict[str, Garble] = {
    "an empty body": lambda body: (200, ""),
    "no members": lambda body: (200, "{}"),
    "blanks": lambda body: (200, " \r\n "),
    "204": lambda body: (204, ""),
}


def without_member(path: tuple[str | int, ...]) -> Garble:
    """The answer without the member at this place, where it has one there."""

    def without(body: str) -> tuple[int, str]:
        told = json.loads(body)
        place: Any = told
        try:
            for step in path[:-1]:
                place = place[step]
            del place[path[-1]]
        except (LookupError, TypeError):
            return 200, body
        return 200, json.dumps(told)

    return without


def with_nothing(path: tuple[str | int, ...], nothing: Any) -> Garble:
    """The answer with ``nothing`` (null, or a structure without members) at this place, where it has one there."""

    def emptied(body: str) -> tuple[int, str]:
        told = json.loads(body)
        place: Any = told
        try:
            for step in path[:-1]:
                place = place[step]
            place[path[-1]]
        except (LookupError, TypeError):
            return 200, body
        place[path[-1]] = nothing
        return 200, json.dumps(told)

    return emptied


def members_of(answer: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every member in an answer; in a list, of its first few entries, as the rest are of their kind."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            yield (*path, name)
            yield from members_of(value, (*path, name))
    if isinstance(answer, list):
        for at, value in enumerate(answer[:_FEW]):
            yield from members_of(value, (*path, at))


def garbled_responses(answers: list[str], deepest: int) -> dict[str, Garble]:
    """Every way in which the answers of an operation can lack something so many steps deep, by what is said of it."""
    whole = [json.loads(body) for body in answers]
    paths = dict.fromkeys(path for answer in whole for path in members_of(answer) if len(path) <= deepest)
    # A member that is null is parsed as one that is not there; an entry of a list that is null is an entry.
    nulls = dict.fromkeys(path for answer in whole for path in entries_of(answer) if len(path) <= deepest)
    structures = [path for path in (*paths, *nulls) if any(_is_structure(answer, path) for answer in whole)]
    return {
        **EMPTY,
        **{f"without {'.'.join(map(str, path))}": without_member(path) for path in paths},
        **{f"null at {'.'.join(map(str, path))}": with_nothing(path, None) for path in nulls},
        **{f"nothing in {'.'.join(map(str, path))}": with_nothing(path, {}) for path in structures},
    }


def entries_of(answer: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of the first few entries of every list in an answer."""
    for place in [path, *members_of(answer, path)]:
        listed = _value_at(answer, place)
        if isinstance(listed, list):
            yield from ((*place, at) for at in range(min(_FEW, len(listed))))


def _is_structure(answer: Any, path: tuple[str | int, ...]) -> bool:
    return isinstance(_value_at(answer, path), dict)


def _value_at(answer: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a place; None where the answer has no such place."""
    for step in path:
        try:
            answer = answer[step]
        except (LookupError, TypeError):
            return None
    return answer


def sample_of(ways: dict[str, Garble], turn: int) -> dict[str, Garble]:
    """One way of each kind: nothing at all, without a member at the top, without one below it. Which one of a kind it
    is goes by ``turn``, so that over several operations each comes up.
    """
    top = [how for how in ways if how not in EMPTY and "." not in how]
    below = [how for how in ways if how not in EMPTY and "." in how]
    chosen = [kind[turn % len(kind)] for kind in (list(EMPTY), top, below) if kind]
    return {how: ways[how] for how in chosen}


SAMPLE_AND_EVERY_WAY = [pytest.param(False, id="sample"), pytest.param(True, id="every way", marks=pytest.mark.soak)]
"""For a parameter ``every_way``."""


class GarbledRuns:
    """Runs a command with one answer after the other garbled, and everything forgotten in between."""

    def __init__(self, aws: FakeAws, home: Path, every_way: bool) -> None:
        self.aws, self.home, self.every_way = aws, home, every_way

    def each(self, once: Callable[[], T], deepest: int = 99) -> Iterator[tuple[str, T]]:
        """The ways of every operation that the command calls, and what came of it."""
        for turn, (operation, bodies) in enumerate(self._answers(once).items()):
            in_json = [body for body in bodies if body.startswith("{")]
            ways = garbled_responses(in_json, deepest)
            for how, garble in (ways if self.every_way else sample_of(ways, turn)).items():
                yield f"{operation} {how}", self._only(operation, garble, once)

    def _answers(self, once: Callable[[], object]) -> dict[str, list[str]]:
        """What each operation answers in a run in which nothing is garbled."""
        seen: dict[str, list[str]] = {}

        def noting(operation: str, body: str) -> tuple[int, str]:
            seen.setdefault(operation, []).append(body)
            return 200, body

        self.aws.garble = noting
        once()
        return seen

    def _only(self, operation: str, garble: Garble, once: Callable[[], T]) -> T:
        shutil.rmtree(self.home / "cache", ignore_errors=True)
        self.aws.garble = lambda called, body: garble(body) if called == operation else (200, body)
        return once()
