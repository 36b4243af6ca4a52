"""Puts the guard on when it is imported, which a start-up file of Python's does where OPSKIT_GUARD is set."""

from __future__ import annotations

import os
import sys

from opskit.guards.rules.start_hooks import VARIABLE, is_off, is_opskits_own, parse_variable


def start_from_environment() -> None:
    """Put the guard on as the variable says. What keeps it from that is said, and the program goes on without it."""
    text = os.environ.get(VARIABLE, "")
    if is_off(text) or is_opskits_own(sys.orig_argv):
        return
    try:
        import opskit

        opskit.guard(**parse_variable(text), first_look=False)  # type: ignore[arg-type]
    except Exception as error:  # whatever it is, the program that starts is not the one to suffer from it
        sys.stderr.write(f"The guard of SageMaker calls is off: {error}\n")


start_from_environment()
