"""An endpoint may be idle for as long as it costs an amount: planned and at the last look, and as far as CloudWatch
remembers.
"""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from opskit.aws.session import AwsSession
from opskit.core.model import Price, Unknown
from opskit.core.stop_outcome import StopOutcome
from opskit.endpoints.flows.inspect import EndpointInspection, inspect_endpoints
from opskit.endpoints.flows.stop import execute_endpoint_stops
from opskit.endpoints.flows.stop_plan import EndpointStopPolicy, plan_endpoint_stops
from opskit.endpoints.render.list import endpoint_list_result
from opskit.endpoints.render.stop import endpoint_stop_result
from opskit.endpoints.rules.idleness import EndpointPolicy
from opskit.endpoints.rules.model import EndpointVerdict
from tests.fakes.account import NOW, in_memory
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.fake_endpoints import FakeVariant
from tests.fakes.random_account import random_account
from tests.fakes.stubbed_client import REGION, shared_clients

HOUR = timedelta(hours=1)
POLICY = EndpointPolicy(timedelta(days=14), patience_usd=Decimal(2))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> EndpointAccount:
    """One instance and ten, at 0.1 USD an hour each, both invoked five hours ago."""
    price: Price | Unknown = Price(Decimal("0.1"), "a list")
    monkeypatch.setattr("opskit.inventory.reads.prices.read_listed_price", lambda *_: price)
    account = random_account(random.Random(1), "cheap")
    cheap, config = account.endpoints["cheap"], account.configs["cheap-config"]
    config.variants = cheap.variants = [FakeVariant("v")]
    account.endpoints["dear"] = replace(cheap, name="dear", config="dear-config", variants=[FakeVariant("v", 10)])
    account.configs["dear-config"] = replace(config, name="dear-config")
    account.invoked = {name: [NOW - 5 * HOUR] for name in account.endpoints}
    return account


def look(account: EndpointAccount, policy: EndpointPolicy = POLICY) -> EndpointInspection:
    return inspect_endpoints([AwsSession(shared_clients(), REGION).client()], policy, account.clock.now())


def test_the_dear_one_is_stopped_and_the_cheap_one_may_be_idle_for_longer(account: EndpointAccount) -> None:
    with in_memory(account):
        terms, seen = EndpointStopPolicy(POLICY), look(account)
        done = execute_endpoint_stops(plan_endpoint_stops(seen, terms, account.now()), terms, account.clock)
    assert {action.inspected.endpoint.name: action.outcome for action in done} == {
        "cheap": None,
        "dear": StopOutcome.DONE,
    }
    told = {row["name"]: row for row in endpoint_stop_result(done, seen).data["endpoints"]}
    assert {name: row["patience_seconds"] for name, row in told.items()} == {"cheap": 20 * 3600, "dear": 2 * 3600}
    assert "less than 20h (2 USD at 0.1 USD per hour)" in told["cheap"]["because"]
    assert "it may be idle for 2h (2 USD at 1 USD per hour)" in told["dear"]["because"]


def test_the_last_look_has_the_same_patience(account: EndpointAccount) -> None:
    with in_memory(account):
        terms, seen = EndpointStopPolicy(POLICY), look(account)
        plan = plan_endpoint_stops(seen, terms, account.now())
        account.invoked["dear"] = [NOW - HOUR]  # somebody has come back, two hours of patience ago
        done = execute_endpoint_stops(plan, terms, account.clock)
    assert account.deletes == 0
    assert [action.inspected.assessment.verdict for action in done] == [EndpointVerdict.BUSY] * 2
    assert "less than 2h" in done[1].reason


def test_an_unknown_price_shortens_nothing_and_is_said(
    account: EndpointAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.inventory.reads.prices.read_listed_price", lambda *_: Unknown("no list"))
    with in_memory(account):
        seen = look(account)
    assert {each.assessment.verdict for each in seen.endpoints} == {EndpointVerdict.BUSY}
    for each in seen.endpoints:
        assert each.patience is not None
        assert each.patience.span == timedelta(days=14)
        assert "its price is not known" in each.assessment.reason


def test_the_list_has_a_column_of_it_only_where_an_amount_was_asked_for(account: EndpointAccount) -> None:
    with in_memory(account):
        plain, by_price = (endpoint_list_result(look(account, policy)) for policy in (EndpointPolicy(), POLICY))
    assert "Patience" not in [column.header for column in plain.tables[0].columns]
    at = [column.header for column in by_price.tables[0].columns].index("Patience")
    assert [row[at].text for row in by_price.tables[0].rows] == ["20h", "2h"]
    assert [row["patience_because"] for row in plain.data["endpoints"]] == [None, None]


def test_no_shorter_than_an_hour_since_cloudwatch_lags(account: EndpointAccount) -> None:
    account.invoked = {name: [NOW - timedelta(minutes=50)] for name in account.endpoints}
    with in_memory(account):
        seen = look(account, replace(POLICY, patience_usd=Decimal("0.01")))
    assert {each.assessment.verdict for each in seen.endpoints} == {EndpointVerdict.BUSY}


def test_silence_from_before_cloudwatch_remembers_proves_nothing(account: EndpointAccount) -> None:
    """One that is two years old, to be idle for 500 days: CloudWatch keeps 455."""
    for each in account.endpoints.values():
        each.created = NOW - timedelta(days=730)
    for config in account.configs.values():
        config.created = NOW - timedelta(days=731)
    account.invoked.clear()
    with in_memory(account):
        seen = look(account, EndpointPolicy(timedelta(days=500)))
    assert {each.assessment.verdict for each in seen.endpoints} == {EndpointVerdict.UNKNOWN}
    assert {each.assessment.readable for each in seen.endpoints} == {False}


def test_one_that_may_be_idle_for_months_does_not_blur_the_others_invocations(
    account: EndpointAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points of an hour would make an invocation of 80 minutes ago one of 20."""
    account.endpoints["dear"].variants[0].count = 100
    account.invoked["dear"] = [NOW - timedelta(minutes=80)]
    asked: list[dict[str, Any]] = []
    honest = EndpointAccount.do_get_metric_data

    def get_metric_data(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        asked.append(params)
        return honest(self, params)

    monkeypatch.setattr(EndpointAccount, "do_get_metric_data", get_metric_data)
    with in_memory(account):
        seen = {
            each.endpoint.name: each for each in look(account, replace(POLICY, patience_usd=Decimal(200))).endpoints
        }
    periods = {query["MetricStat"]["Period"] for params in asked for query in params["MetricDataQueries"]}
    assert periods == {300, 3600}
    assert seen["dear"].patience is not None
    assert seen["dear"].patience.span == 20 * HOUR
    assert seen["dear"].use is not None
