"""Puts a guard on by default, and takes it away again without a trace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from opskit.core.exceptions import GuardRefused
from opskit.guards.rules.agent_settings import without_agent_hook
from opskit.guards.rules.start_hooks import (
    GuardArguments,
    HookState,
    HookTarget,
    hook_content,
    hook_state,
    installed_arguments,
)
from opskit.guards.store import hook_path, opskit_program, read_hook, remove_hook, write_hook


@dataclass(frozen=True)
class HookReport:
    """One place: its file, and what is there. ``outcome`` is what was done or, in a dry run, would be; None: nothing
    was to be done.
    """

    target: HookTarget
    path: Path
    state: HookState
    arguments: GuardArguments = field(default_factory=GuardArguments)
    outcome: str | None = None
    content: str = ""


def find_hooks(targets: Iterable[HookTarget]) -> list[HookReport]:
    """What is there of each target, with the arguments that it was installed with."""
    return [_find_hook(target) for target in targets]


def _find_hook(target: HookTarget, arguments: GuardArguments | None = None) -> HookReport:
    """What is there of a target, held against these arguments; None: against those that are there."""
    path = hook_path(target)
    found = read_hook(path)
    wanted = installed_arguments(target, found) if arguments is None else arguments
    content = hook_content(target, wanted, found, opskit_program())
    return HookReport(target, path, hook_state(target, found, content), wanted, content=content)


def install_hooks(targets: Iterable[HookTarget], arguments: GuardArguments, *, dry_run: bool) -> list[HookReport]:
    """Write the files. One that is there already is left as it is, or brought to these arguments.

    Raises:
        GuardRefused: a file of that name is somebody else's; then none is written.
        UsageError: a file cannot be read or written.
    """
    found = [_find_hook(target, arguments) for target in targets]
    _refuse_foreign(found)
    return [_install_hook(report, dry_run=dry_run) for report in found]


def _install_hook(report: HookReport, *, dry_run: bool) -> HookReport:
    match report.state:
        case HookState.INSTALLED:
            return replace(report, outcome="already", content="")
        case HookState.ABSENT | HookState.OUTDATED:
            if dry_run:
                return replace(report, outcome="planned")
            write_hook(report.path, report.content)
            return replace(report, state=HookState.INSTALLED, outcome="done")
        case HookState.FOREIGN:
            raise AssertionError("refused before")
        case _:
            assert_never(report.state)


def remove_hooks(targets: Iterable[HookTarget], *, dry_run: bool) -> list[HookReport]:
    """Remove the files that opskit wrote.

    Raises:
        GuardRefused: a file of that name is somebody else's; then none is removed.
        UsageError: a file cannot be read or removed.
    """
    found = find_hooks(targets)
    _refuse_foreign(found)
    return [_remove_hook(report, dry_run=dry_run) for report in found]


def _remove_hook(report: HookReport, *, dry_run: bool) -> HookReport:
    if not report.state.is_ours:
        return replace(report, outcome="absent", content="")
    if dry_run:
        return replace(report, outcome="planned", content="")
    agent = report.target.agent
    left = None if agent is None else without_agent_hook(agent, read_hook(report.path) or "{}")
    if left is None:
        remove_hook(report.path, report.target)
    else:
        write_hook(report.path, left)
    return replace(report, state=HookState.ABSENT, outcome="done", content="")


def _refuse_foreign(found: Iterable[HookReport]) -> None:
    for report in found:
        if report.state is HookState.FOREIGN:
            text = f"'{report.path}' was not written by opskit; nothing was changed."
            raise GuardRefused("foreign-file", text, "Move that file away, or leave it as it is.")
