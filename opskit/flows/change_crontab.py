"""Change the user's crontab: read, edit, write only what differs, and see that it is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opskit.errors import UsageProblem
from opskit.state import crontab
from opskit.state.lock import alone


@dataclass(frozen=True)
class Change:
    """A crontab before and after. ``done``: it was written, and read back as it was meant."""

    before: bytes
    after: bytes
    done: bool


def change_crontab(edit: Callable[[bytes], bytes], *, dry_run: bool) -> Change:
    """Edit the crontab.

    Raises:
        UsageProblem: there is no cron, or it does not take what was written.
    """
    with alone("crontab", busy=lambda: None):
        before = crontab.read()
        after = edit(before)
        if dry_run or after == before:
            return Change(before, after, done=False)
        crontab.write(after)
        if crontab.read() != after:
            text = "The crontab is not what was written into it: somebody else may be changing it."
            raise UsageProblem("crontab-differs", text, "Look at it with `crontab -l`, and run this again.")
        return Change(before, after, done=True)
