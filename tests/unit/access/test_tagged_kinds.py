"""A command's policy lets it read and change the tags of the kind of resource that it is about, and of no other."""

from __future__ import annotations

import re

import pytest

from opskit.access.rules.call_sets import COSTS
from opskit.access.rules.grants import grants_of_commands
from opskit.access.rules.permissions import API_CALLS, TAGS_READ_ON

_OWN_KINDS = {"notebook": {"notebook-instance"}, "endpoint": {"endpoint", "endpoint-config"}}
_CHANGES = ("sagemaker:AddTags", "sagemaker:DeleteTags")


@pytest.mark.parametrize("command", [command for command in API_CALLS if command.split()[0] in _OWN_KINDS])
def test_tags_are_read_and_changed_on_a_command_s_own_kind(command: str) -> None:
    own = _OWN_KINDS[command.split(maxsplit=1)[0]]
    changed = {grant.resource for grant in grants_of_commands([command]) if grant.action in _CHANGES}
    assert changed <= own
    read = TAGS_READ_ON.get(command, ())
    assert own.issuperset(read), f"`opskit {command}` reads tags of {own}: correct its row of TAGS_READ_ON"
    calls_change = {f"sagemaker:{name}" for name in ("AddTags", "DeleteTags")} & API_CALLS[command]
    assert bool(changed) or not calls_change


def kinds_it_is_about(command: str) -> set[str]:
    """The kinds of resources that a command lists, describes, makes, changes or deletes."""
    kinds = set()
    for call in API_CALLS[command]:
        service, _, operation = call.partition(":")
        if service.startswith("sagemaker"):
            words = re.findall(r"[A-Z][a-z]*", operation)[1:]
            kinds.add("-".join(words).lower().removesuffix("s"))
    return kinds


@pytest.mark.parametrize("command", TAGS_READ_ON)
def test_tags_are_read_of_kinds_that_a_command_is_about(command: str) -> None:
    row, reads_all = set(TAGS_READ_ON[command]), API_CALLS[command] >= COSTS
    assert (row == {"*"}) is reads_all, f"`opskit {command}`: every kind is for what reads all that bills"
    wrong = set() if reads_all else row - kinds_it_is_about(command)
    assert wrong == set(), f"`opskit {command}` has nothing to do with it: correct its row of TAGS_READ_ON"
