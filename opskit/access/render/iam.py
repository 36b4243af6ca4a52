"""Policies for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opskit.core.ascii_json import ascii_json
from opskit.output.result import CommandResult


def policy_result(commands: Sequence[str], policy: Mapping[str, Any] | None) -> CommandResult:
    """The answer of ``iam policy``: on the screen the policy alone, so that it can go into a file as it is."""
    text = policy_json(policy) if policy else f"This needs no permission at AWS: opskit {', opskit '.join(commands)}."
    return CommandResult({"commands": list(commands), "policy": policy}, notes=(text,))


def policy_json(policy: Mapping[str, Any]) -> str:
    """A policy as IAM takes it."""
    return ascii_json(policy, indent=2)
