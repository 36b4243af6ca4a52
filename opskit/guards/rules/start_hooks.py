"""The files that put a guard on by default: what is in them, and what is found where they belong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from opskit.core.exceptions import UsageError
from opskit.guards.rules.agent_settings import (
    VARIABLE,
    CodingAgent,
    agent_command,
    flags_of_hook,
    has_agent_hook,
    variable_text,
    with_agent_hook,
)

_MARK = "opskit guard install"


class HookTarget(StrEnum):
    """Where a guard can be put on by default."""

    IPYTHON = "ipython"
    PYTHON = "python"
    CLAUDE_CODE = "claude-code"
    CURSOR = "cursor"
    CODEX = "codex"

    @property
    def agent(self) -> CodingAgent | None:
        """The coding agent whose settings it is; None: it is a file of opskit's own."""
        match self:
            case HookTarget.IPYTHON | HookTarget.PYTHON:
                return None
            case HookTarget.CLAUDE_CODE:
                return CodingAgent.CLAUDE_CODE
            case HookTarget.CURSOR:
                return CodingAgent.CURSOR
            case HookTarget.CODEX:
                return CodingAgent.CODEX

    @property
    def file_name(self) -> str:
        """The name of its file."""
        match self:
            case HookTarget.IPYTHON:
                return "50-opskit-guard.py"
            case HookTarget.PYTHON:
                # Read in the order of the names: after those that tell where packages are that are installed editable.
                return "zz-opskit-guard.pth"
            case HookTarget.CLAUDE_CODE:
                return "settings.json"
            case HookTarget.CURSOR | HookTarget.CODEX:
                return "hooks.json"

    def effect(self, arguments: GuardArguments) -> str:
        """What the file does, as sentences."""
        value = variable_text(arguments.as_flags())
        alone = f"Python programs that it runs are guarded where {VARIABLE}={value} is set for them."
        match self:
            case HookTarget.IPYTHON:
                return "Every IPython shell and Jupyter kernel of this user starts with the guard on."
            case HookTarget.PYTHON:
                return f"Every program of this Python starts with the guard on where {VARIABLE}={value} is set."
            case HookTarget.CLAUDE_CODE:
                return (
                    f"Claude Code asks opskit before each shell command, and sets {VARIABLE}={value} for what it runs."
                )
            case HookTarget.CURSOR:
                return f"Cursor asks opskit before each shell command, once it was started again. {alone}"
            case HookTarget.CODEX:
                trust = "once you have trusted the hook there (type /hooks); until then it does not run it"
                return f"Codex asks opskit before each shell command, {trust}. {alone}"


class HookState(StrEnum):
    """What is where a file belongs."""

    ABSENT = "absent"
    INSTALLED = "installed"
    OUTDATED = "outdated"
    FOREIGN = "foreign"

    @property
    def is_ours(self) -> bool:
        """Whether opskit wrote the file."""
        match self:
            case HookState.INSTALLED | HookState.OUTDATED:
                return True
            case HookState.ABSENT | HookState.FOREIGN:
                return False


@dataclass(frozen=True)
class GuardArguments:
    """The arguments of ``opskit.guard`` that a start-up file passes. None: it does not pass that one."""

    max_usd: str | None = None
    max_usd_hour: str | None = None
    hours: str | None = None
    on_unknown: str | None = None

    def as_flags(self) -> list[str]:
        """The arguments, as flags of ``opskit guard hook``."""
        given = [(name, value) for name, value in vars(self).items() if value is not None]
        return [word for name, value in given for word in (f"--{name.replace('_', '-')}", value)]

    def as_call(self) -> str:
        """The call, as Python source."""
        given = [(name, value) for name, value in vars(self).items() if value is not None]
        return f"opskit.guard({', '.join([*(f'{name}={value!r}' for name, value in given), 'first_look=False'])})"


def hook_content(
    target: HookTarget, arguments: GuardArguments, found: str | None = None, opskit: str = "opskit"
) -> str:
    """What is in a target's file; ``found`` is what is in one that is shared with others, ``opskit`` the program's
    path.

    Raises:
        UsageError: what is found cannot be added to.
    """
    match target:
        case HookTarget.IPYTHON:
            return (
                f"# Written by `{_MARK} ipython`; `opskit guard remove ipython` removes it.\n"
                "try:\n"
                "    import opskit\n"
                "except ImportError as error:\n"
                "    print(f'The guard of SageMaker calls is off: {error}')\n"
                "else:\n"
                f"    {arguments.as_call()}\n"
            )
        case HookTarget.PYTHON:
            # One line that begins with import is run by Python's site module; any other is taken for a folder.
            return (
                f"# Written by `{_MARK} python`; `opskit guard remove python` removes it.\n"
                f"import os; os.environ.get('{VARIABLE}') and __import__('opskit.guards.autostart')\n"
            )
        case HookTarget.CLAUDE_CODE | HookTarget.CURSOR | HookTarget.CODEX:
            agent, flags = CodingAgent(target.value), arguments.as_flags()
            return with_agent_hook(agent, found, agent_command(agent, opskit, flags), variable_text(flags))


def installed_arguments(target: HookTarget, found: str | None) -> GuardArguments:
    """The arguments with which a target's file was written; none where it is absent, or holds none.

    Raises:
        UsageError: it is shared, and cannot be read.
    """
    given: Mapping[str, str] = {}
    match target:
        case HookTarget.IPYTHON if found is not None:
            call = next((line for line in found.splitlines() if "opskit.guard(" in line), "")
            given = dict(re.findall(r"(\w+)='([^']*)'", call))
        case HookTarget.CLAUDE_CODE | HookTarget.CURSOR | HookTarget.CODEX if found is not None:
            flags = flags_of_hook(CodingAgent(target.value), found)
            given = {flag[2:].replace("-", "_"): value for flag, value in zip(flags[::2], flags[1::2], strict=True)}
        case HookTarget.PYTHON | HookTarget.IPYTHON | HookTarget.CLAUDE_CODE | HookTarget.CURSOR | HookTarget.CODEX:
            pass  # Python's are in the variable
    return GuardArguments(**{name: given.get(name) for name in GuardArguments.__dataclass_fields__})


def hook_state(target: HookTarget, found: str | None, wanted: str) -> HookState:
    """What a file's content says of it; None: there is no file."""
    if found is None or (target.agent is not None and not has_agent_hook(target.agent, found)):
        return HookState.ABSENT
    if found == wanted:
        return HookState.INSTALLED
    if target.agent is not None:
        return HookState.OUTDATED
    return HookState.OUTDATED if _MARK in found.partition("\n")[0] else HookState.FOREIGN


def parse_targets(words: Iterable[str]) -> tuple[HookTarget, ...]:
    """Targets by their names, each once.

    Raises:
        UsageError: there is no such target, or none is named.
    """
    names = list(dict.fromkeys(words))
    known = ", ".join(HookTarget)
    for name in names:
        if name not in list(HookTarget):
            raise UsageError("bad-target", f"'{name}' is not a place for the guard.", f"One of: {known}.")
    if not names:
        raise UsageError("no-target", "Nothing says where the guard is to be on.", f"Name one of: {known}.")
    return tuple(HookTarget(name) for name in names)


def parse_variable(text: str) -> Mapping[str, str]:
    """The arguments of ``opskit.guard`` in the variable: ``1`` or ``on`` for none, else ``max_usd=5,on_unknown=warn``.

    Raises:
        UsageError: it is neither.
    """
    if text.strip().lower() in ("1", "on", "true", "yes"):
        return {}
    arguments: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals or name not in GuardArguments.__dataclass_fields__:
            hint = f"Write it like {VARIABLE}=1 or {VARIABLE}=max_usd=5,on_unknown=warn."
            raise UsageError("bad-variable", f"{VARIABLE}={text} is not understood.", hint)
        arguments[name] = value
    return arguments


def is_off(text: str) -> bool:
    """Whether the variable says that no guard is wanted."""
    return text.strip().lower() in ("", "0", "off", "false", "no")


def is_opskits_own(command: Iterable[str]) -> bool:
    """Whether a process is opskit itself, by its command line: opskit checks what it starts in its own way."""
    words = list(command)[1:]
    # The program is the first word that is no option of Python's, or the one after -m.
    program = next((word for word in words if not word.startswith("-")), "")
    if "-m" in words[: words.index(program)] if program else False:
        return program.partition(".")[0] == "opskit"
    return program.replace("\\", "/").rpartition("/")[2] in ("opskit", "opskit.exe")
