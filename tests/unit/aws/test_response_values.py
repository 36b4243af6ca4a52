"""What is read has values of the types that AWS's own models give: text is no number, and no count is below zero."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.response_checks import UnreadableResponse
from opskit.aws.response_values import check_response_values
from opskit.core.exceptions import AwsError
from tests.fakes.api_models import EVERY_CALL, operation_model, output_members
from tests.fakes.fixed_answer_server import FixedAnswer, door_to, fixed_answer_server
from tests.slow import serves

OK = SimpleNamespace(status_code=200)
EXAMPLES = {
    "string": "x",
    "integer": 1,
    "long": 1,
    "float": 1.0,
    "double": 1,
    "boolean": True,
    "timestamp": datetime(2026, 1, 1, tzinfo=UTC),
    "blob": b"x",
}
DEEPEST = 4


def whole_value(shape: Any, depth: int = 0) -> Any:
    """A value with every member that its shape has, so many steps deep."""
    if shape.type_name in EXAMPLES:
        return EXAMPLES[shape.type_name]
    if depth == DEEPEST:
        return [] if shape.type_name == "list" else {}
    if shape.type_name == "list":
        return [whole_value(shape.member, depth + 1)]
    if shape.type_name == "map":
        return {"k": whole_value(shape.value, depth + 1)}
    return {name: whole_value(member, depth + 1) for name, member in shape.members.items()}


def changed_values(value: Any, shape: Any) -> Iterator[tuple[str, Any]]:
    """Every value with one thing in it of another type, and that thing's name; each is changed back before the next."""
    for key, member in parts_of(shape).items() if value else ():
        kept = value[key]
        for wrong in wrong_for(member):
            value[key] = wrong
            yield str(key), value
        value[key] = kept
        if member.type_name not in EXAMPLES:
            yield from changed_values(kept, member)


def parts_of(shape: Any) -> dict[Any, Any]:
    """The shapes of what ``whole_value`` puts into a list, a map or a structure, by their places."""
    if shape.type_name == "list":
        return {0: shape.member}
    return {"k": shape.value} if shape.type_name == "map" else dict(shape.members)


def wrong_for(shape: Any) -> list[Any]:
    if shape.name == "policyDocumentType":
        return []  # of which botocore makes a structure
    others = [wrong for kind, wrong in (*EXAMPLES.items(), ("list", []), ("map", {})) if not is_like(kind, shape)]
    return [*others, -1] if shape.type_name in ("integer", "long") and shape.metadata.get("min", -1) >= 0 else others


def is_like(kind: str, shape: Any) -> bool:
    alike = ({"integer", "long"}, {"integer", "long", "float", "double"}, {"map", "structure"})
    whole = shape.type_name in ("integer", "long") and EXAMPLES.get(kind) == 1 and kind == "double"
    number = shape.type_name in ("float", "double") and {kind, shape.type_name} <= alike[1]
    same = any({kind, shape.type_name} <= each for each in (alike[0], alike[2]))
    return kind == shape.type_name or whole or number or same


@pytest.mark.parametrize("call", [call for call in EVERY_CALL if output_members(call)])
def test_every_value_of_another_type_is_refused(call: str) -> None:
    model = operation_model(call)
    if model.has_streaming_output:
        return
    response = whole_value(model.output_shape)
    check_response_values(OK, response, model)
    for name, changed in changed_values(response, model.output_shape):
        with pytest.raises(UnreadableResponse):
            check_response_values(OK, response, model)
            pytest.fail(f"{name}: {str(changed)[:200]}")
    check_response_values(OK, response, model)


@pytest.fixture(scope="module")
@serves
def value_server() -> Iterator[tuple[FixedAnswer, AwsClient]]:
    with fixed_answer_server() as blunt:
        yield blunt, door_to(blunt)


@pytest.mark.parametrize(
    ("member", "told", "fits"),
    [
        ("CreationTime", "when", False),
        ("CreationTime", float("inf"), False),
        ("CreationTime", 1e300, False),
        ("CreationTime", {}, False),
        ("CreationTime", 1.7e9, True),
        ("CreationTime", "2026-01-01T00:00:00Z", True),
        ("FinalMetricDataList", [{"MetricName": "loss", "Value": "NaN"}], True),
        ("FinalMetricDataList", [{"MetricName": "loss", "Value": "high"}], False),
        ("FinalMetricDataList", [None], False),
        ("VpcConfig", {"Subnets": [None]}, True),
        ("VpcConfig", {"Subnets": 5}, False),
        ("ResourceConfig", {"InstanceCount": -1}, False),
        ("ResourceConfig", {"InstanceCount": "1"}, False),
        ("ResourceConfig", {"InstanceCount": None}, True),
        ("NewerThanThisModel", 5, True),
    ],
)
def test_a_value_on_the_wire_is_of_its_type(
    member: str,
    told: Any,
    fits: bool,
    value_server: tuple[FixedAnswer, AwsClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("opskit.aws.client.READ_TRIES", 1)
    monkeypatch.setattr("opskit.aws.pacing.RATES", {})
    server, client = value_server
    answer = {"TrainingJobName": "a", "TrainingJobStatus": "InProgress", member: told}
    server.answer = (200, json.dumps(answer).encode())
    if fits:
        assert client.read("sagemaker", "describe_training_job", TrainingJobName="a")["TrainingJobName"] == "a"
        return
    with pytest.raises(AwsError) as failed:
        client.read("sagemaker", "describe_training_job", TrainingJobName="a")
    assert failed.value.problem.code in ("bad-answer", "unreachable")
    assert "sagemaker:DescribeTrainingJob" in failed.value.problem.message
