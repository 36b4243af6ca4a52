"""``opskit settings``: every value, and where it came from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opskit.cli.app import app
from opskit.cli.command import Here, command
from opskit.settings import places

if TYPE_CHECKING:
    from opskit.show.answer import Answer


@command(app, "settings")
def settings(here: Here) -> Answer:
    """Show each setting, and where it came from.

    That is a flag, a variable, a file, or the default.
    """
    from opskit.flows.settings import everything
    from opskit.show.settings import answer_of

    return answer_of(everything(here.settings), here.settings.file, places(os.environ))
