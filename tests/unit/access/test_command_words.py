"""The commands and flags that words name, as `opskit iam policy` reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.access.rules.command_words import parse_commands, split_flags
from opskit.access.rules.permissions import API_CALLS, FLAG_CALLS, FLAGS
from opskit.core.exceptions import UsageError
from tools.command_help import all_commands

ROLE_BOUNDARY = "arn:aws:iam::123456789012:policy/limits"


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (("quotas", "check", "notebook", "stop"), ("quotas check", "notebook stop")),
        (("notebook stop",), ("notebook stop",)),
        (("opskit", "notebook", "stop", "--idle"), ("notebook stop",)),
        (("train,", "quotas check"), ("train", "quotas check")),
        (("train", "train"), ("train",)),
        (("notebook",), tuple(each for each in API_CALLS if each.startswith("notebook "))),
        ((), tuple(API_CALLS)),
    ],
)
def test_commands_are_named_as_people_write_them(words: tuple[str, ...], commands: tuple[str, ...]) -> None:
    assert parse_commands(words) == commands


@pytest.mark.parametrize(
    ("word", "hint"), [("trian", "train"), ("stp", "notebook stop"), ("notbook", "notebook"), ("zzz", "One of")]
)
def test_a_command_nobody_knows_is_named_with_one_that_is_meant(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_commands([word])
    assert hint in told.value.problem.hint


@given(st.lists(st.text()))
def test_no_words_are_too_strange(words: list[str]) -> None:
    try:
        assert set(parse_commands(words)) <= set(API_CALLS)
    except UsageError as error:
        assert error.problem.hint


@pytest.mark.parametrize(
    ("words", "left", "flags"),
    [
        (("train", "--request-increase", "--deploy"), ("train", "--deploy"), {"--request-increase": ""}),
        (("cron run --notify arn:aws:sns:r:1:t",), ("cron", "run"), {"--notify": "arn:aws:sns:r:1:t"}),
        (
            ("notebook", "create", f"--role-boundary={ROLE_BOUNDARY}"),
            ("notebook", "create"),
            {"--role-boundary": ROLE_BOUNDARY},
        ),
        (("train", "--role", "mine", "predict"), ("train", "predict"), {"--role": "mine"}),
    ],
)
def test_flags_are_taken_as_they_are_typed(
    words: tuple[str, ...], left: tuple[str, ...], flags: dict[str, str]
) -> None:
    assert split_flags(words) == (left, flags)


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_the_value_of_a_flag_is_no_command(flag: str) -> None:
    """A flag that takes a value is in _VALUED_FLAGS of opskit/access/rules/command_words.py."""
    commands = [command for command, flags in FLAG_CALLS.items() if flag in flags] or [*API_CALLS]
    options = [
        option
        for path, command in all_commands().items()
        for option in command.params
        if " ".join(path) in commands and flag in option.opts
    ]
    takes_value = any(not option.is_flag for option in options)
    assert split_flags([flag, "VALUE"])[0] == (() if takes_value else ("VALUE",))
