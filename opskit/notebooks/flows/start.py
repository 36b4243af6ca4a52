"""Start notebooks by name: look, see whether there is room, start what fits, each with an outcome of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from opskit.aws.adaptive_pacing import AdaptivePacer, send_until_accepted
from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once
from opskit.aws.gather import gather_all
from opskit.aws.prices import read_workload_price
from opskit.core.clock import Clock
from opskit.core.events import EventSink
from opskit.core.exceptions import AwsError, GuardRefused, OpskitError, OutcomeUnknown
from opskit.core.live_resources import ResourceKind
from opskit.core.model import Notebook, Price, Requirement, Unknown, Workload
from opskit.core.result_or_error import result_or_error
from opskit.explain.rules.aws_errors import enrich_start_error
from opskit.notebooks.changes import notebooks as changes
from opskit.notebooks.flows.wait import wait_in_service
from opskit.notebooks.reads.notebooks import get_notebook, read_notebook
from opskit.notebooks.rules.actions import NotebookAction
from opskit.notebooks.rules.capacity import allocate_capacity
from opskit.quotas.flows.check import check_quotas
from opskit.state.journal import mark_done


class StartOutcome(StrEnum):
    """What became of a start."""

    PLANNED = "planned"
    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_planned(self) -> bool:
        """Whether it is yet to be started."""
        match self:
            case StartOutcome.PLANNED:
                return True
            case StartOutcome.DONE | StartOutcome.ALREADY | StartOutcome.REFUSED | StartOutcome.UNKNOWN:
                return False

    @property
    def comes_up(self) -> bool:
        """Whether it is on its way to be in service."""
        match self:
            case StartOutcome.DONE | StartOutcome.ALREADY:
                return True
            case StartOutcome.PLANNED | StartOutcome.REFUSED | StartOutcome.UNKNOWN:
                return False


@dataclass(frozen=True)
class StartAction:
    """One notebook that was named. ``notebook`` None: it is not there, or could not be read; ``error`` is why it is
    not running.
    """

    name: str
    notebook: Notebook | None
    outcome: StartOutcome
    error: OpskitError | None = None
    price: Price | Unknown | None = None


def plan_starts(client: AwsClient, names: Sequence[str], clock: Clock, *, guard: bool = True) -> list[StartAction]:
    """See which of the named can be started, and which there is room for. A stopped notebook holds no quota, so each
    start needs some.
    """
    named = list(dict.fromkeys(names))
    looks = gather_all([partial(result_or_error, partial(get_notebook, client, name)) for name in named])
    starts = [_plan_start(name, look) for name, look in zip(named, looks, strict=True)]
    instance_types = [start.notebook.instance_type for start in starts if start.notebook and start.outcome.is_planned]
    if not instance_types:
        return starts
    prices = _read_type_prices(client, instance_types)
    room = iter(_capacity_errors(client, instance_types, clock) if guard else [None] * len(instance_types))
    return [_assess_start(start, next(room), prices) if start.outcome.is_planned else start for start in starts]


def start_notebooks(client: AwsClient, plan: Sequence[StartAction], clock: Clock) -> list[StartAction]:
    """Start what is planned; one that fails does not hinder the others."""
    pace = AdaptivePacer(clock)
    return gather_all([partial(_start_notebook, client, start, clock, pace) for start in plan])


def wait_for_all(client: AwsClient, starts: Sequence[StartAction], clock: Clock, emit: EventSink) -> list[StartAction]:
    """The same once each that comes up is in service, or cannot come to be."""
    return [_wait_for_start(client, start, clock, emit) for start in starts]


def _plan_start(name: str, look: Notebook | OpskitError) -> StartAction:
    if isinstance(look, OpskitError):
        return StartAction(name, None, StartOutcome.REFUSED, look)
    if look.traits.can_start:
        return StartAction(name, look, StartOutcome.PLANNED)
    if look.traits.is_in_service or look.traits.comes_up:
        return StartAction(name, look, StartOutcome.ALREADY)
    hint = "Start it when it is Stopped." if look.traits.becomes_stopped else ""
    text = f"The notebook instance {name} is {look.status}, and AWS starts only what is Stopped or Failed."
    return StartAction(name, look, StartOutcome.REFUSED, GuardRefused("cannot-start", text, hint, region=look.region))


def _capacity_errors(client: AwsClient, instance_types: Sequence[str], clock: Clock) -> list[OpskitError | None]:
    requirements = [
        Requirement(instance_type, Workload.NOTEBOOK, count) for instance_type, count in Counter(instance_types).items()
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
    if not start.outcome.is_planned:
        return start
    outcomes: list[StartOutcome] = []
    try:
        create_once(
            lambda: outcomes.append(_send_start(client, start.name, pace)),
            partial(_is_started, client, start.name),
            clock,
            partial(mark_done, client, NotebookAction.START, start.name, "it comes up"),
        )
    except OutcomeUnknown as failure:
        return replace(start, outcome=StartOutcome.UNKNOWN, error=failure)
    except AwsError as failure:
        return replace(start, outcome=StartOutcome.REFUSED, error=enrich_start_error(failure))
    client.left_running.note_reached(ResourceKind.NOTEBOOK, start.name, client.region)
    seen = result_or_error(partial(get_notebook, client, start.name))
    outcome = outcomes[0] if outcomes else StartOutcome.DONE  # none: what was lost or refused is there all the same
    return replace(start, outcome=outcome, notebook=start.notebook if isinstance(seen, OpskitError) else seen)


def _send_start(client: AwsClient, name: str, pace: AdaptivePacer) -> StartOutcome:
    """Send a start. While AWS asks to slow down somebody else may start it, so it is looked at before it is sent again.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with changes.prepare_start(client, name) as intent:

        def attempt() -> StartOutcome:
            if pace.was_throttled and _is_started(client, name):
                intent.error = "it comes up already"
                return StartOutcome.ALREADY
            intent.send_change()
            return StartOutcome.DONE

        return send_until_accepted(pace, attempt)


def _is_started(client: AwsClient, name: str) -> bool:
    found = read_notebook(client, name)
    return found is not None and (found.traits.is_in_service or found.traits.comes_up)


def _wait_for_start(client: AwsClient, start: StartAction, clock: Clock, emit: EventSink) -> StartAction:
    if not start.outcome.comes_up:
        return start
    try:
        return replace(start, notebook=wait_in_service(client, start.name, clock, emit))
    except OpskitError as error:
        seen = result_or_error(partial(get_notebook, client, start.name))
        return replace(start, error=error, notebook=start.notebook if isinstance(seen, OpskitError) else seen)
