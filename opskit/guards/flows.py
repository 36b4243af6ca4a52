"""Is there room, and money, for a command that is not ours? Looked at as ``quotas check`` does, and where that was
asked for again and again until there is.
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
from opskit.guards.rules import (
    COMMAND_HINTS,
    budget_error,
    can_resolve,
    describe_blockers,
    is_transient_unknown,
    quota_refusal,
)
from opskit.quotas.flows.check import check_quotas
from opskit.quotas.rules.headroom import QuotaCheck

_SCHEDULE = PollSchedule(first=2.0, growth=1.5, longest=60.0)


@dataclass(frozen=True)
class GuardConditions:
    """What must be true before a command may run. ``seconds`` is how long its instances may: None when nobody said,
    and then no cost can be told. ``wait`` is how long room is waited for.
    """

    requirements: tuple[Requirement, ...]
    seconds: int | None = None
    max_usd: Decimal | None = None
    wait: timedelta = timedelta(0)


@dataclass(frozen=True)
class GuardResult:
    """What was seen; the command may run when nothing is ``blockers``."""

    check: QuotaCheck
    parts: tuple[CostItem, ...]
    blockers: tuple[OpskitError, ...]


def check_conditions(
    client: AwsClient, terms: GuardConditions, clock: Clock, emit: Callable[[str], None]
) -> GuardResult:
    """Look at quotas and money, and wait for room as long as the terms allow.

    Raises:
        CredentialsError: there are none to ask with.
    """
    check, parts = gather(
        partial(_read_quota_check, client, terms, clock), partial(gather_all, _price_readers(client, terms))
    )
    money = budget_error(parts, terms.max_usd)
    if money is None:
        check = _await_headroom(client, terms, check, clock, emit)
    ways = (quota_refusal(check, COMMAND_HINTS), money)
    return GuardResult(check, tuple(parts), tuple(opskit_error for opskit_error in ways if opskit_error))


def _read_quota_check(client: AwsClient, terms: GuardConditions, clock: Clock) -> QuotaCheck:
    return check_quotas([client], terms.requirements, clock.now())


def _price_readers(client: AwsClient, terms: GuardConditions) -> list[partial[CostItem]]:
    if terms.seconds is None:
        return []
    return [partial(_read_cost_item, client, requirement, terms.seconds) for requirement in terms.requirements]


def _read_cost_item(client: AwsClient, requirement: Requirement, seconds: int) -> CostItem:
    instance_type = str(requirement.instance_type)
    return CostItem(
        requirement.workload,
        InstanceConfig(instance_type, requirement.count, seconds),
        read_workload_price(client, instance_type, requirement.workload),
    )


def _await_headroom(
    client: AwsClient, terms: GuardConditions, first: QuotaCheck, clock: Clock, emit: Callable[[str], None]
) -> QuotaCheck:
    """The last look: at room, at a no that will stay one, or at the end of the patience. What cannot be told at
    first sight is not waited for; later it may be a passing cloud.
    """
    check, until, told = first, clock.now() + terms.wait, ""

    def check_again() -> QuotaCheck:
        return _check_again(client, terms, check, clock)

    for latest in poll(check_again, clock, _SCHEDULE, until=until, first=first):
        check = latest
        waits = can_resolve(check) or (check is not first and is_transient_unknown(check))
        if not waits or clock.now() >= until:
            break
        if told != (told := describe_blockers(check)):
            emit(f"No room yet. {told}")
    return check


def _check_again(client: AwsClient, terms: GuardConditions, before: QuotaCheck, clock: Clock) -> QuotaCheck:
    """Another look. Credentials that AWS no longer takes are looked for anew: somebody may have signed in."""
    if before.all_auth_failed:
        _reload_sessions(client)
    try:
        return _read_quota_check(client, terms, clock)
    except CredentialsError:
        _reload_sessions(client)
        return before


def _reload_sessions(client: AwsClient) -> None:
    with suppress(AwsError, UsageError):  # the next look says what is wrong
        client.session.reload_credentials()
