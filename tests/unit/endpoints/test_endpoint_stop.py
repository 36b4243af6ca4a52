"""A stop of an endpoint: refused where it could not be brought back, and taken back where it changes meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from opskit.core.model import Price, Unknown
from opskit.core.stop_outcome import StopOutcome
from opskit.core.tags import KEEP
from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
from opskit.endpoints.flows.start import plan_endpoint_start, start_endpoint
from opskit.endpoints.flows.stop_plan import plan_endpoint_stops
from opskit.endpoints.render.stop import endpoint_stop_result
from opskit.endpoints.rules.restore_record import is_record_key, unpack_record
from tests.fakes.account import NOW, client_error, in_memory
from tests.fakes.endpoint_account import EndpointAccount, Killed
from tests.fakes.endpoint_stops import NAME, TERMS, client_of, config_of, stop_endpoint
from tests.fakes.fake_endpoints import FakeConfig, FakeVariant
from tests.fakes.stubbed_client import REGION


def tag_by_aws(account: EndpointAccount) -> None:
    account.endpoints[NAME].tags["aws:cloudformation:stack-name"] = "shop"


def other_record(account: EndpointAccount) -> None:
    config_of(account).tags["opskit:stopped-endpoint"] = "another stopped at 2026-01-01T00:00:00+00:00 in 1 pieces 0"


def many_tags(account: EndpointAccount) -> None:
    config_of(account).tags |= {f"k{at}": "v" for at in range(49)}


def long_tags(account: EndpointAccount) -> None:
    chance = random.Random(2)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    account.endpoints[NAME].tags |= {f"k{at}": "".join(chance.choices(letters, k=250)) for at in range(40)}


def step_policy(account: EndpointAccount) -> None:
    variant = f"endpoint/{NAME}/variant/{account.endpoints[NAME].variants[0].name}"
    policy = {"PolicyName": "steps", "PolicyType": "StepScaling", "Alarms": [{"AlarmName": "busy"}]}
    account.put_scaled("policies", {"ResourceId": variant, "ScalableDimension": "d", **policy}, "PolicyName")


def leave_out(*members: str) -> Callable[[EndpointAccount], None]:
    """AWS does not tell these members of a variant, which is one of two."""

    def spoil(account: EndpointAccount) -> None:
        variants = account.endpoints[NAME].variants
        variants[:] = [replace(variants[0], untold=frozenset(members)), FakeVariant("other")]
        config_of(account).variants = [replace(each) for each in variants]

    return spoil


def tell_no_variants(account: EndpointAccount) -> None:
    """What it began with, which its configuration tells, need not be what it has by now."""
    account.endpoints[NAME].variants = []


def attach(kind: str) -> Callable[[EndpointAccount], None]:
    return lambda account: account.attached.update({kind: ["one"]})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (attach("policy"), "endpoint policy"),
        (attach("schedules"), "monitoring schedule one"),
        (attach("components"), "inference component one"),
        (attach("experiments"), "inference experiment one"),
        (tag_by_aws, "aws:cloudformation:stack-name"),
        (other_record, "brings the endpoint another back"),
        (many_tags, "no room for"),
        (long_tags, "opskit writes at most 20"),
        (step_policy, "alarms (busy)"),
        (
            leave_out("CurrentInstanceCount", "DesiredInstanceCount"),
            "does not tell the number of instances of its variant",
        ),
        (leave_out("CurrentWeight", "DesiredWeight"), "does not tell the weight of its variant"),
        (tell_no_variants, "does not tell the number of instances of its variant"),
        (lambda account: account.objects.clear(), "data of its model are not there"),
        (lambda account: account.models.clear(), "its model model was deleted"),
        (lambda account: account.configs.clear(), "was deleted"),
        (lambda account: setattr(config_of(account), "created", NOW), "made anew"),
    ],
)
def test_what_could_not_be_brought_back_is_not_stopped(
    account: EndpointAccount, spoil: Callable[[EndpointAccount], None], words: str
) -> None:
    spoil(account)
    with in_memory(account):
        for terms in (TERMS, replace(TERMS, by_name=True)):
            action = stop_endpoint(account, terms)
            assert action.outcome is StopOutcome.REFUSED
            assert action.refusal is not None
            assert words in action.refusal.message
    assert account.writes == []


def test_the_weight_of_an_only_variant_is_not_needed(account: EndpointAccount) -> None:
    """It has all the traffic whatever AWS says of it."""
    del account.endpoints[NAME].variants[1:]
    account.endpoints[NAME].variants[0].untold = frozenset({"CurrentWeight", "DesiredWeight"})
    with in_memory(account):
        assert stop_endpoint(account).outcome is StopOutcome.DONE


@pytest.mark.parametrize(
    "denied",
    [
        *("GetEndpointPolicy", "ListMonitoringSchedules", "ListInferenceExperiments", "DescribeModel"),
        *("DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions", "DescribeEndpointConfig"),
    ],
)
def test_what_could_not_be_read_refuses(account: EndpointAccount, denied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes.account import client_error

    honest = EndpointAccount.call

    def call(self: EndpointAccount, operation: str, params: dict[str, object]) -> dict[str, object]:
        if operation == denied:
            raise client_error(operation, "AccessDeniedException", "not authorized", 403)
        return honest(self, operation, params)

    monkeypatch.setattr(EndpointAccount, "call", call)
    with in_memory(account):
        action = stop_endpoint(account, replace(TERMS, by_name=True))
    assert action.outcome is StopOutcome.REFUSED
    assert "could not be read" in action.reason or "not known" in action.reason
    assert account.writes == []


def after_first(account: EndpointAccount, operation: str, change: Callable[[], None]) -> None:
    """Let something happen right after the first call of an operation."""
    seen: list[str] = []

    def happen(called: str) -> str:
        if called == "DeleteEndpoint" or (seen and called != operation):
            return ""
        if called == operation and not seen:
            seen.append(called)
            change()
        return ""

    account.fault = happen


def test_what_changes_while_its_record_is_written_is_recorded_anew(account: EndpointAccount) -> None:
    endpoint = account.endpoints[NAME]
    after_first(account, "AddTags", lambda: setattr(endpoint.variants[0], "count", 4))
    with in_memory(account):
        assert stop_endpoint(account).outcome is StopOutcome.DONE
    record = unpack_record(config_of(account).tags, config_of(account).arn)
    assert record is not None
    assert record.variants[0].count == 4
    assert account.writes.count("AddTags") == 2


def test_one_that_is_invoked_meanwhile_stays_and_its_record_does_no_harm(account: EndpointAccount) -> None:
    after_first(account, "AddTags", lambda: account.invoked.update({NAME: [account.now()]}))
    with in_memory(account):
        action = stop_endpoint(account)
        assert (action.outcome, action.inspected.assessment.verdict.value) == (None, "busy")
        assert account.deletes == 0
        account.endpoints[NAME].variants[0].count = 4
        account.invoked.clear()
        assert stop_endpoint(account).outcome is StopOutcome.DONE
    record = unpack_record(config_of(account).tags, config_of(account).arn)
    assert record is not None
    assert record.variants[0].count == 4, "the next stop replaces it"


def test_a_start_takes_the_record_of_one_that_was_never_deleted_off(account: EndpointAccount) -> None:
    after_first(account, "AddTags", lambda: account.invoked.update({NAME: [account.now()]}))
    with in_memory(account):
        stop_endpoint(account)
        plan = plan_endpoint_start(client_of(), NAME, account.clock)
        ended = start_endpoint(client_of(), plan, account.clock, lambda event: None)
    assert ended.outcome.is_back
    assert (account.creates, account.deletes) == (0, 0)
    assert not any(is_record_key(key) for key in config_of(account).tags)


def test_of_two_runs_at_once_neither_takes_the_record_of_the_other_off(account: EndpointAccount) -> None:
    """The other deletes it while this one writes its record."""
    after_first(account, "AddTags", lambda: setattr(account.endpoints[NAME], "steps", ["Deleting", "Deleting", "gone"]))
    with in_memory(account):
        assert stop_endpoint(account).outcome is None
    assert account.deletes == 0
    assert unpack_record(config_of(account).tags, config_of(account).arn) is not None


def test_a_record_that_goes_with_the_endpoint_is_written_again(account: EndpointAccount) -> None:
    """A start elsewhere, which saw the endpoint there, takes it off in the moment of the delete."""
    config = config_of(account)

    def take_off(called: str) -> str:
        if called == "DeleteEndpoint":
            config.tags = {key: value for key, value in config.tags.items() if not is_record_key(key)}
        return ""

    account.fault = take_off
    with in_memory(account):
        assert stop_endpoint(account).outcome is StopOutcome.DONE
    assert unpack_record(config.tags, config.arn) is not None


def test_one_that_is_kept_meanwhile_stays(account: EndpointAccount) -> None:
    after_first(account, "AddTags", lambda: account.endpoints[NAME].tags.update({KEEP: "mine"}))
    with in_memory(account):
        action = stop_endpoint(account)
        assert (action.outcome, account.deletes) == (None, 0)
        named = stop_endpoint(account, replace(TERMS, by_name=True))
    assert (named.outcome, account.deletes) == (StopOutcome.DONE, 1), "whoever was asked knew that it was kept"


def test_one_that_is_half_back_is_not_stopped_with_its_half(account: EndpointAccount) -> None:
    wanted = [replace(each) for each in account.endpoints[NAME].variants]
    with in_memory(account):
        assert stop_endpoint(account).outcome is StopOutcome.DONE
        account.fault = lambda operation: "kill-after" if operation == "CreateEndpoint" else ""
        clock = account.clock
        with pytest.raises(Killed):
            start_endpoint(client_of(), plan_endpoint_start(client_of(), NAME, clock), clock, lambda event: None)
        account.fault = lambda operation: ""
        account.endpoints[NAME].steps = ["InService"]
        half = stop_endpoint(account, replace(TERMS, by_name=True))
        assert half.refusal is not None
        assert "endpoint start prices" in half.refusal.message
        start_endpoint(client_of(), plan_endpoint_start(client_of(), NAME, clock), clock, lambda event: None)
    assert account.endpoints[NAME].variants == wanted
    assert (account.creates, account.deletes) == (1, 1)


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden", ""])
def test_an_answer_that_is_not_whole_stops_nothing(account: EndpointAccount, status: str) -> None:
    account.metric_status = status
    with in_memory(account):
        action = stop_endpoint(account)
    assert (action.inspected.assessment.verdict.value, action.is_unreadable) == ("unknown", True)
    assert account.writes == []


def test_a_quota_that_will_not_be_there_is_told_before(account: EndpointAccount) -> None:
    account.quotas["ml.m4.xlarge for endpoint usage"] = 0
    look_terms = replace(TERMS, by_name=True)
    with in_memory(account):
        clock = account.clock
        look = inspect_endpoints([client_of()], TERMS.idle_policy, clock.now(), EndpointFilter((NAME,)))
        (action,) = plan_endpoint_stops(look, look_terms, clock.now())
    assert isinstance(action.restore_warning, str)
    assert "the quota is 0" in action.restore_warning
    assert not isinstance(action.restore_warning, Unknown)


@pytest.mark.parametrize("spoil", [tag_by_aws, lambda account: account.endpoints[NAME].tags.update({KEEP: ""})])
def test_what_was_not_looked_at_is_not_called_there(
    account: EndpointAccount, spoil: Callable[[EndpointAccount], None]
) -> None:
    """Whether it could come back is asked only of what is to be stopped, and could be brought back."""
    spoil(account)
    with in_memory(account):
        look = inspect_endpoints([client_of()], TERMS.idle_policy, account.now(), EndpointFilter((NAME,)))
        plan = plan_endpoint_stops(look, TERMS, account.now())
    result = endpoint_stop_result(plan, look)
    [record] = result.data["endpoints"]
    assert (record["outcome"] == "planned", record["quota_at_return"], record["model_data"]) == (
        False,
        "unknown",
        "unknown",
    )
    assert record["quota_because"].startswith("not looked at")
    assert not any("not known" in note for note in result.notes)


@pytest.mark.parametrize("is_allowed", [True, False], ids=["by the index", "where the index cannot be asked"])
def test_the_newest_record_brings_back_where_an_older_one_was_left(
    account: EndpointAccount, is_allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop is killed before the delete, the endpoint moves to another configuration, and is stopped there."""
    endpoint, account.is_indexed = account.endpoints[NAME], True

    def refuse(self: EndpointAccount, params: dict[str, object]) -> dict[str, object]:
        raise client_error("GetResources", "AccessDeniedException", "not authorized", 403)

    def kill(operation: str) -> str:
        return "kill-before" if operation == "DeleteEndpoint" else ""

    with in_memory(account):
        account.fault = kill
        with pytest.raises(Killed):
            stop_endpoint(account)
        account.fault = lambda operation: ""
        assert any(is_record_key(key) for key in config_of(account).tags)
        account.configs["zz-config-v2"] = FakeConfig(
            "zz-config-v2", [FakeVariant(each.name) for each in endpoint.variants]
        )
        endpoint.config = "zz-config-v2"
        for each in endpoint.variants:
            each.count = 1
        account.seconds += timedelta(days=20).total_seconds()
        assert stop_endpoint(account).outcome is StopOutcome.DONE
        clock = account.clock
        listed = inspect_endpoints([client_of()], TERMS.idle_policy, clock.now(), with_stopped=True).stopped
        assert [each.config_arn.rpartition("/")[2] for _, each in listed] == ["zz-config-v2"]
        if not is_allowed:
            monkeypatch.setattr(EndpointAccount, "do_get_resources", refuse)
        start_endpoint(client_of(), plan_endpoint_start(client_of(), NAME, clock), clock, lambda event: None)
    assert account.endpoints[NAME].config == "zz-config-v2"
    assert {each.count for each in account.endpoints[NAME].variants} == {1}


def test_serverless_endpoints_cost_nothing_and_are_left_alone() -> None:
    from opskit.endpoints.rules.model import HostedEndpoint, VariantState

    free = HostedEndpoint(REGION, "e", "arn", "InService", NOW, NOW, "c", (VariantState("v", None, None, 1, True),))
    assert free.costs_nothing_idle
    assert not replace(free, variants=(VariantState("v", None, None, 1, True, provisioned=1),)).costs_nothing_idle
    assert FakeVariant("v").count == 1


def test_what_a_stop_saved_is_in_the_history(account: EndpointAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal takes the machine's time, so the endpoint is looked at a day later."""
    from opskit.history.flows import read_history

    price = Price(Decimal("0.5"), "a list")
    monkeypatch.setattr("opskit.inventory.reads.prices.read_listed_price", lambda *_: price)
    instances = sum(each.count for each in account.endpoints[NAME].variants)
    with in_memory(account):
        assert stop_endpoint(account).outcome is StopOutcome.DONE
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        history = read_history(timedelta(days=30), tomorrow, lambda: client_of().session)
    (saving,) = history.savings.values()
    assert saving.usd is not None
    assert round(saving.usd) == round(instances * Decimal("0.5") * 24)
    assert saving.reason == "until now: it is still off"
