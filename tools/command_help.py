"""The commands and their help, as the pages, the man pages and tests walk through them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from opskit.cli.command_tree import load_all, load_guard_words


def all_commands() -> dict[tuple[str, ...], Any]:
    """Every command by its words, without the groups above them."""
    trees = (load_all(), load_guard_words())
    return {path: leaf for tree in trees for path, leaf in _command_leaves(typer.main.get_command(tree), ())}


def _command_leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from _command_leaves(child, (*path, name))


def help_paragraphs(command: Any) -> list[str]:
    """The paragraphs of a command's help, each on one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", (command.help or "").strip())]
