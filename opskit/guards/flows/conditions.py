"""Checks quotas and budget for a command that is not opskit's, as ``quotas check`` does, and waits for free quota if
requested.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.polling import PollSchedule, poll
from opskit.aws.prices import read_workload_price
from opskit.core.clock import Clock
from opskit.core.cost import CostItem
from opskit.core.exceptions import AwsError, CredentialsError, OpskitError, UsageError
from opskit.core.model import InstanceConfig, Requirement
from opskit.guards.rules.refusals import (
    COMMAND_HINTS,
    budget_error,
    can_resolve,
    describe_blockers,
    is_transient_unknown,
    quota_refusal,
)
from opskit.quotas.flows.check import check_quotas
from opskit.quotas.rules.headroom import QuotaCheck

# Somebody waits at the terminal, so frequent at first; each read costs a quota call per type at 5 calls a second.
_SCHEDULE = PollSchedule(first=2.0, growth=1.5, longest=60.0)


@dataclass(frozen=True)
class GuardConditions:
    """What must hold before a command may run. ``seconds`` is the maximum run time of its instances; None: unknown, and
    then no cost can be estimated. ``max_usd`` None: there is no budget. ``wait`` is how long to wait for free quota.
    """

    requirements: tuple[Requirement, ...]
    seconds: int | None = None
    max_usd: Decimal | None = None
    wait: timedelta = timedelta(0)


@dataclass(frozen=True)
class GuardResult:
    """The result of the checks; the command may run if ``blockers`` is empty."""

    check: QuotaCheck
    parts: tuple[CostItem, ...]
    blockers: tuple[OpskitError, ...]


def check_conditions(
    client: AwsClient, conditions: GuardConditions, clock: Clock, emit: Callable[[str], None]
) -> GuardResult:
    """Check quotas and budget, and wait for free quota as long as the conditions allow.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    check, parts = gather(
        partial(_read_quota_check, client, conditions, clock), partial(gather_all, _price_readers(client, conditions))
    )
    # Before the wait: no amount of free quota makes a run cheaper, so waiting for it would be in vain.
    money = budget_error(parts, conditions.max_usd)
    if money is None:
        check = _await_headroom(client, conditions, check, clock, emit)
    errors = (quota_refusal(check, COMMAND_HINTS), money)
    return GuardResult(check, tuple(parts), tuple(opskit_error for opskit_error in errors if opskit_error))


def _read_quota_check(client: AwsClient, conditions: GuardConditions, clock: Clock) -> QuotaCheck:
    return check_quotas([client], conditions.requirements, clock.now())


def _price_readers(client: AwsClient, conditions: GuardConditions) -> list[partial[CostItem]]:
    if conditions.seconds is None:
        return []
    return [
        partial(_read_cost_item, client, requirement, conditions.seconds) for requirement in conditions.requirements
    ]


def _read_cost_item(client: AwsClient, requirement: Requirement, seconds: int) -> CostItem:
    instance_type = str(requirement.instance_type)
    return CostItem(
        requirement.workload,
        InstanceConfig(instance_type, requirement.count, seconds),
        read_workload_price(client, instance_type, requirement.workload),
    )


def _await_headroom(
    client: AwsClient, conditions: GuardConditions, first: QuotaCheck, clock: Clock, emit: Callable[[str], None]
) -> QuotaCheck:
    """Read until the quota suffices, a refusal is final, or the time is over."""
    check, until, last_text = first, clock.now() + conditions.wait, ""

    def check_again() -> QuotaCheck:
        return _check_again(client, conditions, check, clock)

    for latest in poll(check_again, clock, _SCHEDULE, until=until, first=first):
        check = latest
        # What is unknown at the first read is not waited for: it may be a missing permission. Later it may be
        # transient.
        waits = can_resolve(check) or (check is not first and is_transient_unknown(check))
        if not waits or clock.now() >= until:
            break
        if last_text != (last_text := describe_blockers(check)):
            emit(f"No room yet. {last_text}")
    return check


def _check_again(client: AwsClient, conditions: GuardConditions, previous: QuotaCheck, clock: Clock) -> QuotaCheck:
    """Check again."""
    # Somebody may have signed in since: credentials that AWS no longer accepts are looked up again.
    if previous.all_auth_failed:
        _reload_sessions(client)
    try:
        return _read_quota_check(client, conditions, clock)
    except CredentialsError:
        _reload_sessions(client)
        return previous


def _reload_sessions(client: AwsClient) -> None:
    with suppress(AwsError, UsageError):  # the next check reports what is wrong
        client.session.reload_credentials()
