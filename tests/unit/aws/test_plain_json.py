"""What is parsed in the plain way is what botocore would have made of it."""

from __future__ import annotations

import json
import random
from typing import Any

import botocore.session
import pytest
from botocore.parsers import JSONParser, ResponseParserFactory

from opskit.aws.response_values import parse_plain_body
from opskit.aws.session import open_session
from tests.fakes.fake_aws import Entry, FakeAws


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """Models of services that opskit reads listings of."""
    session = botocore.session.Session()
    return {name: session.get_service_model(name) for name in ("service-quotas", "resourcegroupstaggingapi")}


def _parse_both(operation: Any, body: str, status: int = 200) -> tuple[bool, Any, Any]:
    """Whether it was taken on, what botocore makes of the rest with what was, and what it makes of all."""
    parser = ResponseParserFactory().create_parser("json")
    told = {"status_code": status, "headers": {"x-amzn-requestid": "1"}, "body": body.encode(), "context": {}}
    ours, customized = dict(told), dict[str, Any]()
    parse_plain_body(operation_model=operation, response_dict=ours, customized_response_dict=customized)
    parsed = parser.parse(ours, operation.output_shape)
    parsed.update(customized)
    return ours["body"] is not told["body"], parsed, parser.parse(told, operation.output_shape)


def _any_value(shape: Any, chance: random.Random) -> Any:
    """A value of a shape as AWS may write it, with members that are missing, null or unknown to botocore."""
    if chance.random() < 0.1:
        return None
    match shape.type_name:
        case "structure":
            told = {name: _any_value(member, chance) for name, member in shape.members.items() if chance.random() < 0.8}
            return {**told, "Unknown": [{"a": None}]} if chance.random() < 0.2 else told
        case "list":
            return [_any_value(shape.member, chance) for _ in range(3)]
        case "map":
            return {"a": _any_value(shape.value, chance), "": "b"}
        case kind:
            return {"boolean": True, "string": "x"}.get(kind, 1.5)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("service-quotas", "ListServiceQuotas"),
        ("service-quotas", "ListAWSDefaultServiceQuotas"),
        ("service-quotas", "GetServiceQuota"),
        ("resourcegroupstaggingapi", "GetResources"),
    ],
)
def test_a_plain_body_is_what_botocore_makes_of_it(models: dict[str, Any], service: str, name: str) -> None:
    operation, chance = models[service].operation_model(name), random.Random(name)
    for _ in range(50):
        body = _any_value(operation.output_shape, chance) or {}
        was_taken, parsed, expected = _parse_both(operation, json.dumps(body))
        assert was_taken
        assert parsed == expected


def test_a_body_with_times_is_left_to_botocore(models: dict[str, Any]) -> None:
    operation = models["service-quotas"].operation_model("ListRequestedServiceQuotaChangeHistory")
    was_taken, parsed, expected = _parse_both(operation, '{"RequestedQuotas": [{"Created": 1.0}]}')
    assert not was_taken
    assert parsed == expected


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"__type": "NoSuchResourceException", "message": "none"}', 400),
        ("", 200),
        ("<html>", 200),
        ("[]", 200),
        ('{"Quotas": {}}', 200),
        ('{"Quotas": [7]}', 200),
        ('{"Quotas": [{"UsageMetric": {"MetricDimensions": 7}}]}', 200),
    ],
)
def test_what_is_none_is_left_to_botocore(models: dict[str, Any], body: str, status: int) -> None:
    operation = models["service-quotas"].operation_model("ListServiceQuotas")
    ours = {"status_code": status, "headers": {}, "body": body.encode()}
    before, customized = dict(ours), dict[str, Any]()
    parse_plain_body(operation_model=operation, response_dict=ours, customized_response_dict=customized)
    assert (ours, customized) == (before, {})


def test_clients_parse_listings_of_quotas_in_the_plain_way(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore has the event still, so that a listing of 2,000 quotas is not looked through member by member."""
    fake_aws.quotas = [Entry("a", "L-1", 4.0, metric="a")]
    left: list[bytes] = []
    parse = JSONParser.parse

    def note_body(self: JSONParser, response: dict[str, Any], shape: Any) -> Any:
        left.append(response["body"])
        return parse(self, response, shape)

    monkeypatch.setattr(JSONParser, "parse", note_body)
    response = open_session().client().read("service-quotas", "list_service_quotas", ServiceCode="sagemaker")
    assert response["Quotas"] == [fake_aws.quotas[0].wire(4.0)]
    assert left == [b"{}"]
