"""Wait until a notebook instance that comes up is in service, or has failed."""

from __future__ import annotations

from datetime import timedelta

from opskit.aws.client import AwsClient
from opskit.aws.polling import AWS_WAITER_MINUTES, poll_until_done
from opskit.core.clock import Clock
from opskit.core.events import EventSink, Message
from opskit.core.exceptions import AwsError, UnreadableState
from opskit.core.live_resources import LiveResource, ResourceKind
from opskit.core.model import Notebook
from opskit.notebooks.flows.failure import read_notebook_failure
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.start import start_progress

# So many looks, at first one a second, may find it not there, or Stopped: AWS shows what was just made or started
# only after some seconds.
_NOT_YET_LOOKS = 20


def wait_in_service(client: AwsClient, name: str, clock: Clock, emit: EventSink) -> Notebook:
    """Watch a notebook instance until it is in service.

    Raises:
        AwsError: it failed, is being stopped or deleted, or cannot be looked at any more.
        UnreadableState: it has not come up for half an hour.
    """
    until, said = clock.now() + timedelta(minutes=AWS_WAITER_MINUTES), ""
    client.left_running.note_running(LiveResource(ResourceKind.NOTEBOOK, name, client.region, confirmed=True))
    for look, found in enumerate(poll_until_done(lambda: read_notebook(client, name), clock, emit)):
        if look < _NOT_YET_LOOKS and not start_progress(None, found).is_visible:
            continue
        _note_notebook(client, name, found)
        if found is None:
            raise AwsError("vanished", f"The notebook instance {name} is not there any more.", region=client.region)
        if found.traits.is_in_service:
            return found
        if not found.traits.comes_up:
            raise read_notebook_failure(client, found)
        if found.status != said:
            emit(Message(f"{name}: {found.status}"))
        said = found.status
        if clock.now() > until:
            text = f"The notebook instance {name} is still {found.status} after {AWS_WAITER_MINUTES} minutes."
            raise UnreadableState("still-coming-up", text, "`opskit notebook list` shows it.", region=client.region)
    raise AssertionError("unreachable")


def _note_notebook(client: AwsClient, name: str, found: Notebook | None) -> None:
    """Note whether a notebook instance as it was seen, or not there at all (None), is one that somebody has to stop."""
    if found is not None and (found.traits.is_in_service or found.traits.comes_up):
        reached = found.traits.is_in_service
        client.left_running.note_running(
            LiveResource(ResourceKind.NOTEBOOK, name, client.region, confirmed=True, reached=reached)
        )
    else:
        client.left_running.note_ended(ResourceKind.NOTEBOOK, name, client.region)
