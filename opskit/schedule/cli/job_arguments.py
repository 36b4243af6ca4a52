"""Checks the arguments of a job when it is installed, as its command would read them: cron would find a mistake at
night.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.core.setting_specs import SETTING_SPECS, parse_setting_value
from opskit.core.setting_values import parse_duration, parse_tag, parse_usd
from opskit.quotas.rules.requirements import parse_workload

_ADDRESS_FLAGS = ("--notify", "--heartbeat")
_PARSERS: Mapping[str, Callable[[str], object]] = {
    "TIME": parse_duration,
    "USAGE": parse_workload,
    "USD": parse_usd,
    "K=V": parse_tag,
}
"""What reads a value that is text to Typer, by how help writes it."""


def check_job_arguments(arguments: Sequence[str]) -> None:
    """See that opskit would run these arguments, and that none is an address that is a key.

    Raises:
        UsageError: there is no such command, it does not take them, or one of them is a secret.
    """
    _refuse_addresses(arguments)
    words, command = list(arguments), _command_tree(arguments)
    while children := getattr(command, "commands", None):
        word = words.pop(0) if words else ""
        if word not in children:
            raise _bad_arguments(arguments, f"there is no command '{word}'")
        command = children[word]
    try:
        context = command.make_context(words[0] if words else "", list(words))
        for parameter in command.params:
            _check_value(parameter, context.params.get(parameter.name))
    except UsageError as error:
        raise _bad_arguments(arguments, str(error)) from error
    except Exception as error:  # Typer's own Click is private, and so are its errors
        message = getattr(error, "format_message", None)
        raise _bad_arguments(arguments, message() if message else type(error).__name__) from error


def _check_value(parameter: Any, value: Any) -> None:
    """Read a value that is text to Typer and more to the command: a time, an amount, a tag, a workload, or what a
    setting of that flag takes.
    """
    if value is None or value == ():
        return
    if parse := _PARSERS.get(parameter.metavar):
        for word in (value,) if isinstance(value, str) else value:
            parse(word)
    # A flag of two settings, as --after of notebooks and endpoints, is of one type.
    spec = next((spec for spec in SETTING_SPECS if spec.flag in parameter.opts), None)
    if spec is not None:
        parse_setting_value(spec, value, spec.flag, typed=True)


def _command_tree(arguments: Sequence[str]) -> Any:
    import typer

    from opskit.cli.command_tree import load_for

    return typer.main.get_command(load_for(arguments))


def _refuse_addresses(arguments: Sequence[str]) -> None:
    for flag, value in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, behind = flag.partition("=")
        if name in _ADDRESS_FLAGS and "://" in (behind if equals else value):
            hint = f"Write it into a file, `chmod 600` that, and name the file: {name} FILE."
            raise UsageError(
                "secret", f"The address behind {name} is a secret, and others can see what cron runs.", hint
            )


def _bad_arguments(arguments: Sequence[str], why: str) -> UsageError:
    text = f"A run of `opskit {' '.join(arguments)}` would fail: {why.rstrip('.')}."
    return UsageError("bad-job-arguments", text, "Correct the arguments after --.")
