"""The command tree, by its branches. A command line needs the one it names; help and a mistyped word need none. What
grows on the others is not loaded, so that all are instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import typer

from opskit.cli.app import app, group, root


@dataclass(frozen=True)
class Branch:
    """What hangs on one word: the modules that bring it by being imported, and the first line of its help."""

    modules: tuple[str, ...]
    help: str


BRANCHES = {
    "quotas": Branch(
        ("quotas", "increase", "explain"), "SageMaker quotas: room, what to ask for, and when it is true."
    ),
    "notebook": Branch(
        ("notebook", "create_notebook", "start_notebooks", "stop_notebooks"),
        "Notebook instances: who left what on, and off with it.",
    ),
    "train": Branch(("train",), "Train, transform and score a workflow, quota first."),
    "deploy": Branch(("train",), "Put a workflow's newest model behind an endpoint."),
    "predict": Branch(("train",), "Ask a workflow's endpoint."),
    "cleanup": Branch(("train",), "Remove what a workflow made: endpoint, model, files."),
    "guard": Branch(("guard",), "Run a command only when there is room for what it starts."),
    "cron": Branch(("cron", "cron_run"), "Let opskit run by itself: stop what is idle, ask for more."),
    "history": Branch(("history",), "Show what opskit changed, and what its stops saved."),
    "doctor": Branch(("doctor",), "Look who you are, what you may do, and whether all is well."),
    "settings": Branch(("settings",), "Show each setting, and where it came from."),
    "iam": Branch(("iam",), "The permissions that opskit needs."),
    "sandbox": Branch(("sandbox",), "A local AWS to practise on, without an account or a bill."),
    "demo": Branch(("demo",), "See the whole main job happen on this machine."),
}


def branch(name: str) -> typer.Typer:
    """The branch of this name, hung on the tree, for its commands to be hung on it."""
    made = group(BRANCHES[name].help)
    app.add_typer(made, name=name)
    return made


def tree_for(words: Sequence[str]) -> typer.Typer:
    """As much of the tree as a command line needs: the branch it names or, where it names none, what there is."""
    named = next((word for word in words if not word.startswith("-")), "")
    return _grown([named]) if named in BRANCHES else _menu()


def whole_tree() -> typer.Typer:
    """Every command there is."""
    return _grown(list(BRANCHES))


def _grown(names: Sequence[str]) -> typer.Typer:
    for name in names:
        for module in BRANCHES[name].modules:
            import_module(f"opskit.cli.{module}")
    return app


def _menu() -> typer.Typer:
    """The words and what they are for: all that help tells, and all that a mistyped one is held against."""
    menu = root()
    for name, each in BRANCHES.items():
        menu.command(name, help=each.help)(_nothing)
    return menu


def _nothing() -> None:
    """A word of the menu is never run: a command line with it gets its branch."""
