"""The settings of coding agents: the hook that asks opskit before a shell command, among the settings of others.

Claude Code and Codex run a command before a tool and take its exit code 2 for a no, with the reason on standard error.
Cursor parses what it prints: it takes a no with a reason only from an object of JSON and exit code 0.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from opskit.core.exceptions import UsageError

_MARK = " guard hook"
VARIABLE = "OPSKIT_GUARD"
"""The variable without which the guard of a Python's start-up does nothing."""

# opskit's answer is the agent's, unless opskit is gone: a shell ends with 126 or 127 where it cannot run it. Then
# nothing is kept from running, and all else that is no yes is a no: an error, a kill, a lack of memory.
# Codex takes a no without a reason for none.
_REFUSE = (
    'code=$?; case "$code" in 0|126|127) exit 0;; '
    '*) echo "opskit ended with $code: the command is not started." >&2; exit 2;; esac'
)
_DENIED = '{"permission": "deny", "user_message": "opskit failed, so the command could not be judged."}'
_REFUSE_IN_JSON = f"code=$?; case \"$code\" in 0|126|127) ;; *) echo '{_DENIED}';; esac"
# The AWS CLI starts in a second or two, and may be asked several times; a look takes some seconds more.
_SECONDS = 120


class CodingAgent(StrEnum):
    """The coding agents that ask a hook before a shell command."""

    CLAUDE_CODE = "claude-code"
    CURSOR = "cursor"
    CODEX = "codex"

    @property
    def product(self) -> str:
        """Its name."""
        match self:
            case CodingAgent.CLAUDE_CODE:
                return "Claude Code"
            case CodingAgent.CURSOR:
                return "Cursor"
            case CodingAgent.CODEX:
                return "Codex"

    @property
    def event(self) -> str:
        """What it calls the moment before a shell command."""
        match self:
            case CodingAgent.CLAUDE_CODE | CodingAgent.CODEX:
                return "PreToolUse"
            case CodingAgent.CURSOR:
                return "beforeShellExecution"

    @property
    def reads_json(self) -> bool:
        """Whether it takes the answer from an object of JSON on standard output, rather than from the exit code."""
        match self:
            case CodingAgent.CLAUDE_CODE | CodingAgent.CODEX:
                return False
            case CodingAgent.CURSOR:
                return True

    @property
    def sets_variables(self) -> bool:
        """Whether the same settings hold variables for what it runs."""
        match self:
            case CodingAgent.CLAUDE_CODE:
                return True
            case CodingAgent.CURSOR | CodingAgent.CODEX:
                return False


def agent_command(agent: CodingAgent, opskit: str, flags: Sequence[str]) -> str:
    """The command of the hook, for whichever shell the agent has."""
    answer = ["--agent", agent.value] if agent.reads_json else []
    asked = f"{shlex.join([opskit])}{_MARK} {shlex.join([*answer, *flags])}".rstrip()
    return shlex.join(["sh", "-c", f"{asked}; {_REFUSE_IN_JSON if agent.reads_json else _REFUSE}"])


def has_agent_hook(agent: CodingAgent, found: str) -> bool:
    """Whether settings have opskit's hook.

    Raises:
        UsageError: they are no object of JSON, or have another form.
    """
    return any(_is_ours(entry) for entry in _entries(agent, _parse_settings(agent, found)))


def flags_of_hook(agent: CodingAgent, found: str) -> list[str]:
    """The flags with which opskit's hook was installed; none if it was not.

    Raises:
        UsageError: the settings are no object of JSON, or have another form.
    """
    for entry in _entries(agent, _parse_settings(agent, found)):
        if _is_ours(entry):
            words = re.findall(r"--(?:max-usd|max-usd-hour|hours|on-unknown) [\w.]+", _commands_of(entry)[0])
            return [part for word in words for part in word.split()]
    return []


def with_agent_hook(agent: CodingAgent, found: str | None, command: str, variable: str) -> str:
    """The settings with opskit's hook, and, where they hold variables, with the one that guards Python programs.

    Raises:
        UsageError: they are no object of JSON, or have another form.
    """
    settings = _parse_settings(agent, found or "{}")
    kept = [entry for entry in _entries(agent, settings) if not _is_ours(entry)]
    before = _hook_variable(agent, settings)
    match agent:
        case CodingAgent.CLAUDE_CODE | CodingAgent.CODEX:
            hook = {"type": "command", "command": command, "timeout": _SECONDS}
            entry: dict[str, Any] = {"matcher": "Bash", "hooks": [hook]}
        case CodingAgent.CURSOR:
            settings.setdefault("version", 1)
            entry = {"command": command, "timeout": _SECONDS}
    settings.setdefault("hooks", {})[agent.event] = [*kept, entry]
    if agent.sets_variables:
        variables = settings.setdefault("env", {})
        if VARIABLE not in variables or variables[VARIABLE] == before:
            variables[VARIABLE] = variable
    return _write_settings(settings, found)


def without_agent_hook(agent: CodingAgent, found: str) -> str | None:
    """The settings without what opskit has added; None: nothing else is in them.

    Raises:
        UsageError: they are no object of JSON, or have another form.
    """
    settings = _parse_settings(agent, found)
    ours = _hook_variable(agent, settings)
    _drop_or_set(settings["hooks"], agent.event, [each for each in _entries(agent, settings) if not _is_ours(each)])
    _drop_or_set(settings, "hooks", settings["hooks"])
    variables = settings.get("env")
    if ours is not None and isinstance(variables, dict) and agent.sets_variables and variables.get(VARIABLE) == ours:
        del variables[VARIABLE]
        _drop_or_set(settings, "env", variables)
    if not agent.sets_variables and settings == {"version": 1}:  # which says nothing without hooks
        return None
    return _write_settings(settings, found) if settings else None


def variable_text(flags: Sequence[str]) -> str:
    """The variable's value that says the same as a hook's flags."""
    pairs = zip(flags[::2], flags[1::2], strict=True)
    return ",".join(f"{flag[2:].replace('-', '_')}={value}" for flag, value in pairs) or "1"


def _hook_variable(agent: CodingAgent, settings: Mapping[str, Any]) -> str | None:
    """The variable's value that opskit's hook in these settings goes with; None: there is no hook."""
    if not any(_is_ours(entry) for entry in _entries(agent, settings)):
        return None
    found = (settings.get("env") or {}).get(VARIABLE)
    # An older opskit wrote 1 whatever the flags were.
    told = variable_text(flags_of_hook(agent, json.dumps(settings)))
    return found if found in ("1", told) else told


def _write_settings(settings: Mapping[str, Any], found: str | None) -> str:
    """Settings as text, indented as the file was."""
    indents = re.search(r"^([ \t]+)\S", found or "", re.MULTILINE)
    return json.dumps(settings, indent=indents[1] if indents else 2, ensure_ascii=False) + "\n"


def _drop_or_set(settings: dict[str, Any], name: str, value: Any) -> None:
    if value:
        settings[name] = value
    else:
        del settings[name]


def _parse_settings(agent: CodingAgent, text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text.removeprefix("\ufeff") if text.strip() else "{}")
    except ValueError as error:
        text = f"{agent.product}'s settings are not JSON: {error}."
        raise UsageError("bad-settings", text, "Correct that file.") from error
    shapes = (("hooks", Mapping), ("env", Mapping))
    if not isinstance(settings, dict) or any(not isinstance(settings.get(name, {}), kind) for name, kind in shapes):
        text = f"{agent.product}'s settings have another form than opskit knows."
        raise UsageError("bad-settings", text, "Correct that file.")
    return settings


def _entries(agent: CodingAgent, settings: Mapping[str, Any]) -> list[Any]:
    entries = settings.get("hooks", {}).get(agent.event, [])
    if not isinstance(entries, list):
        text = f"{agent.product}'s settings have another form than opskit knows: {agent.event} is not a list."
        raise UsageError("bad-settings", text, "Correct that file.")
    return entries


def _is_ours(entry: Any) -> bool:
    return any(f"opskit{_MARK}" in re.sub("['\"]", "", command) for command in _commands_of(entry))


def _commands_of(entry: Any) -> list[str]:
    """The commands of a hook: its own, or those of the hooks in it."""
    if not isinstance(entry, Mapping):
        return []
    inner = entry.get("hooks")
    hooks = [entry, *(inner if isinstance(inner, list) else [])]
    commands = [hook.get("command") for hook in hooks if isinstance(hook, Mapping)]
    return [command for command in commands if isinstance(command, str)]
