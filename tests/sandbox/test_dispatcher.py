"""Whatever is sent to the sandbox, AWS's own kind of answer comes back, and never a server error."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from opskit.sandbox import server
from opskit.sandbox.api_models import input_shape
from opskit.sandbox.caller_check import OWN_PEER
from opskit.sandbox.dispatcher import Dispatcher
from opskit.sandbox.response_shapes import shape_output
from opskit.sandbox.server import Sandbox

TARGETS = {
    "sagemaker": ("SageMaker", "sagemaker"),
    "service-quotas": ("ServiceQuotasV20190624", "servicequotas"),
    "support": ("AWSSupport_20130415", "support"),
    "cloudwatch": ("GraniteServiceVersion20100801", "monitoring"),
    "pricing": ("AWSPriceListService", "pricing"),
    "cloudtrail": ("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "cloudtrail"),
    "resourcegroupstaggingapi": ("ResourceGroupsTaggingAPI_20170126", "tagging"),
    "organizations": ("AWSOrganizationsV20161128", "organizations"),
}

Call = Callable[[str, str, bytes], Any]


@pytest.fixture
def call_operation(slow_sandbox: Sandbox, post_raw: Any) -> Call:
    """Sends a body to an operation of a service, signed for that service."""

    def one(service: str, operation: str, body: bytes) -> Any:
        if service == "account":
            return post_raw(f"{slow_sandbox.url}/{operation[0].lower()}{operation[1:]}", "", body, service)
        prefix, signed = TARGETS[service]
        return post_raw(slow_sandbox.url, f"{prefix}.{operation}", body, signed)

    return one


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "SerializationException"),
        (b"\xff\xfe", "SerializationException"),
        (b"[]", "SerializationException"),
        (b'"text"', "SerializationException"),
        (b"{}", "IllegalArgumentException"),
        (b"", "IllegalArgumentException"),
        (b'{"ServiceCode": 5}', "IllegalArgumentException"),
        (b'{"ServiceCode": "sagemaker", "MaxResults": 101}', "IllegalArgumentException"),
        (b'{"ServiceCode": "sagemaker", "MaxResults": NaN}', "IllegalArgumentException"),
        (b'{"ServiceCode": "sagemaker", "MaxResults": 1.5}', "IllegalArgumentException"),
        (b'{"ServiceCode": "sagemaker", "QuotaAppliedAtLevel": "MOON"}', "IllegalArgumentException"),
        (b'{"ServiceCode": "no service"}', "IllegalArgumentException"),
    ],
)
def test_bad_input_gets_awss_own_error(body: bytes, code: str, call_operation: Call) -> None:
    reply = call_operation("service-quotas", "ListServiceQuotas", body)
    assert (reply.status, reply.code) == (400, code)


@pytest.mark.parametrize("service", TARGETS)
def test_an_operation_that_is_none_is_not_recognised(service: str, call_operation: Call) -> None:
    reply = call_operation(service, "MakeCoffee", b"{}")
    assert (reply.status, reply.code) == (400, "UnknownOperationException")


def test_an_operation_that_moto_lacks_is_not_recognised_either(call_operation: Call) -> None:
    reply = call_operation("sagemaker", "ListFlowDefinitions", b"{}")
    assert (reply.status, reply.code) == (400, "UnknownOperationException")


@pytest.mark.parametrize("target", ["Nope.Nope", "Nope", "SageMaker", ".", "SageMaker.", "é.é"])
def test_a_target_that_is_none_is_refused(target: str, slow_sandbox: Sandbox, post_raw: Any) -> None:
    reply = post_raw(slow_sandbox.url, target.encode().decode("latin-1"), b"{}", "nosuchservice")
    assert 400 <= reply.status < 500


def test_a_signature_for_another_service_is_refused(slow_sandbox: Sandbox, post_raw: Any) -> None:
    reply = post_raw(slow_sandbox.url, "SageMaker.ListModels", b"{}", "s3")
    assert (reply.status, reply.code) == (403, "InvalidSignatureException")


def test_an_action_that_no_xml_service_has_is_an_aws_error_too(fresh_account: Any) -> None:
    with pytest.raises(ClientError) as error:
        fresh_account.client("iam").generate_organizations_access_report(EntityPath="o-abcdefghij/r-abcd")
    assert error.value.response["Error"]["Code"] == "InvalidAction"


def test_what_is_missing_is_named_as_aws_names_it(call_operation: Call) -> None:
    reply = call_operation("sagemaker", "CreateTransformJob", b"{}")
    text = json.loads(reply.body)["message"]
    assert reply.code == "ValidationException"
    assert text.startswith("5 validation errors detected: ")
    assert "Value null at 'transformJobName' failed to satisfy constraint: Member must not be null" in text


PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "timestamp": st.one_of(st.integers(0, 2 * 10**9), st.floats(), st.text(max_size=10), st.integers()),
    "float": st.floats(0, 100),
    "double": st.floats(0, 100),
}


def value_for(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a shape, mostly right, sometimes not at all."""
    right = _valid_value(shape, depth)
    return st.one_of(right, right, right, right, JUNK) if depth else right


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.none(), max_size=2),
    st.just({"Unknown": {}}),
)
WORDS = st.sampled_from(
    [
        "sagemaker",
        "L-A373146E",
        "L-04CE2E67",
        "AmazonSageMaker",
        "us-east-1",
        "ml.m4.xlarge",
        "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole-20240101T120000",
        "arn:aws:sagemaker:us-east-1:123456789012:training-job/a",
        "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/a",
        "s3://bucket/key",
        "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1",
        "2026-01-01T00:00:00Z",
        "instanceName",
        "a",
        "",
    ]
)


def _valid_value(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    match shape.type_name:
        case "structure":
            return _valid_structure(shape, depth)
        case "list":
            return st.lists(value_for(shape.member, depth + 1), max_size=2)
        case "map":
            return st.dictionaries(WORDS, value_for(shape.value, depth + 1), max_size=2)
        case "string":
            return st.sampled_from(shape.enum) if shape.enum else st.one_of(WORDS, WORDS, st.text(max_size=20))
        case "integer" | "long":
            low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 1000)
            return st.integers(int(low), int(high))
        case kind:
            return PLAIN.get(kind, st.text(max_size=8))


def _valid_structure(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    if depth > 4:
        return st.just({})
    required = {name: value_for(shape.members[name], depth + 1) for name in shape.required_members}
    optional = {name: value_for(member, depth + 1) for name, member in shape.members.items() if name not in required}
    few = st.lists(st.sampled_from(sorted(optional)), max_size=4, unique=True) if optional else st.just([])
    return few.flatmap(lambda names: st.fixed_dictionaries(required | {name: optional[name] for name in names}))


def owned_operations() -> list[tuple[str, str]]:
    """Every operation that some service of the sandbox answers itself."""
    found: set[tuple[str, str]] = set()
    for thing in vars(server).values():
        if isinstance(thing, type):
            for method in vars(thing).values():
                found.update(getattr(method, "owned", []))
    return sorted(found)


def test_the_owned_operations_are_those_the_sandbox_says(slow_sandbox: Sandbox) -> None:
    assert set(owned_operations()) == slow_sandbox.own_operations
    assert len(slow_sandbox.own_operations) > 40


@pytest.mark.parametrize("examples", [10, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.parametrize(("service", "operation"), owned_operations())
def test_no_input_makes_an_owned_operation_fail(
    service: str, operation: str, examples: int, call_operation: Call
) -> None:
    shape = input_shape(service, operation)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @example(params={})
    @given(params=value_for(shape) if shape else st.just({}))
    def holds(params: dict[str, Any]) -> None:
        reply = call_operation(service, operation, json.dumps(params).encode())
        assert reply.status < 500, (params, reply.body)

    holds()


def test_an_answer_that_breaks_the_model_never_leaves() -> None:
    with pytest.raises(LookupError, match="unknown"):
        shape_output("service-quotas", "GetServiceQuota", {"Quota": {"Colour": "red"}})
    with pytest.raises(LookupError, match="missing"):
        shape_output("sagemaker", "CreateTrainingJob", {})


SIGNED = "AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/sagemaker/aws4_request, Signature=0"
ASKS = {"X-Amz-Target": "SageMaker.ListModels", "Authorization": SIGNED}


def dispatcher_answering(answer: dict[str, Any]) -> Client:
    """A client of a sandbox whose ListModels answers just this."""
    asked = Dispatcher(moto=lambda environ, start_response: [])
    asked.operations["sagemaker", "ListModels"] = lambda call: answer
    # As the server finds it where the request comes from a process of its own user.
    return Client(lambda environ, start_response: asked({**environ, OWN_PEER: True}, start_response))


def status_and_type(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, json.loads(answer.data).get("__type")


def test_a_room_that_is_broken_says_so_as_aws_does() -> None:
    assert status_and_type(dispatcher_answering({"Nonsense": 1}).post("/", headers=ASKS, data=b"{}")) == (
        500,
        "InternalFailure",
    )


@pytest.mark.parametrize(
    "more",
    [
        {"Origin": "https://site.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1.site.example"},
        {"Host": "site.example:5000"},
        {"Host": "127.0.0.1.site.example"},
        {"Host": "[", "Origin": "http://localhost"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
def test_a_web_page_that_the_user_has_open_is_not_let_in(method: str, more: dict[str, str]) -> None:
    answer = dispatcher_answering({"Models": []}).open("/", method=method, headers=ASKS | more, data=b"{}")
    assert status_and_type(answer) == (403, "AccessDeniedException")
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "more",
    [
        {"Host": "localhost:5000"},
        {"Host": "bucket.localhost"},
        {"Host": "123456789012.127.0.0.1:5000"},
        {"Host": "[::1]:5000"},
        {"Origin": "http://localhost:3000"},
    ],
)
def test_programs_on_this_machine_are(more: dict[str, str]) -> None:
    assert dispatcher_answering({"Models": []}).post("/", headers=ASKS | more, data=b"{}").status_code == 200


def test_who_does_not_sign_is_refused() -> None:
    unsigned = {"X-Amz-Target": "SageMaker.ListModels"}
    answer = dispatcher_answering({"Models": []}).post("/", headers=unsigned, data=b"{}")
    assert status_and_type(answer) == (403, "MissingAuthenticationTokenException")


def test_a_body_that_breaks_off_is_no_json() -> None:
    answer = dispatcher_answering({"Models": []}).post(
        "/", headers=ASKS, input_stream=BytesIO(b"{"), content_length=100
    )
    assert status_and_type(answer) == (400, "SerializationException")


def test_what_no_xml_can_repeat_is_refused(fresh_account: Any) -> None:
    with pytest.raises(ClientError, match="ValidationError"):
        fresh_account.client("iam").get_role(RoleName="a\x0cb")


def test_motos_own_pages_are_not_there(slow_sandbox: Sandbox, post_raw: Any) -> None:
    assert post_raw(f"{slow_sandbox.url}/moto-api/reset", "", b"", "nothing").status == 400


def test_a_body_without_end_is_not_read() -> None:
    answer = dispatcher_answering({"Models": []}).post("/", headers=ASKS, data=b" " * (17 * 2**20))
    assert status_and_type(answer) == (413, "RequestEntityTooLargeException")
