"""Endpoints that are stopped and brought back again and again, on an AWS that throttles writes, loses them, takes them
and answers 500, tells tags late, and with opskit killed right before or after any write: whatever the order, there is
always the endpoint or the whole record, none is made twice, and in the end everything is as it was.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession
from opskit.core.exceptions import OpskitError
from opskit.core.stop_outcome import StopOutcome
from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
from opskit.endpoints.flows.start import plan_endpoint_start, start_endpoint
from opskit.endpoints.flows.stop import execute_endpoint_stops
from opskit.endpoints.flows.stop_plan import EndpointStopPolicy, plan_endpoint_stops
from opskit.endpoints.rules.idleness import EndpointPolicy
from opskit.endpoints.rules.restore_record import is_record_key, unpack_record
from opskit.endpoints.rules.start_plan import StartOutcome
from tests.fakes.account import in_memory
from tests.fakes.endpoint_account import EndpointAccount, Killed
from tests.fakes.random_account import random_account
from tests.fakes.stubbed_client import REGION, shared_clients
from tests.seeds import few_of_many

NAME = "prices"
TERMS = EndpointStopPolicy(EndpointPolicy())
# One variant whose scaling AWS forgets with the endpoint, so that every kind of write is made.
_ONE_SCALED_VARIANT = 3
# A life with more faults than that in a row would be no life.
_MAX_TRIES = 60


def client_of() -> AwsClient:
    return AwsSession(shared_clients(), REGION).client()


def shape(account: EndpointAccount) -> dict[str, Any]:
    """Everything that a stop and a start must leave as it was."""
    endpoint = account.endpoints[NAME]
    scaling = {
        part: {
            key: {name: value for name, value in held.items() if name != "CreationTime"} for key, held in each.items()
        }
        for part, each in account.scaling.items()
    }
    return {
        "status": endpoint.steps[-1],
        "variants": [(each.name, each.count, each.weight) for each in endpoint.variants],
        "tags": dict(endpoint.tags),
        "scaling": copy.deepcopy(scaling),
        "config tags": dict(account.configs[endpoint.config].tags),
    }


def assert_not_lost(account: EndpointAccount, wanted: dict[str, Any]) -> None:
    """There is the endpoint, or all that brings it back."""
    endpoint = account.endpoints.get(NAME)
    if endpoint is not None and "gone" not in endpoint.steps and endpoint.created < account_start(account):
        return
    config = account.configs[f"{NAME}-config"]
    record = unpack_record(config.tags, config.arn)
    if record is not None:
        assert [(each.name, each.count, each.weight) for each in record.variants] == wanted["variants"]
        assert record.tags == wanted["tags"]
        return
    assert endpoint is not None
    assert shape(account) == wanted


def account_start(account: EndpointAccount) -> Any:
    return account.now() - timedelta(seconds=account.seconds)


def stop_once(account: EndpointAccount, client: AwsClient) -> bool:
    """One run of the command; whether the endpoint is stopped."""
    clock = account.clock
    look = inspect_endpoints([client], TERMS.idle_policy, clock.now(), EndpointFilter((NAME,)))
    (action,) = execute_endpoint_stops(plan_endpoint_stops(look, TERMS, clock.now()), TERMS, clock) or (None,)
    return action is None or action.outcome is StopOutcome.DONE or action.inspected.endpoint.traits.is_going


def start_once(account: EndpointAccount, client: AwsClient) -> bool:
    """One run of the command; whether the endpoint is back."""
    clock = account.clock
    plan = plan_endpoint_start(client, NAME, clock)
    ended = start_endpoint(client, plan, clock, lambda event: None)
    return ended.outcome in (StartOutcome.DONE, StartOutcome.ALREADY)


def until_done(account: EndpointAccount, once: Any, wanted: dict[str, Any]) -> None:
    for _ in range(_MAX_TRIES):
        try:
            done = once(account, client_of())
        except (OpskitError, Killed):
            done = False
        assert_not_lost(account, wanted)
        if done:
            return
    raise AssertionError("it never came to an end")


def faults(chance: random.Random) -> Iterator[str]:
    kinds = ("throttle", "lost", "done-500", "kill-before", "kill-after")
    while True:
        yield chance.choice(kinds) if chance.random() < 0.3 else ""


@pytest.mark.parametrize("seed", few_of_many(2, 60))
def test_nothing_is_lost_and_nothing_doubled(seed: int) -> None:
    chance = random.Random(seed)
    account = random_account(chance)
    coming = faults(chance)
    account.fault = lambda operation: next(coming)
    account.late = lambda: chance.choice([0, 0, 1, 3])
    wanted = shape(account)
    with in_memory(account):
        for _ in range(2):
            until_done(account, stop_once, wanted)
            assert account.deletes == 1
            until_done(account, start_once, wanted)
            assert (account.creates, shape(account)) == (1, wanted)
            assert not any(is_record_key(key) for key in account.configs[f"{NAME}-config"].tags)
            account.deletes = account.creates = 0
            account.seconds += timedelta(days=20).total_seconds()


@pytest.mark.parametrize("moment", ["kill-before", "kill-after"])
def test_a_kill_at_any_write_leaves_something_to_go_on_from(moment: str) -> None:
    """Each write of a stop and a start in turn."""
    quiet = random_account(random.Random(_ONE_SCALED_VARIANT))
    with in_memory(quiet):
        stop_once(quiet, client_of())
        start_once(quiet, client_of())
    assert len(quiet.writes) >= 4
    for at in range(len(quiet.writes)):
        account, count = random_account(random.Random(_ONE_SCALED_VARIANT)), iter(range(1000))
        account.fault = lambda operation, at=at, count=count: moment if next(count) == at else ""  # type: ignore[misc]
        wanted = shape(account)
        with in_memory(account):
            until_done(account, stop_once, wanted)
            until_done(account, start_once, wanted)
        assert (account.deletes, account.creates, shape(account)) == (1, 1, wanted), quiet.writes[at]
