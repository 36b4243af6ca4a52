"""Every listing comes to an end, or to an error: a token that repeats, or is not there, never to a loop or to half."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import opskit
from opskit.aws.api_call import pascal_case
from opskit.aws.client import AwsClient
from opskit.aws.response_checks import REQUIRED_MEMBERS
from opskit.aws.roles import find_execution_role
from opskit.core.exceptions import AwsError
from opskit.increases.reads import read_open_cases
from opskit.training.reads.s3 import list_object_keys
from opskit.training.reads.training_log import TrainingLog
from tests.fakes.api_models import (
    EVERY_CALL,
    is_read,
    minimal_params,
    operation_model,
    output_members,
    pagination_rules,
    python_name,
)
from tests.fakes.fixed_answer_server import FixedAnswer, door_to, fixed_answer_server
from tests.slow import serves

ENDED_BY_ITS_OWN = {"logs:GetLogEvents"}
"""CloudWatch says that a log was read to its end by giving the same token again."""
LISTINGS = [call for call in EVERY_CALL if is_read(call) and pagination_rules(call) and call not in ENDED_BY_ITS_OWN]
TOO_MANY = 20


@pytest.fixture(scope="module")
@serves
def page_server() -> Iterator[tuple[FixedAnswer, AwsClient]]:
    with fixed_answer_server() as blunt:
        yield blunt, door_to(blunt)


@pytest.fixture
def fixed_pages(page_server: tuple[FixedAnswer, AwsClient], monkeypatch: pytest.MonkeyPatch) -> FixedAnswer:
    monkeypatch.setattr("opskit.aws.client.READ_TRIES", 1)
    monkeypatch.setattr("opskit.aws.pacing.RATES", {})
    return page_server[0]


@pytest.fixture
def page_client(page_server: tuple[FixedAnswer, AwsClient]) -> AwsClient:
    return page_server[1]


def page_response(call: str, token: str | None, *, more: bool = True) -> tuple[int, bytes]:
    """A page without entries that promises more behind this token; None: it names none."""
    turning = pagination_rules(call)
    of_type: dict[str, Any] = {"list": [], "integer": 0}
    response = {name: of_type.get(output_members(call)[name].type_name, "x") for name in REQUIRED_MEMBERS.get(call, ())}
    if "more_results" in turning:
        response[turning["more_results"]] = more
    if token is not None:
        is_key = output_members(call)[turning["output_token"]].type_name == "map"
        response[turning["output_token"]] = ({"pk": {"S": token}} if token else {}) if is_key else token
    model = operation_model(call)
    if "json" in model.service_model.resolved_protocol:
        return 200, json.dumps(response).encode()
    body = "".join(f"<{name}>{_query_value(value)}</{name}>" for name, value in response.items())
    if model.service_model.resolved_protocol == "rest-xml":
        return 200, f"<ListBucketResult>{body}</ListBucketResult>".encode()
    return 200, f"<{model.name}Response><{model.name}Result>{body}</{model.name}Result></{model.name}Response>".encode()


def _query_value(value: Any) -> str:
    return "" if value == [] else str(value).lower() if isinstance(value, bool) else str(value)


def count_pages(client: AwsClient, call: str) -> int:
    """How many pages there were."""
    pages = 0
    for _ in client.paginate(call.partition(":")[0], python_name(call), **minimal_params(call)):
        pages += 1
        assert pages < TOO_MANY, "it goes on for ever"
    return pages


@pytest.mark.parametrize("call", LISTINGS)
@pytest.mark.parametrize("tokens", [("a",), ("a", "b"), ("a", "b", "c", "b")])
def test_a_token_that_repeats_ends_with_an_error(
    call: str, tokens: tuple[str, ...], fixed_pages: FixedAnswer, page_client: AwsClient
) -> None:
    fixed_pages.asked, fixed_pages.turns = 0, [page_response(call, token) for token in tokens]
    with pytest.raises(AwsError) as failed:
        count_pages(page_client, call)
    assert failed.value.problem.code == "bad-answer"
    assert call in failed.value.problem.message


@pytest.mark.parametrize("call", LISTINGS)
def test_pages_end_where_no_more_is_told(call: str, fixed_pages: FixedAnswer, page_client: AwsClient) -> None:
    fixed_pages.asked, fixed_pages.turns = (
        0,
        [page_response(call, "a"), page_response(call, "b"), page_response(call, None, more=False)],
    )
    assert count_pages(page_client, call) == 3
    fixed_pages.asked, fixed_pages.turns = 0, [page_response(call, "", more=False)]  # as ListClusters has been recorded
    assert count_pages(page_client, call) == 1


@pytest.mark.parametrize("call", [call for call in LISTINGS if "more_results" in pagination_rules(call)])
def test_a_page_that_promises_more_and_names_no_way_to_it_is_an_error(
    call: str, fixed_pages: FixedAnswer, page_client: AwsClient
) -> None:
    fixed_pages.asked, fixed_pages.turns = 0, [page_response(call, None)]
    with pytest.raises(AwsError, match="page"):
        count_pages(page_client, call)


@pytest.mark.parametrize("call", LISTINGS)
def test_a_listing_is_asked_for_in_an_order_that_the_operation_takes(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def read_nothing(client: AwsClient, service: str, operation: str, **params: Any) -> dict[str, Any]:
        asked.append(params)
        return {}

    monkeypatch.setattr(AwsClient, "read", read_nothing)
    list(AwsClient(None, "us-east-1").paginate(call.partition(":")[0], python_name(call)))  # type: ignore[arg-type]
    model, (order,) = operation_model(call), asked
    taken = {name: shape for name, shape in model.input_shape.members.items() if name in ("SortBy", "SortOrder")}
    assert set(order) == set(taken), f"add {python_name(call)} to _ORDERS in opskit/aws/client.py"
    assert all(order[name] in (shape.enum or order.values()) for name, shape in taken.items())


READERS: dict[str, Callable[[AwsClient], Any]] = {
    "s3:ListObjectsV2": lambda client: list_object_keys(client, "123456789012", "bucket", "prefix/"),
    "iam:ListRoles": find_execution_role,
    "support:DescribeCases": read_open_cases,
    "logs:DescribeLogStreams": lambda client: list(TrainingLog("job").new_lines(client)),
}


@pytest.mark.parametrize("call", READERS)
def test_no_reader_turns_pages_of_its_own(
    call: str, fixed_pages: FixedAnswer, page_client: AwsClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opskit.aws.session import CallerIdentity

    monkeypatch.setattr(
        "opskit.aws.session.AwsSession.identity",
        lambda connection: CallerIdentity("123456789012", "arn:aws:iam::1:user/a"),
    )
    fixed_pages.asked, fixed_pages.turns = 0, [page_response(call, "a")]
    with pytest.raises(AwsError) as failed:
        READERS[call](page_client)
    assert fixed_pages.asked == 2
    assert call in failed.value.problem.message


def test_a_log_whose_tokens_go_round_ends_with_an_error(fixed_pages: FixedAnswer, page_client: AwsClient) -> None:
    def events(token: str) -> tuple[int, bytes]:
        told = {"events": [], "nextForwardToken": token, "nextBackwardToken": "b"}
        return 200, json.dumps(told).encode()

    streams = (200, json.dumps({"logStreams": [{"logStreamName": "job/algo-1"}]}).encode())
    fixed_pages.asked, fixed_pages.turns = 0, [streams, *([events("f/1"), events("f/2")] * TOO_MANY)]
    with pytest.raises(AwsError, match="logs:GetLogEvents"):
        list(TrainingLog("job").new_lines(page_client))
    assert fixed_pages.asked == 4
    fixed_pages.asked, fixed_pages.turns = (
        0,
        [streams, events("f/1"), events("f/1")],
    )  # which is how CloudWatch ends one
    assert list(TrainingLog("job").new_lines(page_client)) == []


def first_pages_only() -> Iterator[str]:
    """Where the source reads an operation that answers in pages, and names neither how many it wants nor reads on."""
    root = Path(opskit.__file__).parent
    for path in root.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        # To parse all of opskit takes most of a second.
        for node in ast.walk(ast.parse(source)) if ".read(" in source else ():
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="read"),
                    args=[ast.Constant(value=str(service)), ast.Constant(value=str(operation)), *_],
                    keywords=given,
                ):
                    rules = pagination_rules(f"{service}:{pascal_case(operation)}")
                    if rules and rules.get("limit_key") not in {each.arg for each in given}:
                        yield f"{path.relative_to(root.parent)}:{node.lineno} {operation}"
                case _:
                    continue


def test_no_listing_is_taken_for_whole_by_its_first_page() -> None:
    assert list(first_pages_only()) == [], "read these by AwsClient.paginate"
