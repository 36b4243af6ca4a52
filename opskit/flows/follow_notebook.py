"""Wait until a notebook instance that comes up is in service, or has failed."""

from __future__ import annotations

from datetime import timedelta

from opskit.aws import Door
from opskit.decide.refusals import notebook_failed
from opskit.errors import AwsFailure, Unreadable
from opskit.flows.clock import Clock
from opskit.flows.events import Remark, Tell
from opskit.flows.follow import looks
from opskit.left_running import Kind, Running
from opskit.model import Notebook
from opskit.observe.notebooks import notebook as read_notebook

_LONGEST = timedelta(minutes=30)
"""As long as AWS's own waiter (NotebookInstanceInService) waits."""

COMING_UP = {"Pending", "Updating", "PendingMaintenance", "InMaintenance"}
"""Statuses that lead to InService by themselves."""


def until_in_service(door: Door, name: str, clock: Clock, tell: Tell) -> Notebook:
    """Watch a notebook instance until it is in service.

    Raises:
        AwsFailure: it failed, is being stopped or deleted, or cannot be looked at any more.
        Unreadable: it has not come up for half an hour.
    """
    until, said = clock.now() + _LONGEST, ""
    door.left_running.note_running(Running(Kind.NOTEBOOK, name, door.region, sure=True))
    for found in looks(lambda: read_notebook(door, name), clock, tell):
        _note_notebook(door, name, found.status if found else None)
        if found is None:
            raise AwsFailure("vanished", f"The notebook instance {name} is not there any more.", region=door.region)
        if found.status == "InService":
            return found
        if found.status not in COMING_UP:
            raise notebook_failed(found)
        if found.status != said:
            tell(Remark(f"{name}: {found.status}"))
        said = found.status
        if clock.now() > until:
            text = f"The notebook instance {name} is still {found.status} after 30 minutes."
            raise Unreadable("still-coming-up", text, "`opskit notebook list` shows it.", region=door.region)
    raise AssertionError("unreachable")


def _note_notebook(door: Door, name: str, status: str | None) -> None:
    """Note whether a notebook instance that was seen so, or not at all (None), is one that somebody has to stop."""
    if status == "InService" or status in COMING_UP:
        reached = status == "InService"
        door.left_running.note_running(Running(Kind.NOTEBOOK, name, door.region, sure=True, reached=reached))
    else:
        door.left_running.note_ended(Kind.NOTEBOOK, name, door.region)
