"""Puts the guard on when it is imported, which a start-up file of Python's does where OPSKIT_GUARD is set."""

from __future__ import annotations

import os
import sys

from opskit.guards.rules.agent_settings import VARIABLE
from opskit.guards.rules.start_hooks import is_off, is_opskits_own, parse_variable


def start_from_environment() -> None:
    """Put the guard on as the variable says. Where that cannot be done the program goes on, but whoever set the
    variable wants no unguarded calls: those that start something are refused, and both is said.
    """
    text = os.environ.get(VARIABLE, "")
    if is_off(text) or is_opskits_own(sys.orig_argv):
        return
    try:
        import opskit

        opskit.guard(**parse_variable(text), first_look=False)  # type: ignore[arg-type]
    except Exception as error:  # whatever it is, the program that starts is not the one to suffer from it
        _refuse_all(error)


def _refuse_all(error: Exception) -> None:
    why = " ".join(str(error).split())
    try:
        from opskit.guards.python import refuse_every_start

        refuse_every_start(why, f"Set {VARIABLE} so that it can be understood, or to 0 to run without the guard.")
    except Exception as other:  # this botocore, or this opskit, cannot be used at all
        sys.stderr.write(f"The guard of SageMaker calls is off: {why} ({other})\n")
        return
    sys.stderr.write(f"SageMaker calls that start something are refused in this program: {why}\n")


start_from_environment()
