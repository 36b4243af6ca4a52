"""Every listing comes to an end, or to an error: a token that repeats, or is not there, never to a loop or to half."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opskit.aws import Door
from opskit.aws_answers import ALWAYS_TOLD
from opskit.errors import AwsFailure
from opskit.observe.roles import execution_role
from opskit.observe.storage import objects_under
from opskit.observe.support import open_cases
from opskit.observe.training_log import TrainingLog
from tests.unit.api_models import EVERY_CALL, asked, is_read, members, operation_model, paginator, python_name
from tests.unit.blunt_server import Blunt, blunt_server, door_to

ENDED_BY_ITS_OWN = {"logs:GetLogEvents"}
"""CloudWatch says that a log was read to its end by giving the same token again."""
LISTINGS = [call for call in EVERY_CALL if is_read(call) and paginator(call) and call not in ENDED_BY_ITS_OWN]
TOO_MANY = 20


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Blunt, Door]]:
    with blunt_server() as blunt:
        yield blunt, door_to(blunt)


@pytest.fixture
def blunt(server: tuple[Blunt, Door], monkeypatch: pytest.MonkeyPatch) -> Blunt:
    monkeypatch.setattr("opskit.aws._READ_TRIES", 1)
    monkeypatch.setattr("opskit.aws._RATES", {})
    return server[0]


@pytest.fixture
def door(server: tuple[Blunt, Door]) -> Door:
    return server[1]


def page(call: str, token: str | None, *, more: bool = True) -> tuple[int, bytes]:
    """A page without entries that promises more behind this token; None: it names none."""
    turning = paginator(call)
    told: dict[str, Any] = {name: [] if members(call)[name].type_name == "list" else "x" for name in ALWAYS_TOLD[call]}
    if "more_results" in turning:
        told[turning["more_results"]] = more
    if token is not None:
        told[turning["output_token"]] = token
    model = operation_model(call)
    if "json" in model.service_model.resolved_protocol:
        return 200, json.dumps(told).encode()
    body = "".join(f"<{name}>{_word(value)}</{name}>" for name, value in told.items())
    if model.service_model.resolved_protocol == "rest-xml":
        return 200, f"<ListBucketResult>{body}</ListBucketResult>".encode()
    return 200, f"<{model.name}Response><{model.name}Result>{body}</{model.name}Result></{model.name}Response>".encode()


def _word(value: Any) -> str:
    return "" if value == [] else str(value).lower() if isinstance(value, bool) else str(value)


def turn(door: Door, call: str) -> int:
    """How many pages there were."""
    pages = 0
    for _ in door.pages(call.partition(":")[0], python_name(call), **asked(call)):
        pages += 1
        assert pages < TOO_MANY, "it goes on for ever"
    return pages


@pytest.mark.parametrize("call", LISTINGS)
@pytest.mark.parametrize("tokens", [("a",), ("a", "b"), ("a", "b", "c", "b")])
def test_a_token_that_repeats_ends_with_an_error(call: str, tokens: tuple[str, ...], blunt: Blunt, door: Door) -> None:
    blunt.asked, blunt.turns = 0, [page(call, token) for token in tokens]
    with pytest.raises(AwsFailure) as failed:
        turn(door, call)
    assert failed.value.problem.code == "bad-answer"
    assert call in failed.value.problem.message


@pytest.mark.parametrize("call", LISTINGS)
def test_pages_end_where_no_more_is_told(call: str, blunt: Blunt, door: Door) -> None:
    blunt.asked, blunt.turns = 0, [page(call, "a"), page(call, "b"), page(call, None, more=False)]
    assert turn(door, call) == 3
    blunt.asked, blunt.turns = 0, [page(call, "", more=False)]  # as ListClusters has been recorded
    assert turn(door, call) == 1


@pytest.mark.parametrize("call", [call for call in LISTINGS if "more_results" in paginator(call)])
def test_a_page_that_promises_more_and_names_no_way_to_it_is_an_error(call: str, blunt: Blunt, door: Door) -> None:
    blunt.asked, blunt.turns = 0, [page(call, None)]
    with pytest.raises(AwsFailure, match="page"):
        turn(door, call)


READERS: dict[str, Callable[[Door], Any]] = {
    "s3:ListObjectsV2": lambda door: objects_under(door, "123456789012", "bucket", "prefix/"),
    "iam:ListRoles": execution_role,
    "support:DescribeCases": open_cases,
    "logs:DescribeLogStreams": lambda door: list(TrainingLog("job").new_lines(door)),
}


@pytest.mark.parametrize("call", READERS)
def test_no_reader_turns_pages_of_its_own(call: str, blunt: Blunt, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    from opskit.aws import Caller

    monkeypatch.setattr(
        "opskit.aws.Connection.caller", lambda connection: Caller("123456789012", "arn:aws:iam::1:user/a")
    )
    blunt.asked, blunt.turns = 0, [page(call, "a")]
    with pytest.raises(AwsFailure) as failed:
        READERS[call](door)
    assert blunt.asked == 2
    assert call in failed.value.problem.message


def test_a_log_whose_tokens_go_round_ends_with_an_error(blunt: Blunt, door: Door) -> None:
    def events(token: str) -> tuple[int, bytes]:
        told = {"events": [], "nextForwardToken": token, "nextBackwardToken": "b"}
        return 200, json.dumps(told).encode()

    streams = (200, json.dumps({"logStreams": [{"logStreamName": "job/algo-1"}]}).encode())
    blunt.asked, blunt.turns = 0, [streams, *([events("f/1"), events("f/2")] * TOO_MANY)]
    with pytest.raises(AwsFailure, match="logs:GetLogEvents"):
        list(TrainingLog("job").new_lines(door))
    assert blunt.asked == 4
    blunt.asked, blunt.turns = 0, [streams, events("f/1"), events("f/1")]  # which is how CloudWatch ends one
    assert list(TrainingLog("job").new_lines(door)) == []
