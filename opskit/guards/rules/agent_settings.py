"""Claude Code's settings: the hook that asks opskit before a shell command, among the settings of others."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from opskit.core.exceptions import UsageError

_MARK = " guard hook"
_VARIABLE = "OPSKIT_GUARD"
# The hook's command ends with 2, which keeps the agent from running its own, unless opskit says yes. A shell that does
# not find opskit any more ends with 126 and more: then the guard is gone, and nothing else is kept from running.
_REFUSE = 'code=$?; [ "$code" -eq 0 ] || [ "$code" -ge 126 ] || exit 2'


def agent_command(opskit: str, flags: Sequence[str]) -> str:
    """The command of the hook, for a shell."""
    return f"{shlex.join([opskit])}{_MARK}{''.join(f' {shlex.quote(flag)}' for flag in flags)}; {_REFUSE}"


def has_agent_hook(found: str) -> bool:
    """Whether settings have opskit's hook.

    Raises:
        UsageError: they are no object of JSON.
    """
    return any(_is_ours(entry) for entry in _entries(_parse_settings(found)))


def with_agent_hook(found: str | None, command: str) -> str:
    """The settings with opskit's hook, and with the variable that guards Python programs.

    Raises:
        UsageError: they are no object of JSON, or have another form.
    """
    settings = _parse_settings(found or "{}")
    hooks = settings.setdefault("hooks", {})
    hook = {"type": "command", "command": command, "timeout": 60}
    kept = [entry for entry in _entries(settings) if not _is_ours(entry)]
    hooks["PreToolUse"] = [*kept, {"matcher": "Bash", "hooks": [hook]}]
    settings.setdefault("env", {}).setdefault(_VARIABLE, "1")
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def without_agent_hook(found: str) -> str | None:
    """The settings without what opskit has added; None: nothing else is in them.

    Raises:
        UsageError: they are no object of JSON, or have another form.
    """
    settings = _parse_settings(found)
    kept = [entry for entry in _entries(settings) if not _is_ours(entry)]
    _set_or_drop(settings["hooks"], "PreToolUse", kept)
    _set_or_drop(settings, "hooks", settings["hooks"])
    variables = settings.get("env")
    if isinstance(variables, dict) and variables.get(_VARIABLE) == "1":
        del variables[_VARIABLE]
        _set_or_drop(settings, "env", variables)
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n" if settings else None


def _set_or_drop(settings: dict[str, Any], name: str, value: Any) -> None:
    if value:
        settings[name] = value
    else:
        del settings[name]


def _parse_settings(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except ValueError as error:
        raise UsageError(
            "bad-settings", f"Claude Code's settings are no JSON: {error}.", "Correct that file."
        ) from error
    shapes = (("hooks", Mapping), ("env", Mapping))
    if not isinstance(settings, dict) or any(not isinstance(settings.get(name, {}), kind) for name, kind in shapes):
        text = "Claude Code's settings have another form than opskit knows."
        raise UsageError("bad-settings", text, "Correct that file.")
    return settings


def _entries(settings: Mapping[str, Any]) -> list[Any]:
    entries = settings.get("hooks", {}).get("PreToolUse", [])
    if not isinstance(entries, list):
        text = "Claude Code's settings have another form than opskit knows: PreToolUse is no list."
        raise UsageError("bad-settings", text, "Correct that file.")
    return entries


def _is_ours(entry: Any) -> bool:
    hooks = entry.get("hooks") if isinstance(entry, Mapping) else None
    commands = [hook.get("command") for hook in hooks if isinstance(hook, Mapping)] if isinstance(hooks, list) else []
    return any(isinstance(command, str) and f"opskit{_MARK}" in command.replace("'", "") for command in commands)
