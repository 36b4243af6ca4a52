"""Man pages from the code: one for opskit, one for each command. docs/generate.py, that is `make docs`, writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opskit.cli.command_examples import EXAMPLES
from opskit.cli.command_tree import COMMAND_GROUPS
from opskit.cli.common_options import COMMON_OPTIONS
from opskit.core.exceptions import EXIT_DESCRIPTIONS, ExitCode
from tools.command_help import all_commands, help_paragraphs

_SUMMARY = "check SageMaker quotas, run guarded, and stop what sits idle"


def man_pages() -> dict[str, str]:
    """Every man page in roff, by file name such as ``opskit-quotas-check.1``."""
    commands = all_commands()
    written = {f"opskit-{'-'.join(path)}.1": _command_page(path, command) for path, command in commands.items()}
    return {"opskit.1": _first_page(list(commands)), **written}


def _first_page(commands: list[tuple[str, ...]]) -> str:
    lines = [
        *_head("opskit", _SUMMARY),
        ".SH SYNOPSIS",
        r"\fBopskit\fR \fICOMMAND\fR [\fIOPTIONS\fR]",
        ".SH COMMANDS",
    ]
    for name, group in COMMAND_GROUPS.items():
        pages = ", ".join(rf"\fBopskit-{_roff('-'.join(path))}\fR(1)" for path in commands if path[0] == name)
        lines += [".TP", rf"\fB{_roff(name)}\fR", _roff(group.help), ".br", f"See {pages}."]
    return "\n".join([*lines, *_exit_codes()]) + "\n"


def _command_page(path: tuple[str, ...], command: Any) -> str:
    words = " ".join(path)
    own = [param for param in command.params if param.name not in COMMON_OPTIONS]
    common = [param for param in command.params if param.name in COMMON_OPTIONS]
    arguments = " ".join(_metavar(param) for param in own if param.param_type_name == "argument")
    paragraphs = help_paragraphs(command)
    lines = [
        *_head(f"opskit-{'-'.join(path)}", paragraphs[0].rstrip(".")),
        ".SH SYNOPSIS",
        rf"\fBopskit {_roff(words)}\fR [\fIOPTIONS\fR] {_roff(arguments)}".rstrip(),
        ".SH DESCRIPTION",
    ]
    for paragraph in paragraphs:
        lines += [".PP", _roff(paragraph)]
    if own:
        lines += [".SH OPTIONS AND ARGUMENTS", *_option_lines(own)]
    lines += [".SH COMMON OPTIONS", *_option_lines(common), ".SH EXAMPLES"]
    for example in EXAMPLES[words]:
        lines += [".PP", ".nf", _roff(example), ".fi"]
    return "\n".join([*lines, *_exit_codes(), ".SH SEE ALSO", r"\fBopskit\fR(1)"]) + "\n"


def _head(title: str, summary: str) -> list[str]:
    # No date and no version: a page changes only when what it says does.
    return [f'.TH {title.upper()} 1 "" "opskit" "User Commands"', ".SH NAME", f"{_roff(title)} \\- {_roff(summary)}"]


def _option_lines(params: list[Any]) -> Iterator[str]:
    for param in params:
        yield ".TP"
        if param.param_type_name == "argument":
            yield rf"\fI{_roff(_metavar(param))}\fR"
        else:
            names = ", ".join(rf"\fB{_roff(name)}\fR" for name in [*param.opts, *param.secondary_opts])
            yield names if param.is_flag else rf"{names} \fI{_roff(_metavar(param))}\fR"
        yield _roff(" ".join((param.help or "").split())) or r"\&"


def _metavar(param: Any) -> str:
    choices = getattr(param.type, "choices", None)
    return param.metavar or ("|".join(map(str, choices)) if choices else str(param.name).upper())


def _exit_codes() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code in ExitCode:
        yield from (".TP", rf"\fB{int(code)}\fR", _roff(EXIT_DESCRIPTIONS[code]))


def _roff(text: str) -> str:
    """A text as roff shows it unchanged: backslashes and hyphens escaped, no control character at a line's start."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
