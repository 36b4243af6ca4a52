"""Answers of AWS's that lack something: nothing at all, or any one thing of what they tell, however deep, or that have
something there which is not of its kind.

Every way of every answer is for ``make soak``; the unit tests take a sample, in which each operation's answers are
empty once, lack one thing at their top and one below it, and have one of another kind.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.fakes.fake_aws import FakeAws

T = TypeVar("T")

Garble = Callable[[str], tuple[int, str]]
"""What becomes of a body: a status and another body."""

_FEW = 3
WRONG = "wrong"

EMPTY: dict[str, Garble] = {
    "an empty body": lambda body: (200, ""),
    "no members": lambda body: (200, "{}"),
    "blanks": lambda body: (200, " \r\n "),
    "204": lambda body: (204, ""),
    "null": lambda body: (200, "null"),
    "a list": lambda body: (200, "[]"),
    "a page": lambda body: (200, "<!doctype html><title>Sign in to the network</title>"),
    "an error's words": lambda body: (200, '{"__type": "ThrottlingException", "message": "Rate exceeded"}'),
    "the first half": lambda body: (200, body[: len(body) // 2]),
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
    """The answer with ``nothing`` (null, a structure without members, a value of another kind) at this place, where it
    has one there.
    """

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


def wrong_values(value: Any) -> tuple[Any, ...]:
    """What cannot stand where this value does: of another type, or a number that is none of what is counted."""
    match value:
        case dict():
            return [], ["x"], "x", 5
        case list():
            return {}, {"a": 1}, "x", "", 5
        case bool():
            return "false", 0, [], {}
        case str():
            return 5, True, [], ["x"], {}
        case int() | float():
            return "x", "3", "NaN", True, [], {}, -1, 0.5, float("nan")
        case _:
            return ()


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
    """Every way in which the answers of an operation can lack something, or have something of another kind, so many
    steps deep, by what is said of it.
    """
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
        **{
            f"{WRONG} {wrong!r} at {'.'.join(map(str, path))}": with_nothing(path, wrong)
            for path in (*paths, *nulls)
            for wrong in wrong_values(_first_value_at(whole, path))
        },
    }


def entries_of(answer: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of the first few entries of every list in an answer."""
    for place in [path, *members_of(answer, path)]:
        listed = _value_at(answer, place)
        if isinstance(listed, list):
            yield from ((*place, at) for at in range(min(_FEW, len(listed))))


def _is_structure(answer: Any, path: tuple[str | int, ...]) -> bool:
    return isinstance(_value_at(answer, path), dict)


def _first_value_at(answers: Iterable[Any], path: tuple[str | int, ...]) -> Any:
    """What stands at a place of the first answer that has something there."""
    found = (_value_at(answer, path) for answer in answers)
    return next((value for value in found if value is not None), None)


def _value_at(answer: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at a place; None where the answer has no such place."""
    for step in path:
        try:
            answer = answer[step]
        except (LookupError, TypeError):
            return None
    return answer


def sample_of(ways: dict[str, Garble], turn: int) -> dict[str, Garble]:
    """One way of each kind: nothing at all, without a member at the top, without one below it, with a value of another
    kind. Which one of a kind it is goes by ``turn``, so that over several operations each comes up.
    """
    wrong = [how for how in ways if how.startswith(WRONG)]
    lacking = [how for how in ways if how not in EMPTY and how not in wrong]
    top = [how for how in lacking if "." not in how]
    below = [how for how in lacking if "." in how]
    # By a step that has no part in common with most numbers of ways, so that not always the first of them comes up.
    chosen = [kind[turn * 7 % len(kind)] for kind in (list(EMPTY), top, below, wrong) if kind]
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
