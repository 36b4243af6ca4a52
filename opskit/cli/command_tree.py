"""The command tree, by its branches. A command line needs the one it names; help and a mistyped word need none. What
grows on the others is not loaded, so that all are instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import typer

from opskit.cli.app import app, new_group, new_root


@dataclass(frozen=True)
class CommandGroup:
    """What hangs on one word: the modules that bring it by being imported, and the first line of its help."""

    modules: tuple[str, ...]
    help: str


COMMAND_GROUPS = {
    "quotas": CommandGroup(
        (
            "quotas.cli",
            "increases.cli",
            "explain.cli",
        ),
        "SageMaker quotas: room, what to ask for, and when it is true.",
    ),
    "notebook": CommandGroup(
        (
            "notebooks.cli.list",
            "notebooks.cli.keep",
            "notebooks.cli.create",
            "notebooks.cli.start",
            "notebooks.cli.open",
            "notebooks.cli.stop",
        ),
        "Notebook instances: who left what on, and off with it.",
    ),
    "train": CommandGroup(("training.cli",), "Train, transform and score a workflow, quota first."),
    "deploy": CommandGroup(("training.cli",), "Put a workflow's newest model behind an endpoint."),
    "predict": CommandGroup(("training.cli",), "Ask a workflow's endpoint."),
    "cleanup": CommandGroup(("training.cli",), "Remove what a workflow made: endpoint, model, files."),
    "guard": CommandGroup(("guards.cli",), "Run a command only when there is room for what it starts."),
    "cron": CommandGroup(
        (
            "schedule.cli.cron",
            "schedule.cli.run",
        ),
        "Let opskit run by itself: stop what is idle, ask for more.",
    ),
    "history": CommandGroup(("history.cli",), "Show what opskit changed, and what its stops saved."),
    "doctor": CommandGroup(("access.cli.doctor",), "Look who you are, what you may do, and whether all is well."),
    "settings": CommandGroup(("access.cli.settings",), "Show each setting, and where it came from."),
    "iam": CommandGroup(("access.cli.iam",), "The permissions that opskit needs."),
    "sandbox": CommandGroup(("sandbox_cli",), "A local AWS to practise on, without an account or a bill."),
    "demo": CommandGroup(("demo.cli",), "See the whole main job happen on this machine."),
}


def command_group(name: str) -> typer.Typer:
    """The branch of this name, hung on the tree, for its commands to be hung on it."""
    made = new_group(COMMAND_GROUPS[name].help)
    app.add_typer(made, name=name)
    return made


def load_for(words: Sequence[str]) -> typer.Typer:
    """As much of the tree as a command line needs: the branch it names or, where it names none, what there is."""
    named = next((word for word in words if not word.startswith("-")), "")
    return _import_groups([named]) if named in COMMAND_GROUPS else _help_only()


def load_all() -> typer.Typer:
    """Every command there is."""
    return _import_groups(list(COMMAND_GROUPS))


def _import_groups(names: Sequence[str]) -> typer.Typer:
    for name in names:
        for module in COMMAND_GROUPS[name].modules:
            import_module(f"opskit.{module}")
    return app


def _help_only() -> typer.Typer:
    """The words and what they are for: all that help tells, and all that a mistyped one is held against."""
    menu = new_root()
    for name, command_group in COMMAND_GROUPS.items():
        menu.command(name, help=command_group.help)(_never_run)
    return menu


def _never_run() -> None:
    """A word of the menu is never run: a command line with it gets its branch."""
