"""The grace of an idle endpoint: begun once, told once, ended when it is used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opskit.core.grace import IdleStep
from opskit.core.stop_outcome import StopOutcome
from opskit.core.tags import IDLE_SINCE
from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
from opskit.endpoints.flows.stop import execute_endpoint_stops
from opskit.endpoints.flows.stop_plan import (
    EndpointStop,
    EndpointStopPolicy,
    confirm_endpoint_graces,
    plan_endpoint_stops,
)
from opskit.endpoints.rules.restore_record import unpack_record
from opskit.notifications.store import claim_grace_notice
from tests.fakes.account import in_memory
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.endpoint_stops import NAME, TERMS, client_of, config_of, stop_endpoint


def plan_grace(account: EndpointAccount, terms: EndpointStopPolicy) -> tuple[EndpointStop, ...]:
    look = inspect_endpoints([client_of()], terms.idle_policy, account.now(), EndpointFilter((NAME,)))
    return plan_endpoint_stops(look, terms, account.now())


def test_of_two_runs_that_begin_a_grace_at_once_one_tells_of_it(account: EndpointAccount) -> None:
    """The second run looks, tags and is done between the first one's look and its tag, which then stands."""
    first, second = (replace(TERMS, grace=timedelta(days=1), run_id=run * 8) for run in "ab")
    done: list[tuple[EndpointStop, ...]] = []

    def meanwhile(operation: str) -> str:
        if operation == "AddTags" and not done:
            done.append(())
            done[0] = execute_endpoint_stops(plan_grace(account, second), second, account.clock)
        return ""

    with in_memory(account):
        plan = plan_grace(account, first)
        account.fault = meanwhile
        ours = execute_endpoint_stops(plan, first, account.clock)
        (told,) = confirm_endpoint_graces(ours, first, account.clock)
        (other,) = confirm_endpoint_graces(done[0], second, account.clock)
    assert (told.grace_begun, other.grace_begun) == (True, False)
    assert "another run of opskit began its grace" in other.reason
    assert told.stops_at == other.stops_at.replace(microsecond=0) if other.stops_at else False


@pytest.mark.parametrize(("trouble", "begun"), [("done-500", True), ("lost", False)])
def test_a_grace_whose_answer_was_lost_is_told_if_its_tag_stands(
    account: EndpointAccount, trouble: str, begun: bool
) -> None:
    terms = replace(TERMS, grace=timedelta(days=1))
    account.fault = lambda operation: trouble if operation == "AddTags" else ""
    with in_memory(account):
        done = execute_endpoint_stops(plan_grace(account, terms), terms, account.clock)
        (settled,) = confirm_endpoint_graces(done, terms, account.clock)
    assert settled.grace_begun is begun
    assert settled.outcome is (None if begun else StopOutcome.UNKNOWN)


def test_what_an_untold_grace_needs_is_there_as_soon_as_its_tag(account: EndpointAccount) -> None:
    """A run that is killed after the tag leaves to the next run what is to be told."""
    terms = replace(TERMS, grace=timedelta(days=1))
    with in_memory(account):
        (begun,) = execute_endpoint_stops(plan_grace(account, terms), terms, account.clock)
    endpoint = begun.inspected.endpoint
    row = {"kind": "endpoint", "account": endpoint.account, "region": endpoint.region, "name": NAME}
    assert claim_grace_notice({**row, "stops_at": str(begun.stops_at)})


def test_a_tag_that_is_sent_forgets_no_warning(account: EndpointAccount) -> None:
    account.quotas["ml.m4.xlarge for endpoint usage"] = 0
    terms = replace(TERMS, grace=timedelta(days=1))
    with in_memory(account):
        (planned,) = plan_grace(account, terms)
        (begun,) = execute_endpoint_stops((planned,), terms, account.clock)
    assert begun.looked_ms_ago is not None
    assert isinstance(begun.restore_warning, str)
    assert (begun.restore_warning, begun.data_unread) == (planned.restore_warning, planned.data_unread)


def test_a_grace_begins_and_ends(account: EndpointAccount) -> None:
    terms = replace(TERMS, grace=timedelta(days=1))
    with in_memory(account):
        begun = stop_endpoint(account, terms)
        assert (begun.step, begun.sent_grace) == (IdleStep.TAG, True)
        assert IDLE_SINCE in account.endpoints[NAME].tags
        assert stop_endpoint(account, terms).step is IdleStep.NOTHING
        account.seconds += timedelta(days=2).total_seconds()
        assert stop_endpoint(account, terms).outcome is StopOutcome.DONE
    record = unpack_record(config_of(account).tags, config_of(account).arn)
    assert record is not None
    assert IDLE_SINCE not in record.tags
