"""Wait until a notebook instance that comes up is in service, or has failed; and why it failed: AWS's reason, and where
that is a lifecycle script, its log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.polling import AWS_WAITER_MINUTES, poll_until_done
from opskit.core.clock import Clock
from opskit.core.events import EventSink, Message
from opskit.core.exceptions import AwsError, UnreadableState
from opskit.core.live_resources import LiveResource, ResourceKind
from opskit.core.model import Notebook
from opskit.explain.rules.aws_errors import is_script_failure, notebook_failure
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection
from opskit.notebooks.reads.jupyter_log import read_script_line
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.start import describe_script_log, start_progress


def read_notebook_failure(client: AwsClient, notebook: Notebook) -> AwsError:
    """Why a notebook instance as it was described is not in service, as the error to raise or to show. Where its
    lifecycle script failed, the script's log is read for it; a log that cannot be read is said in the error.
    """
    return notebook_failure(notebook, _read_script_log(client, notebook))


def explain_failures(inspection: Inspection) -> Inspection:
    """The same with the reason of each that failed, which no listing tells: a call for each. What cannot be read is
    said in the reason.
    """
    return replace(inspection, notebooks=tuple(_explain_all(inspection.notebooks)))


def _explain_all(notebooks: Sequence[InspectedNotebook]) -> list[InspectedNotebook]:
    return gather_all([partial(_explain_failure, each) for each in notebooks])


def _explain_failure(seen: InspectedNotebook) -> InspectedNotebook:
    if not seen.notebook.traits.has_failed:
        return seen
    try:
        described = read_notebook(seen.client, seen.notebook.name)
    except AwsError as failure:
        return _with_reason(seen, f"why could not be read: {failure.problem.message}")
    if described is None or described.failure is None:
        return seen
    script_log = _read_script_log(seen.client, described)
    return _with_reason(seen, " ".join(filter(None, (described.failure, script_log))))


def _with_reason(seen: InspectedNotebook, reason: str) -> InspectedNotebook:
    assessment = replace(seen.assessment, reason=f"{seen.assessment.reason}: {reason}")
    return replace(seen, assessment=assessment)


def _read_script_log(client: AwsClient, notebook: Notebook) -> str:
    """What its lifecycle script wrote last, and where; empty where no script failed."""
    if not is_script_failure(notebook.failure):
        return ""
    return describe_script_log(*read_script_line(client, notebook.name))


# So many looks, at first one a second, may find it not there, or Stopped: AWS shows what was just made or started
# only after some seconds.
_NOT_YET_POLLS = 20


def wait_in_service(client: AwsClient, name: str, clock: Clock, emit: EventSink) -> Notebook:
    """Watch a notebook instance until it is in service.

    Raises:
        AwsError: it failed, is being stopped or deleted, or cannot be looked at any more.
        UnreadableState: it has not come up for half an hour.
    """
    until, said = clock.now() + timedelta(minutes=AWS_WAITER_MINUTES), ""
    client.live_resources.note_running(LiveResource(ResourceKind.NOTEBOOK, name, client.region, confirmed=True))
    for poll, found in enumerate(poll_until_done(lambda: read_notebook(client, name), clock, emit)):
        if poll < _NOT_YET_POLLS and not start_progress(None, found).is_visible:
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
    """Note whether a notebook instance as it was seen, or not there at all (None), is one that somebody has to stop. In
    a status that AWS adds later it may be.
    """
    live = client.live_resources
    if found is None or not found.traits.may_need_stop:
        live.note_ended(ResourceKind.NOTEBOOK, name, client.region)
        return
    confirmed, reached = found.traits.runs_or_will, found.traits.is_in_service
    live.note_running(LiveResource(ResourceKind.NOTEBOOK, name, client.region, confirmed=confirmed, reached=reached))
