"""How a command went that `opskit guard` was given."""

from __future__ import annotations

import json
from typing import Any


class BecameCommand(Exception):
    """Stands for the command that opskit became."""

    def __init__(self, program: str, words: list[str], environment: dict[str, str]) -> None:
        self.program, self.words, self.environment = program, words, environment


class GuardRun:
    """How a guarded command went: what it became, or how opskit ended."""

    def __init__(self, code: int, out: str, err: str, became: BecameCommand | None) -> None:
        self.code, self.out, self.err, self.became = code, out, err, became

    @property
    def envelope(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        assert found["exit"] == self.code
        return found

    @property
    def codes(self) -> list[str]:
        return [problem["code"] for problem in self.envelope["errors"]]
