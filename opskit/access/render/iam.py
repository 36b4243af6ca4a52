"""Policies for people and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opskit.access.rules.policy import opens_shells
from opskit.core.ascii_json import ascii_json
from opskit.core.exceptions import Problem
from opskit.output.result import CommandResult


def policy_result(commands: Sequence[str], policy: Mapping[str, Any] | None) -> CommandResult:
    """The answer of ``iam policy``: on the screen the policy alone, so that it can go into a file as it is."""
    text = policy_json(policy) if policy else f"This needs no permission at AWS: opskit {', opskit '.join(commands)}."
    warnings = (_SHELL_WARNING,) if opens_shells(commands) else ()
    return CommandResult({"commands": list(commands), "policy": policy}, problems=warnings, notes=(text,))


_SHELL_WARNING = Problem(
    "opens-shells",
    "sagemaker:CreatePresignedNotebookInstanceUrl is a shell in every notebook instance that it covers, with all that "
    "the instance's execution role may do.",
    "Narrow its Resource to the notebooks it is for. `opskit notebook stop --evidence logs` does without it.",
)


def policy_json(policy: Mapping[str, Any]) -> str:
    """A policy as IAM takes it."""
    return ascii_json(policy, indent=2)
