"""Raises the quotas that a run lacks: requests increases and, if the user asked for it, waits until they are in
effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.events import EventSink, Message
from opskit.increases.flows.plan import plan_increases
from opskit.increases.flows.submit import submit_increases
from opskit.increases.flows.wait import wait_for_targets
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseTarget, increase_targets, wait_targets
from opskit.quotas.rules.headroom import QuotaCheck

# As long as `quotas wait` waits by default.
_MAX_WAIT = timedelta(hours=72)


def raise_quotas(
    client: AwsClient, check: QuotaCheck, why: str, clock: Clock, emit: EventSink, *, request_increase: bool, wait: bool
) -> tuple[Increase, ...]:
    """Request what is short (``request_increase``) and wait until the values suffice (``wait``); returns the increases.
    Whether the run then fits is for another check to decide.

    Raises:
        AwsError: STS could not be read.
    """
    increases = (
        _submit_targets(client, increase_targets(check), why, clock, emit, wait=wait) if request_increase else ()
    )
    if wait and not any(increase.outcome.is_refused for increase in increases):
        _wait_for_values(client, wait_targets(check), clock, emit)
    return increases


def _submit_targets(
    client: AwsClient, targets: Sequence[IncreaseTarget], why: str, clock: Clock, emit: EventSink, *, wait: bool
) -> tuple[Increase, ...]:
    """Submit the increases; with ``wait`` the rest too, once AWS takes more."""
    done: list[Increase] = []
    while True:
        plans = plan_increases([client], targets, Channel.AUTO, clock.now())
        increases = submit_increases([client], plans, why, clock, lambda text: emit(Message(text)))
        for increase in increases:
            emit(Message(f"{increase.quota_name} to {increase.target.value:g}: {increase.outcome}. {increase.reason}"))
        queued = [increase for increase in increases if increase.outcome.is_queued]
        open_targets = [increase.target for increase in increases if increase.outcome.is_open]
        if not (wait and queued and open_targets):
            return (*done, *increases)
        # AWS limits the number of open requests: the queued ones come again in the next round, when some have been
        # decided.
        done += [increase for increase in increases if increase not in queued]
        _wait_for_values(client, open_targets, clock, emit)
        targets = [increase.target for increase in queued]


def _wait_for_values(client: AwsClient, targets: Sequence[IncreaseTarget], clock: Clock, emit: EventSink) -> None:
    if targets:
        wait_for_targets([client], targets, _MAX_WAIT, lambda text: emit(Message(text)), clock)
