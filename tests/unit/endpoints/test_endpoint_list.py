"""Looks at all endpoints: one that cannot be read hides no other, tags are found whatever the case of an ARN."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.resource_tags import TagsByArn
from opskit.aws.session import AwsSession
from opskit.core.exceptions import ExitCode
from opskit.core.model import Unknown
from opskit.core.stop_outcome import StopOutcome
from opskit.core.tags import KEEP, OWNER
from opskit.endpoints.flows.inspect import EndpointFilter, EndpointInspection, InspectedEndpoint, inspect_endpoints
from opskit.endpoints.flows.stop import execute_endpoint_stops
from opskit.endpoints.flows.stop_plan import EndpointStopPolicy, plan_endpoint_stops
from opskit.endpoints.reads.stopped import StoppedEndpoint
from opskit.endpoints.render.list import endpoint_list_result
from opskit.endpoints.render.rows import describe_variants
from opskit.endpoints.render.stop import endpoint_stop_result
from opskit.endpoints.rules.enums import EndpointOrder
from opskit.endpoints.rules.idleness import EndpointAssessment, EndpointPolicy
from opskit.endpoints.rules.model import EndpointVerdict, HostedEndpoint, VariantState
from opskit.endpoints.rules.restore_record import RestoreRecord
from tests.fakes.account import NOW, client_error, in_memory
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.endpoint_stops import TERMS, stop_endpoint
from tests.fakes.random_account import random_account
from tests.fakes.stubbed_client import REGION, shared_clients

NAME = "prices"
ONE = VariantState("a", "ml.m4.xlarge", 1, 1.0, False)
HOSTED = HostedEndpoint(REGION, "e", "arn", "InService", NOW, NOW, "c", (ONE,))


@pytest.fixture
def account() -> EndpointAccount:
    """An account with several endpoints, more than are asked for their tags one by one."""
    account = random_account(random.Random(1))
    for at in range(6):
        account.endpoints[f"other-{at}"] = replace(account.endpoints[NAME], name=f"other-{at}", tags={})
    return account


def look(account: EndpointAccount) -> EndpointInspection:
    client: AwsClient = AwsSession(shared_clients(), REGION).client()
    with in_memory(account):
        return inspect_endpoints([client], EndpointPolicy(), account.clock.now())


def test_one_that_cannot_be_described_hides_no_other(account: EndpointAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = EndpointAccount.do_describe_endpoint

    def describe(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        if params["EndpointName"] == "other-2":
            raise client_error("DescribeEndpoint", "AccessDeniedException", "not authorized", 403)
        return honest(self, params)

    monkeypatch.setattr(EndpointAccount, "do_describe_endpoint", describe)
    seen = look(account)
    assert {each.endpoint.name for each in seen.endpoints} == account.endpoints.keys() - {"other-2"}
    assert ["other-2" in problem.message for problem in seen.problems] == [True]
    assert not seen.all_regions_failed


@pytest.mark.parametrize("is_readable", [True, False])
def test_one_that_runs_is_not_told_to_be_stopped_for_its_record(
    account: EndpointAccount, monkeypatch: pytest.MonkeyPatch, *, is_readable: bool
) -> None:
    """A stop that AWS refused leaves the record; then it cannot be described, or only others are asked for."""
    account.is_indexed = True
    account.endpoints[NAME].tags["team"] = "old"
    account.fault = lambda operation: "lost" if operation == "DeleteEndpoint" else ""
    with in_memory(account):
        assert stop_endpoint(account, replace(TERMS, by_name=True)).outcome is StopOutcome.UNKNOWN

    def deny(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        raise client_error("DescribeEndpoint", "AccessDeniedException", "not authorized", 403)

    if not is_readable:
        monkeypatch.setattr(EndpointAccount, "do_describe_endpoint", deny)
    client: AwsClient = AwsSession(shared_clients(), REGION).client()
    meant = EndpointFilter(tag=("team", "old")) if is_readable else EndpointFilter()
    account.endpoints[NAME].tags["team"] = "new"
    with in_memory(account):
        seen = inspect_endpoints([client], EndpointPolicy(), account.clock.now(), meant, with_stopped=True)
    assert [stopped.name for _, stopped in seen.stopped] == []
    assert "stopped-unread" not in {problem.code for problem in seen.problems}


def test_a_keep_tag_counts_whatever_the_case_of_the_arn(
    account: EndpointAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.endpoints["other-3"].tags[KEEP] = "exam"

    def index(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        listed = [(each.arn.replace("other", "OTHER"), each.tags) for each in self.endpoints.values()]
        told = [{"Key": key, "Value": value} for _, tags in listed for key, value in tags.items()]
        assert told
        return {
            "ResourceTagMappingList": [
                {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
                for arn, tags in listed
                if tags
            ]
        }

    monkeypatch.setattr(EndpointAccount, "do_get_resources", index)
    verdicts = {each.endpoint.name: each.assessment.verdict for each in look(account).endpoints}
    assert verdicts["other-3"] is EndpointVerdict.PROTECTED
    assert TagsByArn({"arn:a/b": {"k": "v"}}).tags_of("arn:a/B") == {"k": "v"}


def test_what_has_no_instances_costs_nothing_and_a_stop_would_break_its_next_request() -> None:
    assert replace(HOSTED, variants=(replace(ONE, count=0),)).costs_nothing_idle
    assert not HOSTED.costs_nothing_idle
    assert not replace(HOSTED, variants=(replace(ONE, count=0), ONE)).costs_nothing_idle
    assert not replace(HOSTED, variants=(replace(ONE, count=None),)).costs_nothing_idle


def test_variants_alike_are_all_told() -> None:
    twice = replace(HOSTED, variants=(ONE, replace(ONE, name="b")))
    assert describe_variants(twice) == "1 x ml.m4.xlarge, 1 x ml.m4.xlarge"


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        (
            "GetMetricData",
            "endpoint-use-unread",
            "Whether 7 endpoints are idle is not known: its invocations could not",
        ),
        ("GetProducts", "denied", "The price of 7 endpoints could not be read: "),
        ("ListTags", "endpoint-use-unread", "Whether 1 endpoint is idle is not known: its tags could not be read"),
    ],
)
def test_what_could_not_be_read_is_told_once_with_exit_5(
    account: EndpointAccount, monkeypatch: pytest.MonkeyPatch, operation: str, code: str, words: str
) -> None:
    def refuse(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        raise client_error(operation, "AccessDeniedException", "not authorized", 403)

    if operation == "ListTags":
        account.endpoints = {NAME: account.endpoints[NAME]}
    name = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation)
    monkeypatch.setattr(EndpointAccount, f"do{name}", refuse, raising=False)
    result = endpoint_list_result(look(account))
    assert result.exit is ExitCode.PARTIAL
    assert [(problem.code, words in problem.message) for problem in result.problems] == [(code, True)], result.problems
    assert len(result.data["endpoints"]) == len(account.endpoints)


def test_a_stop_says_why_it_does_not_know_prices(account: EndpointAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does what it was asked for all the same."""

    def refuse(self: EndpointAccount, params: dict[str, Any]) -> dict[str, Any]:
        text = "User: me is not authorized to perform: pricing:GetProducts on resource: *"
        raise client_error("GetProducts", "AccessDeniedException", text, 403)

    monkeypatch.setattr(EndpointAccount, "do_get_products", refuse, raising=False)
    seen = look(account)
    terms = EndpointStopPolicy(EndpointPolicy())
    with in_memory(account):
        plan = plan_endpoint_stops(seen, terms, account.clock.now())
        done = execute_endpoint_stops(plan, terms, account.clock)
    assert any(each.is_done for each in done)
    for result in (endpoint_stop_result(plan, seen), endpoint_stop_result(done, seen)):
        [problem] = [each for each in result.problems if each.code == "denied"]
        assert problem.message.startswith("The price of 7 endpoints could not be read: ")
        assert "pricing:GetProducts" in problem.message
    assert endpoint_stop_result(plan, seen).exit is ExitCode.OK


def test_a_price_that_the_list_has_not_is_no_failure_to_read(account: EndpointAccount) -> None:
    result = endpoint_list_result(look(account))
    assert (result.exit, result.problems, result.data["totals"]["usd_per_hour"]) == (ExitCode.OK, (), None)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (EndpointOrder.NAME, ["dear", "fresh", "old", "unread"]),
        (EndpointOrder.PRICE, ["dear", "old", "fresh", "unread"]),
        (EndpointOrder.IDLE, ["old", "dear", "fresh", "unread"]),
        (EndpointOrder.OWNER, ["fresh", "old", "dear", "unread"]),
    ],
)
def test_a_list_comes_in_the_order_that_was_chosen_with_the_unknown_last(
    order: EndpointOrder, names: list[str]
) -> None:
    client: AwsClient = AwsSession(shared_clients(), REGION).client()
    days = {"dear": (9, 3, {OWNER: "zoe"}), "fresh": (1, 1, {OWNER: "Ada"}), "old": (30, 2, {OWNER: "bob"})}
    seen = [
        InspectedEndpoint(
            client,
            replace(HOSTED, name=name),
            tags,
            None,
            EndpointAssessment(EndpointVerdict.IDLE, "", timedelta(days=idle)),
            Decimal(usd),
            EndpointPolicy().patience,
        )
        for name, (idle, usd, tags) in days.items()
    ]
    unread = EndpointAssessment(EndpointVerdict.UNKNOWN, "", readable=False)
    seen.append(
        replace(seen[0], endpoint=replace(HOSTED, name="unread"), tags={}, assessment=unread, price=Unknown("not read"))
    )
    result = endpoint_list_result(EndpointInspection(tuple(seen), (), (), all_regions_failed=False), order)
    assert [each["name"] for each in result.data["endpoints"]] == names
    assert [row[1].text for row in result.tables[0].rows] == names


def test_tags_that_could_not_be_read_name_an_unknown_owner_and_none_name_none() -> None:
    client: AwsClient = AwsSession(shared_clients(), REGION).client()
    verdict = EndpointAssessment(EndpointVerdict.BUSY, "")
    owners: dict[str, dict[str, str] | Unknown] = {
        "ada": {OWNER: "user/ada"},
        "nobody": {},
        "unread": Unknown("AWS throttled it"),
    }
    seen = [
        InspectedEndpoint(
            client, replace(HOSTED, name=name), tags, None, verdict, Decimal(1), EndpointPolicy().patience
        )
        for name, tags in owners.items()
    ]
    table = endpoint_list_result(EndpointInspection(tuple(seen))).tables[0]
    assert table.columns[2].header == "Owner"
    assert [row[2].text for row in table.rows] == ["ada", "", "?"]
    (without,) = endpoint_list_result(EndpointInspection(tuple(seen[1:]))).tables
    assert "Owner" not in [column.header for column in without.columns]


def test_whose_a_stopped_one_is_is_unknown_where_its_record_cannot_be_read() -> None:
    client: AwsClient = AwsSession(shared_clients(), REGION).client()
    arn = f"arn:aws:sagemaker:{REGION}:111122223333:endpoint-config/c"
    record = RestoreRecord("known", "c", NOW, NOW, tags={OWNER: "ada"})
    stopped = [StoppedEndpoint("known", arn, record, NOW), StoppedEndpoint("damaged", arn, None, NOW)]
    result = endpoint_list_result(EndpointInspection((), tuple((client, each) for each in stopped)))
    assert [row[2].text for row in result.tables[0].rows] == ["ada", "?"]


@pytest.mark.parametrize(
    ("glob", "told"),
    [("*", "There are no endpoints in us-east-1."), ("x*", "No endpoint in us-east-1 is chosen by that.")],
)
def test_where_no_endpoint_is_the_answer_names_the_region(glob: str, told: str) -> None:
    client: AwsClient = AwsSession(shared_clients(), REGION).client()
    account = random_account(random.Random(1))
    account.endpoints.clear()
    with in_memory(account):
        seen = inspect_endpoints([client], EndpointPolicy(), account.clock.now(), EndpointFilter(glob=glob))
    assert endpoint_list_result(seen).notes == (told,)
    assert endpoint_stop_result((), seen).notes == (told,)
    gone = endpoint_stop_result((), seen, [NAME])
    assert gone.notes == ("Nothing was stopped.",)
    assert "those that opskit has stopped" in gone.problems[0].hint
