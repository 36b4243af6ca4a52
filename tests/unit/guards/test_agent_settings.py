"""The hook in the settings of coding agents: what it leaves as it was, and what it keeps an agent from running."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from opskit.core.exceptions import UsageError
from opskit.guards.rules.agent_settings import (
    CodingAgent,
    agent_command,
    flags_of_hook,
    has_agent_hook,
    variable_text,
    with_agent_hook,
    without_agent_hook,
)

FLAGS = ["--max-usd", "5"]
EVERY_AGENT = pytest.mark.parametrize("agent", list(CodingAgent))
OTHERS: dict[CodingAgent, list[dict[str, Any]]] = {
    CodingAgent.CLAUDE_CODE: [
        {},
        {"model": "x", "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "a"}]}]}},
        {"env": {"A": "b"}},
        {"hooks": {"Stop": []}, "env": {}},
    ],
    CodingAgent.CURSOR: [
        {},
        {"version": 1, "hooks": {"beforeShellExecution": [{"command": "./mine.sh"}], "stop": [{"command": "b"}]}},
        {"version": 2, "hooks": {"stop": [{"command": "b"}]}},
    ],
    CodingAgent.CODEX: [
        {},
        {"hooks": {"PreToolUse": [{"matcher": "^Bash$", "hooks": [{"type": "command", "command": "a"}]}, "odd"]}},
        {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "b"}]}]}, "description": "mine"},
    ],
}


def installed(agent: CodingAgent, found: str | None, flags: list[str] = FLAGS) -> str:
    return with_agent_hook(agent, found, agent_command(agent, "/venv/bin/opskit", flags), variable_text(flags))


@pytest.mark.parametrize(("agent", "settings"), [(agent, each) for agent in CodingAgent for each in OTHERS[agent]])
@pytest.mark.parametrize("indent", [2, 4, "\t"])
def test_the_settings_of_others_stay_as_they_are(
    agent: CodingAgent, settings: dict[str, Any], indent: int | str
) -> None:
    before = json.dumps(settings, indent=indent) + "\n"
    with_hook = installed(agent, before)
    assert has_agent_hook(agent, with_hook)
    assert not has_agent_hook(agent, before)
    assert installed(agent, with_hook) == with_hook
    assert flags_of_hook(agent, with_hook) == FLAGS
    # With other flags it is still one hook.
    again = installed(agent, with_hook, [])
    assert again.count("guard hook") == 1
    assert flags_of_hook(agent, again) == []
    for text in (with_hook, again):
        left = without_agent_hook(agent, text)
        kept = {name: value for name, value in settings.items() if value}
        assert (left or "") == (json.dumps(kept, indent=indent) + "\n" if kept else "")


def test_claude_code_sets_the_variable_for_what_it_runs() -> None:
    assert json.loads(installed(CodingAgent.CLAUDE_CODE, None))["env"] == {"OPSKIT_GUARD": "max_usd=5"}
    assert json.loads(installed(CodingAgent.CLAUDE_CODE, None, []))["env"] == {"OPSKIT_GUARD": "1"}
    changed = installed(
        CodingAgent.CLAUDE_CODE, installed(CodingAgent.CLAUDE_CODE, None), ["--max-usd", "9", "--hours", "2"]
    )
    assert json.loads(changed)["env"] == {"OPSKIT_GUARD": "max_usd=9,hours=2"}
    assert without_agent_hook(CodingAgent.CLAUDE_CODE, changed) is None


def test_a_variable_that_was_there_stays() -> None:
    before = json.dumps({"env": {"OPSKIT_GUARD": "max_usd=1"}})
    with_hook = installed(CodingAgent.CLAUDE_CODE, before)
    assert json.loads(with_hook)["env"] == {"OPSKIT_GUARD": "max_usd=1"}
    assert json.loads(without_agent_hook(CodingAgent.CLAUDE_CODE, with_hook) or "{}") == json.loads(before)


@EVERY_AGENT
@pytest.mark.parametrize("settings", ["[]", "{", '{"hooks": []}', '{"hooks": {"EVENT": {}}}', '{"env": "x"}'])
def test_settings_of_another_form_are_left_alone(agent: CodingAgent, settings: str) -> None:
    with pytest.raises(UsageError, match=f"{agent.product}'s settings"):
        installed(agent, settings.replace("EVENT", agent.event))


@EVERY_AGENT
@pytest.mark.parametrize("script", ["exit 0", "exit 3", "exit 5", "exit 1", "exit 127", "kill -9 $$"])
def test_the_hook_keeps_the_agent_from_running_what_opskit_does_not_allow(
    tmp_path: Path, agent: CodingAgent, script: str
) -> None:
    program = tmp_path / "it's opskit"
    program.write_text(f"#!/bin/sh\necho '{{}}'\n{script}\n" if script == "exit 0" else f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    command = agent_command(agent, str(program), [])
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    allows = script in ("exit 0", "exit 127")
    if agent.reads_json:
        assert ran.returncode == 0
        assert ("deny" in ran.stdout) is not allows
        assert not ran.stdout or json.loads(ran.stdout) is not None
    else:
        assert ran.returncode == (0 if allows else 2)
        assert allows or "not started" in ran.stderr
