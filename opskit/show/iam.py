"""Policies for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opskit.decide.ascii_json import ascii_json
from opskit.show.answer import Answer


def answer_of(commands: Sequence[str], policy: Mapping[str, Any] | None) -> Answer:
    """The answer of ``iam policy``: on the screen the policy alone, so that it can go into a file as it is."""
    text = in_text(policy) if policy else f"This needs no permission at AWS: opskit {', opskit '.join(commands)}."
    return Answer({"commands": list(commands), "policy": policy}, notes=(text,))


def in_text(policy: Mapping[str, Any]) -> str:
    """A policy as IAM takes it."""
    return ascii_json(policy, indent=2)
