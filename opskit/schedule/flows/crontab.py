"""Changes the user's crontab: reads it, edits it, writes it only if it differs, and reads it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opskit.core.exceptions import UsageError
from opskit.schedule.store import crontab
from opskit.state.store import FileLocks


@dataclass(frozen=True)
class CrontabChange:
    """A crontab before and after. ``written``: it was written, and read back as it was meant."""

    before: bytes
    after: bytes
    written: bool


def change_crontab(edit: Callable[[bytes], bytes], *, dry_run: bool) -> CrontabChange:
    """Edit the crontab.

    Raises:
        UsageError: there is no cron, or it does not take what was written.
    """
    # cron has no compare-and-swap: two opskit runs that read the same crontab would lose one another's lines.
    with FileLocks().hold_lock("crontab", on_wait=lambda: None):
        before = crontab.read_crontab()
        after = edit(before)
        if dry_run or after == before:
            return CrontabChange(before, after, written=False)
        crontab.write_crontab(after)
        # The lock does not keep other programs (`crontab -e`) away, so only a second read shows what is there now.
        if crontab.read_crontab() != after:
            text = "The crontab is not what was written into it: somebody else may be changing it."
            raise UsageError("crontab-differs", text, "Look at it with `crontab -l`, and run this again.")
        return CrontabChange(before, after, written=True)
