"""Find commands that lack a row somewhere, and say in which file what is to be added.

Each command has examples, permissions and a sentence on a page; one that runs in several accounts also says what of its
answers is shown. ``python -m tools.command_rows`` prints a sentence for each row that is missing, or that belongs to no
command, and exits with 1 if there are any. ``docs/generate.py`` asks first, since it writes what the rows say.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from opskit.access.rules.call_sets import OTHER_ACCOUNTS
from opskit.access.rules.permissions import API_CALLS, TAGS_READ_ON
from opskit.cli.command import ACCOUNT_USES
from opskit.cli.command_examples import EXAMPLES
from opskit.cli.command_tree import COMMAND_GROUPS, GUARD_WORDS
from opskit.fleet.rules.views import VIEWS
from tools.command_help import all_commands

_ROOT = Path(__file__).parents[1]
_TREE = "opskit/cli/command_tree.py"
_REGISTER = "register_command"
_PERMISSIONS = "opskit/access/rules/permissions.py"
_PAGES_OF_ALL = {"commands.md", "iam.md"}
"""Pages that are generated and have each command."""


@dataclass(frozen=True)
class CommandTable:
    """A table with a row for each command. ``row`` says what to add, ``place`` where; ``rows`` are the commands that
    have one, and ``wanted`` those that should (None: all).
    """

    place: str
    row: str
    rows: Collection[str]
    wanted: Collection[str] | None = None


def command_names() -> list[str]:
    """Every command that can be run."""
    return [" ".join(path) for path in all_commands()]


def written_tables() -> list[CommandTable]:
    """The tables from which the generated pages are written."""
    return [
        CommandTable("EXAMPLES in opskit/cli/command_examples.py", "examples that can be typed", EXAMPLES),
        CommandTable(
            f"_ONE_ACCOUNT_CALLS in {_PERMISSIONS}", "the AWS operations that it calls (or NO_CALLS)", API_CALLS
        ),
    ]


def package_tables(commands: Collection[str]) -> list[CommandTable]:
    """The tables of the package and its pages in which these commands belong."""
    of_guard = {command for command in commands if command.startswith("guard ")}
    over_accounts = {command for command, calls in API_CALLS.items() if calls >= OTHER_ACCOUNTS}
    read_tags = {command for command, calls in API_CALLS.items() if "sagemaker:ListTags" in calls}
    return [
        *written_tables(),
        CommandTable(
            f"COMMAND_GROUPS in {_TREE}", "its first word, and the module that registers it", _loaded(commands)
        ),
        CommandTable(f"GUARD_WORDS in {_TREE}", "its word", {f"guard {word}" for word in GUARD_WORDS}, of_guard),
        CommandTable(f"_OVER_ACCOUNTS in {_PERMISSIONS}", "its name", over_accounts, ACCOUNT_USES),
        CommandTable(
            f"TAGS_READ_ON in {_PERMISSIONS}", "the kinds of resources whose tags it reads", TAGS_READ_ON, read_tags
        ),
        CommandTable(
            "VIEWS in opskit/fleet/rules/views.py", "what of its rows several accounts show", VIEWS, ACCOUNT_USES
        ),
        CommandTable(
            "docs/fleet.md", "its words to those that run in several accounts", _over_accounts_page(), ACCOUNT_USES
        ),
        CommandTable("README.md", "it to the table of commands", _in_readme(commands)),
        CommandTable(
            "the pages of docs/", "a sentence on `opskit COMMAND` to one that people write", _described(commands)
        ),
    ]


def _loaded(commands: Iterable[str]) -> set[str]:
    """The commands whose first word the command line finds."""
    return {command for command in commands if command.split()[0] in COMMAND_GROUPS}


def _described(commands: Iterable[str]) -> set[str]:
    pages = [_ROOT / "README.md", *(page for page in (_ROOT / "docs").glob("*.md") if page.name not in _PAGES_OF_ALL)]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return {command for command in commands if re.search(rf"\bopskit {command}\b", text)}


def _in_readme(commands: Iterable[str]) -> set[str]:
    """The commands that README.md names; its tables write ``opskit quotas list``, ``requests``."""
    text = (_ROOT / "README.md").read_text(encoding="utf-8")
    for group, others in re.findall(r"^\| `opskit (\w+) \w+`((?:, `\w+`)+)", text, re.MULTILINE):
        text += "".join(f"\nopskit {group} {word}" for word in re.findall(r"\w+", others))
    return {command for command in commands if re.search(rf"\bopskit {command}\b", text)}


def _over_accounts_page() -> set[str]:
    """The commands that the head of docs/fleet.md names."""
    head = (_ROOT / "docs/fleet.md").read_text(encoding="utf-8").partition("\n## ")[0]
    return {name.removeprefix("opskit ") for name in re.findall(r"`([^`]+)`", head)} - {"fleet"}


def find_gaps(commands: Collection[str], tables: Iterable[CommandTable]) -> Iterator[str]:
    """A sentence for each row that is missing, or that no command has."""
    for table in tables:
        wanted = set(commands if table.wanted is None else table.wanted)
        for command in sorted(wanted - set(table.rows)):
            yield f"`opskit {command}` is missing in {table.place}: add {table.row.replace('COMMAND', command)}."
        for row in sorted(set(table.rows) - wanted):
            yield f"{table.place} has a row for `opskit {row}`, which belongs to no such command: take it out."


def find_unloaded(root: Path, commands: Collection[str]) -> Iterator[str]:
    """A sentence for each command below the package's folder that is registered in a module that nothing loads."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    for path, text in texts.items():
        if _REGISTER not in text:  # to parse all of opskit takes a second
            continue
        for command in set(_registered(ast.parse(text))) - set(commands):
            where = path.relative_to(root.parent).as_posix()
            remedy = f"add the module and the command's word to COMMAND_GROUPS in {_TREE}"
            yield f"`opskit {command}` is registered in {where}, and no command line loads it: {remedy}."


def _registered(tree: ast.Module) -> Iterator[str]:
    """The commands for which a module calls ``register_command(app, "word", "word")``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _REGISTER:
            yield " ".join(str(word.value) for word in node.args[1:] if isinstance(word, ast.Constant))


def require_rows() -> None:
    """Pass if each command has its examples and permissions.

    Raises:
        LookupError: one has not; the message says where what is to be added.
    """
    if gaps := list(find_gaps(command_names(), written_tables())):
        raise LookupError("\n".join(gaps))


def main() -> int:
    """Check all commands; 1 when anything was found."""
    commands = command_names()
    gaps = [*find_unloaded(_ROOT / "opskit", commands), *find_gaps(commands, package_tables(commands))]
    for gap in gaps:
        print(gap)
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
