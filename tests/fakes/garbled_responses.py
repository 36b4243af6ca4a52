"""Answers of AWS's that lack something: nothing at all, or any one thing of what they tell, however deep."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

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
    paths = dict.fromkeys(path for body in answers for path in members_of(json.loads(body)) if len(path) <= deepest)
    return {**EMPTY, **{f"without {'.'.join(map(str, path))}": without_member(path) for path in paths}}


class GarbledRuns:
    """Runs a command with one answer after the other garbled, and everything forgotten in between."""

    def __init__(self, aws: FakeAws, home: Path) -> None:
        self.aws, self.home = aws, home

    def each(self, once: Callable[[], T], deepest: int = 99) -> Iterator[tuple[str, T]]:
        """Every way of every operation that the command calls, and what came of it."""
        for operation, bodies in self._answers(once).items():
            in_json = [body for body in bodies if body.startswith("{")]
            for how, garble in garbled_responses(in_json, deepest).items():
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
