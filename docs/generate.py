"""Writes the pages that the code already knows: commands, exit codes, settings, permissions. `make docs` runs it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from opskit.access.render.settings import to_text
from opskit.access.rules.conditional_permissions import CONDITIONAL_PERMISSIONS
from opskit.access.rules.grants import ACCESS, CHANGE, READ, Grant, grants_of_commands
from opskit.access.rules.permissions import API_CALLS, FLAG_CALLS
from opskit.cli.command_examples import EXAMPLES
from opskit.cli.command_tree import COMMAND_GROUPS
from opskit.cli.common_options import COMMON_OPTIONS
from opskit.core.exceptions import EXIT_DESCRIPTIONS, ExitCode
from opskit.core.setting_specs import SETTING_SPECS, WATCH_SPECS, SettingSpec
from opskit.core.settings import FILE_NAME
from opskit.training.rules.workflow_schema import workflow_schema
from opskit.training.rules.workflow_shape import TABLES, TOP_KEYS, KeySpec
from tools.command_help import all_commands, help_paragraphs
from tools.command_rows import require_rows
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
    """Every generated page, by file name.

    Raises:
        LookupError: a command lacks what is to be written of it.
    """
    require_rows()
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
        "A workflow is a folder with a `workflow.toml`, its data and a model card. `opskit workflow init` creates one; "
        "`opskit workflow check` checks it and every cell of its data. Any other key or table is an error that names "
        f"the line. [{_SCHEMA_NAME}]({_SCHEMA_NAME}) contains the same as a JSON Schema, for editors. "
        "[Training](training.md) describes what is done with it."
    )
    yield "## Top-level keys"
    yield _key_table(TOP_KEYS)
    for table in TABLES:
        yield f"## [{table.name}]"
        yield f"{table.help}{'' if table.required else ' Optional.'}"
        yield (
            "The keys are your own or the algorithm's names; the values are text, numbers, or true and false."
            if (table.is_free)
            else _key_table(table.keys)
        )


def _key_table(keys: Sequence[KeySpec]) -> str:
    rows = ["| Key | Type | Purpose |", "|---|---|---|"]
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
        "Each command ends with one of the [exit codes](exit-codes.md), reads the [settings](settings.md), and needs "
        "some [permissions](iam.md). All commands accept these flags, after the command's name:"
    )
    words = list(COMMAND_GROUPS)
    leaves = sorted(all_commands().items(), key=lambda leaf: (words.index(leaf[0][0]), leaf[0]))
    yield _options(param for param in leaves[0][1].params if param.name in COMMON_OPTIONS)
    for path, command in leaves:
        yield f"## opskit {' '.join(path)}"
        yield "\n\n".join(help_paragraphs(command))
        own = [param for param in command.params if param.name not in COMMON_OPTIONS]
        if own:
            yield _options(own)
        yield "```\n" + "\n".join(EXAMPLES[" ".join(path)]) + "\n```"


def _options(params: Any) -> str:
    return _table(("Flag or argument", "Purpose"), [(_written(param), _meaning(param)) for param in params])


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
        "If several apply, 3 wins over 5, and 5 over 0: insufficient quota is final, whatever else could not be read, "
        "and what could not be read never counts as sufficient. With `-o json` the result contains the code as `exit`."
    )


def _permissions() -> Iterator[str]:
    yield "# Permissions"
    yield (
        "The permissions that each command needs, and those that its flags need in addition. `opskit iam policy quotas "
        "check notebook stop` prints the policy for the commands and flags that you name, narrowed to the resources "
        "that they use; `opskit doctor` shows which of these permissions you have. sts:GetCallerIdentity is always "
        "allowed. `--region all` also needs account:ListRegions or ec2:DescribeRegions."
    )
    yield (
        "The policy has conditions. Resources can be created only with the tag `opskit:owner` (`aws:RequestTag`; not "
        "with `--no-owner`). Only resources that a workflow created can be stopped or deleted "
        "(`aws:ResourceTag/opskit:workflow`). Only the tags that the command uses can be written onto notebooks "
        "(`aws:TagKeys`). Roles can be passed only to SageMaker (`iam:PassedToService`): the role named with `--role`, "
        "else the roles that the console creates and `opskit-notebook`."
    )
    yield (
        "Permission to create a role is equivalent to administrator access. Only `notebook create --role-boundary ARN` "
        "includes it, for roles within that permissions boundary. Otherwise create the role once, or name one with "
        "`--role`."
    )
    yield "## What AWS may require in addition"
    yield "\n".join(f"- {', '.join(each.actions)}: {each.when}" for each in CONDITIONAL_PERMISSIONS)
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
        "A flag wins over an environment variable, a variable over the file, and the file over the default. The file is"
        f" `{FILE_NAME}` in the current folder, else `opskit/{FILE_NAME}` in your configuration folder (`~/.config`); "
        "`--config` names another file. `opskit settings` shows every value and its source. An unknown key, or a value "
        "of the wrong type, is an error that names the file and the key."
    )
    yield (
        f"The `{FILE_NAME}` in the current folder may be somebody else's, for example in a repository that you have "
        "cloned. Until you run `opskit settings trust .` there, its settings are used only as far as the last column "
        "allows, in addition to your own file and compared with it; a message names the keys that are ignored. The "
        "trust applies to the content of the file, and ends when the content changes. `opskit settings distrust .` "
        "removes it. A file that you name with `--config` is used in full."
    )
    yield _table(
        ("Key", "Variable", "Flag", "Purpose", "Type", "Default", "Used if untrusted"),
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
        "The quotas that `opskit quotas check` checks if you name no type, one `[[watch]]` table per entry. `--region` "
        "on the command line overrides the Regions of the entries. If at least `share` of a quota is in use, the check "
        "exits with 3 and says so, although its verdict may be `fits`: there is room, but less than you want."
    )
    yield _table(
        ("Key", "Purpose", "Type", "Default"),
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
