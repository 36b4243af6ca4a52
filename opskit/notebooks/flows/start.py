"""Start notebooks by name: look, see whether there is room, start what fits, each with an outcome of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.pacing import AdaptivePacer
from opskit.aws.prices import read_workload_price
from opskit.core.clock import Clock
from opskit.core.events import EventSink
from opskit.core.exceptions import AwsError, GuardRefused, OpskitError, OutcomeUnknown
from opskit.core.live_resources import ResourceKind
from opskit.core.model import Notebook, Price, Requirement, Unknown, Workload
from opskit.core.result_or_error import result_or_error
from opskit.explain.rules.aws_errors import explain_start_error
from opskit.notebooks.flows.send_start import send_start
from opskit.notebooks.flows.wait import read_notebook_failure, wait_in_service
from opskit.notebooks.reads.notebooks import get_notebook
from opskit.notebooks.rules.start import StartOutcome, allocate_capacity
from opskit.quotas.flows.check import check_quotas


@dataclass(frozen=True)
class StartAction:
    """One notebook that was named. ``notebook`` None: it was not seen, and ``error`` says why; otherwise ``error`` is
    why it is not running (None: nothing stands in its way). ``price`` None: none was asked for, since no start was due.
    """

    name: str
    notebook: Notebook | None
    outcome: StartOutcome
    error: OpskitError | None = None
    price: Price | Unknown | None = None


def plan_starts(client: AwsClient, names: Sequence[str], clock: Clock, *, guard: bool = True) -> list[StartAction]:
    """See which of the named can be started, and which there is room for. A stopped notebook holds no quota, so each
    start needs some. One that is not there, cannot be read or has no room is a refused start with its error; ``guard``
    False: the quotas are not looked at.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    named = list(dict.fromkeys(names))
    notebooks = gather_all([partial(result_or_error, partial(get_notebook, client, name)) for name in named])
    starts = [_plan_start(name, notebook) for name, notebook in zip(named, notebooks, strict=True)]
    instance_types = [start.notebook.instance_type for start in starts if start.notebook and start.outcome.is_planned]
    if not instance_types:
        return starts
    prices = _read_type_prices(client, instance_types)
    room = iter(_capacity_errors(client, instance_types, clock) if guard else [None] * len(instance_types))
    return [_assess_start(start, next(room), prices) if start.outcome.is_planned else start for start in starts]


def start_notebooks(client: AwsClient, plan: Sequence[StartAction], clock: Clock) -> list[StartAction]:
    """Start what is planned; one that fails does not hinder the others. A refusal of AWS's and a lost answer are in the
    result, not raised. Each is looked at for up to 30 seconds until its start shows.
    """
    pace = AdaptivePacer(clock)
    return gather_all([partial(_start_notebook, client, start, clock, pace) for start in plan])


def wait_for_all(client: AwsClient, starts: Sequence[StartAction], clock: Clock, emit: EventSink) -> list[StartAction]:
    """The same once each that comes up is in service, or cannot come to be. Waits up to 30 minutes for each; why one
    failed is in the result.
    """
    return [_wait_for_start(client, start, clock, emit) for start in starts]


def _plan_start(name: str, notebook: Notebook | OpskitError) -> StartAction:
    if isinstance(notebook, OpskitError):
        return StartAction(name, None, StartOutcome.REFUSED, notebook)
    if notebook.traits.can_start:
        return StartAction(name, notebook, StartOutcome.PLANNED)
    if notebook.traits.is_in_service or notebook.traits.comes_up:
        return StartAction(name, notebook, StartOutcome.ALREADY)
    hint = "Start it when it is Stopped." if notebook.traits.becomes_stopped else ""
    text = f"The notebook instance {name} is {notebook.status}, and AWS starts only what is Stopped or Failed."
    return StartAction(
        name, notebook, StartOutcome.REFUSED, GuardRefused("cannot-start", text, hint, region=notebook.region)
    )


def _capacity_errors(client: AwsClient, instance_types: Sequence[str], clock: Clock) -> list[OpskitError | None]:
    requirements = [
        Requirement(instance_type, Workload.NOTEBOOK, count, already_made=True)
        for instance_type, count in Counter(instance_types).items()
    ]
    return allocate_capacity(check_quotas([client], requirements, clock.now()), instance_types, client.region)


def _read_type_prices(client: AwsClient, instance_types: Sequence[str]) -> dict[str, Price | Unknown]:
    once = list(dict.fromkeys(instance_types))
    return dict(
        zip(
            once,
            gather_all(
                [partial(read_workload_price, client, instance_type, Workload.NOTEBOOK) for instance_type in once]
            ),
            strict=True,
        )
    )


def _assess_start(start: StartAction, error: OpskitError | None, prices: dict[str, Price | Unknown]) -> StartAction:
    price = prices[start.notebook.instance_type] if start.notebook else None
    outcome = StartOutcome.REFUSED if error else StartOutcome.PLANNED
    return replace(start, outcome=outcome, error=error, price=price)


def _start_notebook(client: AwsClient, start: StartAction, clock: Clock, pace: AdaptivePacer) -> StartAction:
    if not start.outcome.is_planned or start.notebook is None:
        return start
    try:
        outcome, seen = send_start(client, start.name, start.notebook, clock, pace)
    except OutcomeUnknown as failure:
        return replace(start, outcome=StartOutcome.UNKNOWN, error=failure)
    except AwsError as failure:
        return replace(start, outcome=StartOutcome.REFUSED, error=explain_start_error(failure))
    if seen is not None and seen.traits.has_failed:
        client.live_resources.note_ended(ResourceKind.NOTEBOOK, start.name, client.region)
        return replace(start, outcome=outcome, notebook=seen, error=read_notebook_failure(client, seen))
    client.live_resources.note_reached(ResourceKind.NOTEBOOK, start.name, client.region)
    return replace(start, outcome=outcome, notebook=seen or start.notebook)


def _wait_for_start(client: AwsClient, start: StartAction, clock: Clock, emit: EventSink) -> StartAction:
    if not start.outcome.comes_up:
        return start
    try:
        return replace(start, notebook=wait_in_service(client, start.name, clock, emit))
    except OpskitError as error:
        seen = result_or_error(partial(get_notebook, client, start.name))
        notebook = start.notebook if isinstance(seen, OpskitError) else seen
        failed = notebook is not None and notebook.traits.has_failed
        return replace(start, error=error, notebook=notebook, outcome=StartOutcome.FAILED if failed else start.outcome)
