"""``opskit doctor``: what is well, what is not, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.cli.app import app
from opskit.cli.command import Here, command

if TYPE_CHECKING:
    from opskit.show.answer import Answer


@command(app, "doctor")
def doctor(here: Here) -> Answer:
    """Look who you are, what you may do, and whether all is well.

    Looks at Region, permissions, Support plan and this machine: tries harmless reads, asks IAM's simulator about the
    rest, and changes nothing.
    """
    from opskit.flows.clock import system_clock
    from opskit.flows.doctor import check_up
    from opskit.show.doctor import answer_of

    with here.screen.waiting("looking"):
        return answer_of(check_up(here.settings, here.connection, system_clock()))
