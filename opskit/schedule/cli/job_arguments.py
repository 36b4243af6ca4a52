"""Checks the arguments of a job when it is installed, as its command would read them: cron would find a mistake at
night.
"""

from __future__ import annotations

from collections.abc import Sequence

from opskit.cli.check_arguments import check_command_words
from opskit.core.exceptions import OpskitError, UsageError

_ADDRESS_FLAGS = ("--notify", "--heartbeat")


def check_job_arguments(arguments: Sequence[str]) -> None:
    """See that opskit would run these arguments, and that none is an address that is a key.

    Raises:
        UsageError: the command would refuse them before it asks AWS, or one of them is a secret.
    """
    _refuse_addresses(arguments)
    try:
        check_command_words(arguments)
    except OpskitError as error:
        text = f"A run of `opskit {' '.join(arguments)}` would fail: {str(error).rstrip('.')}."
        hint = " ".join(filter(None, (error.problem.hint, "Correct the arguments after --.")))
        raise UsageError("bad-job-arguments", text, hint) from error


def _refuse_addresses(arguments: Sequence[str]) -> None:
    for flag, value in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, behind = flag.partition("=")
        if name in _ADDRESS_FLAGS and "://" in (behind if equals else value):
            hint = f"Write it into a file, `chmod 600` that, and name the file: {name} FILE."
            raise UsageError(
                "secret", f"The address behind {name} is a secret, and others can see what cron runs.", hint
            )
