"""Writes the pages that the code already knows: commands, exit codes, settings, permissions. `make docs` runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from opskit.access.render.settings import to_text
from opskit.access.rules.besides import BESIDES
from opskit.access.rules.permissions import API_CALLS, FLAG_CALLS
from opskit.access.rules.policy import ACCESS, CHANGE, READ, Grant, grants_of_commands
from opskit.cli.command import COMMON_OPTIONS
from opskit.cli.command_examples import EXAMPLES
from opskit.cli.command_tree import COMMAND_GROUPS, load_all
from opskit.core.exceptions import EXIT_DESCRIPTIONS, ExitCode
from opskit.core.settings import FILE_NAME, SETTING_SPECS, WATCH_SPECS, SettingSpec
from opskit.training.rules.workflow_shape import TABLES, TOP_KEYS, KeySpec, workflow_schema
from tools.man_pages import man_pages

_SCHEMA_NAME = "workflow.schema.json"

_FOLDER = Path(__file__).parent
_NOTE = "<!-- Written by `make docs` from the code. Change it there. -->"

_KINDS = {READ: "reads", ACCESS: "opens notebooks", CHANGE: "changes"}
_EXAMPLE = """\
regions = ["us-east-1", "eu-west-1"]
max-usd = 5.00

[notebook]
after = "2h"

[[watch]]
types = ["ml.m4.xlarge", "ml.t2.medium"]
share = "80%"

[[watch]]
types = ["ml.g5.xlarge"]
uses = ["endpoint"]
regions = ["eu-west-1"]
need = 2
"""


def pages() -> dict[str, str]:
    """Every generated page, by file name."""
    written = {
        "commands.md": _commands(),
        "exit-codes.md": _exit_codes(),
        "iam.md": _permissions(),
        "settings.md": _settings(),
        "workflow-file.md": _workflow_file(),
    }
    texts = {name: "\n\n".join([_NOTE, *parts]) + "\n" for name, parts in written.items()}
    # JSON has no comments, so nothing in the file says that it is generated; the page about workflows does.
    manual = {f"man/{name}": text for name, text in man_pages().items()}
    return texts | manual | {_SCHEMA_NAME: json.dumps(workflow_schema(), indent=2, ensure_ascii=False) + "\n"}


def _workflow_file() -> Iterator[str]:
    yield "# workflow.toml"
    yield (
        "A workflow is a folder with a `workflow.toml`, its data and a model card. `opskit workflow init` writes one, "
        "`opskit workflow check` looks at it and at every cell of its data. Whatever is not in these tables is an "
        f"error that names the line. [{_SCHEMA_NAME}]({_SCHEMA_NAME}) says the same as a JSON Schema, for editors; "
        "[training.md](training.md) tells the rest."
    )
    yield "## Above all tables"
    yield _key_table(TOP_KEYS)
    for table in TABLES:
        yield f"## [{table.name}]"
        yield f"{table.help}{'' if table.required else ' Optional.'}"
        yield (
            "Its keys are names of your own or the algorithm's; values are text, numbers, or true and false."
            if (table.is_free)
            else _key_table(table.keys)
        )


def _key_table(keys: Sequence[KeySpec]) -> str:
    rows = ["| key | holds | what for |", "|---|---|---|"]
    for spec in keys:
        holds = " or ".join(f"`{choice}`" for choice in spec.choices) or spec.kind.value
        if spec.required:
            holds += ", required"
        elif spec.default not in (None, ()):
            holds += f" (`{str(spec.default).lower()}`)"
        rows.append(f"| `{spec.name}` | {holds} | {spec.help} |")
    return "\n".join(rows)


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield (
        "Each ends with one of the [exit codes](exit-codes.md), reads the [settings](settings.md), and needs some "
        "[permissions](iam.md). These flags go after the name of any of them:"
    )
    words = list(COMMAND_GROUPS)
    found = _leaves(typer.main.get_command(load_all()), ())
    leaves = sorted(found, key=lambda leaf: (words.index(leaf[0][0]), leaf[0]))
    yield _options(param for param in leaves[0][1].params if param.name in COMMON_OPTIONS)
    for path, command in leaves:
        yield f"## opskit {' '.join(path)}"
        yield _paragraphs(command.help or "")
        own = [param for param in command.params if param.name not in COMMON_OPTIONS]
        if own:
            yield _options(own)
        yield "```\n" + "\n".join(EXAMPLES[" ".join(path)]) + "\n```"


def _paragraphs(text: str) -> str:
    """A docstring as markdown: one line a paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield path, command
        return
    for name, child in children.items():
        yield from _leaves(child, (*path, name))


def _options(params: Any) -> str:
    return _table(("Flag or argument", "What for"), [(_written(param), _meaning(param)) for param in params])


def _written(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.metavar or param.name.upper()}`"
    names = ", ".join(f"`{name}`" for name in param.opts)
    return names if param.is_flag else f"{names} `{param.metavar or param.type.name.upper()}`"


def _meaning(param: Any) -> str:
    text = " ".join((param.help or "").split())
    default = param.default
    told = not (default in (None, False, "", ()) or callable(default))
    return f"{text} Default: `{getattr(default, 'value', default)}`.".strip() if told else text


def _exit_codes() -> Iterator[str]:
    yield "# Exit codes"
    yield _table(("Code", "Meaning"), [(str(int(code)), EXIT_DESCRIPTIONS[code]) for code in ExitCode])
    yield (
        "Of several, 3 wins over 5, and 5 over 0: no room is no room, whatever else could not be read; and what could "
        "not be read is never counted as room. With `-o json` the code is also in the answer, as `exit`."
    )


def _permissions() -> Iterator[str]:
    yield "# Permissions"
    yield (
        "What each command asks of AWS, and what its flags ask besides. `opskit iam policy quotas check notebook stop` "
        "prints the policy for the commands and flags it names, narrowed to the resources they touch; `opskit doctor` "
        "tells which of it you have. sts:GetCallerIdentity is allowed to everybody; `--region all` needs "
        "account:ListRegions or ec2:DescribeRegions besides."
    )
    yield (
        "What is created must carry the tag `opskit:owner` (`aws:RequestTag`; not with `--no-owner`), what a workflow "
        "created alone can be stopped or deleted (`aws:ResourceTag/opskit:workflow`), and onto notebooks only the tags "
        "of the command can be written (`aws:TagKeys`). Roles are passed to SageMaker alone (`iam:PassedToService`): "
        "the one named with `--role`, else those that the console creates and `opskit-notebook`."
    )
    yield (
        "Creating a role is as good as being an administrator, so only `notebook create --role-boundary ARN` has it, "
        "for roles within that permissions boundary. Without it, create the role once, or name one with `--role`."
    )
    yield "## What AWS may ask besides"
    yield "\n".join(f"- {', '.join(each.actions)}: {each.when}" for each in BESIDES)
    for command in API_CALLS:
        told = _grant_lines(grants_of_commands([command]), "")
        for flag in FLAG_CALLS.get(command, {}):
            more = grants_of_commands([command], [flag]) - grants_of_commands([command])
            told += _grant_lines(more, f"with `{flag}`, ")
        yield f"## opskit {command}"
        yield "\n".join(told) or "Needs no permission."


def _grant_lines(grants: Collection[Grant], prefix: str) -> list[str]:
    """The actions of permissions, a line for each kind."""
    return [
        f"- {prefix}{word}: {', '.join(sorted({grant.action for grant in grants if grant.kind == kind}))}"
        for kind, word in _KINDS.items()
        if any(grant.kind == kind for grant in grants)
    ]


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield (
        f"A flag wins over a variable, a variable over the file, the file over the default. The file is `{FILE_NAME}` "
        f"in the folder you stand in, else `opskit/{FILE_NAME}` in your configuration folder (`~/.config`); `--config` "
        "names another. `opskit settings` shows every value and where it came from. A key that does not "
        "exist, or a value of the wrong type, is an error that names the file and the key."
    )
    yield (
        f"The `{FILE_NAME}` of the folder you stand in may be a stranger's, as in a repository you have cloned. Until "
        "you say `opskit settings trust .` in it, only what the last column admits counts, beside your own file and "
        "compared with it; one line says which keys do not. Trust is for the file's content: when it changes, you are "
        "asked anew. `opskit settings distrust .` ends it. A file that `--config` names counts in full."
    )
    yield _table(
        ("Key", "Variable", "Flag", "What for", "Written as", "When nobody sets it", "Counts untrusted"),
        [
            (
                f"`{key.name}`",
                _code(key.env_var),
                _code(key.flag),
                key.description,
                key.value_type.description,
                _default(key),
                key.in_folder.value,
            )
            for key in SETTING_SPECS
        ],
    )
    yield "## The watch list"
    yield (
        "What `opskit quotas check` looks at when nothing is named, an entry a `[[watch]]`. A `--region` that is typed "
        "stands above the entries' own. Where at least `share` of a quota is in use the check ends with 3 and says so, "
        "although its verdict may be `fits`: there is room, but less than you want."
    )
    yield _table(
        ("Key", "What for", "Written as", "When left out"),
        [(f"`{key.name}`", key.description, key.value_type.description, _default(key)) for key in WATCH_SPECS],
    )
    yield f"## An example\n\n```toml\n{_EXAMPLE}```"


def _default(key: SettingSpec) -> str:
    return key.default_text if key.default is None else f"`{to_text(key.default)}`"


def _code(text: str) -> str:
    return text and f"`{text}`"


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def write(folder: Path, written: Mapping[str, str]) -> None:
    """Put the pages into a folder."""
    (folder / "man").mkdir(exist_ok=True)
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(_FOLDER, pages())
