"""An answer that says nothing is a failure of the call, in every protocol and for every operation opskit uses."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.response_checks import LEFT_OUT_WHEN_EMPTY, REQUIRED_MEMBERS, UnreadableResponse, check_response_members
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import AwsError, OutcomeUnknown
from tests.fakes.api_models import (
    EVERY_CALL,
    is_read,
    minimal_params,
    operation_model,
    output_members,
    pagination_rules,
    python_name,
    service_model,
)
from tests.fakes.fixed_answer_server import Bytes, FixedAnswer, door_to, fixed_answer_server
from tests.slow import serves

PAGE = b"<!doctype html><html><title>Sign in to the network</title></html>"
NOTHING: dict[str, Bytes] = {
    "empty": (200, b""),
    "no-members": (200, b"{}"),
    "blanks": (200, b" \r\n\t "),
    "no-content": (204, b""),
    "null": (200, b"null"),
    "list": (200, b"[]"),
    "page": (200, PAGE),
    "message": (200, b'{"message": "Endpoint request timed out"}'),
    "xml-root": (200, b"<?xml version='1.0'?><Response/>"),
}


@pytest.fixture(scope="module")
@serves
def fixed_server() -> Iterator[FixedAnswer]:
    with fixed_answer_server() as blunt:
        yield blunt


@pytest.fixture(scope="module")
def patient_client(fixed_server: FixedAnswer) -> AwsClient:
    return door_to(fixed_server)


@pytest.fixture
def hurried_client(patient_client: AwsClient, monkeypatch: pytest.MonkeyPatch) -> AwsClient:
    monkeypatch.setattr("opskit.aws.client.READ_TRIES", 1)
    monkeypatch.setattr("opskit.aws.pacing.RATES", {})
    return patient_client


@pytest.mark.parametrize("call", [call for call in EVERY_CALL if is_read(call)])
def test_nothing_that_is_read_may_be_empty(call: str, fixed_server: FixedAnswer, hurried_client: AwsClient) -> None:
    service, _, _ = call.partition(":")
    for instance_type, answer in NOTHING.items():
        if operation_model(call).has_streaming_output and call.endswith("InvokeEndpoint"):
            continue  # any bytes may be what a container says: whoever asks has to know its language
        fixed_server.answer = answer
        with pytest.raises(AwsError) as failed:
            response = hurried_client.read(service, python_name(call), **minimal_params(call))
            pytest.fail(f"{instance_type}: {response}")
        assert failed.value.transient, instance_type
        # aws-refused: botocore itself makes a 500 of a page that S3 seems to give
        assert failed.value.problem.code in ("bad-answer", "unreachable", "aws-refused"), instance_type
        assert call in failed.value.problem.message


@pytest.mark.parametrize("call", [call for call in EVERY_CALL if not is_read(call) and output_members(call)])
def test_a_write_that_should_say_what_it_did_and_does_not_is_unknown(
    call: str, fixed_server: FixedAnswer, hurried_client: AwsClient
) -> None:
    for instance_type, answer in NOTHING.items():
        fixed_server.answer, before = answer, fixed_server.asked
        with pytest.raises(OutcomeUnknown):
            response = AwsWriter(hurried_client).call(call.partition(":")[0], python_name(call), **minimal_params(call))
            pytest.fail(f"{instance_type}: {response}")
        assert fixed_server.asked == before + 1, "a write is sent once"


@pytest.mark.parametrize("call", [call for call in EVERY_CALL if not is_read(call) and not output_members(call)])
def test_a_write_that_has_nothing_to_say_may_say_nothing_but_no_page(
    call: str, fixed_server: FixedAnswer, hurried_client: AwsClient
) -> None:
    service, _, operation = call.partition(":")
    in_json = "json" in service_model(service).resolved_protocol
    silence = [b"", b"{}", b" \n"] if in_json else [f"<{operation}Response/>".encode()]
    for body in silence:
        fixed_server.answer = (200, body)
        AwsWriter(hurried_client).call(service, python_name(call), **minimal_params(call))
    for body in (PAGE, b"<html/>", b"[]", b"OK", b"null"):
        fixed_server.answer = (200, body)
        with pytest.raises(OutcomeUnknown):
            AwsWriter(hurried_client).call(service, python_name(call), **minimal_params(call))
            pytest.fail(repr(body))


def test_a_deletion_in_quiet_mode_says_nothing_in_its_own_words(
    fixed_server: FixedAnswer, hurried_client: AwsClient
) -> None:
    fixed_server.answer = (200, b'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>')
    assert "Errors" not in AwsWriter(hurried_client).call("s3", "delete_objects", **minimal_params("s3:DeleteObjects"))


@pytest.mark.parametrize("told", [b'{"Quotas": {}}', b'{"Quotas": ""}', b'{"Quotas": null}', b'{"Quotas": 0}'])
def test_what_is_no_list_is_no_empty_list(told: bytes, fixed_server: FixedAnswer, hurried_client: AwsClient) -> None:
    fixed_server.answer = (200, told)
    with pytest.raises(AwsError):
        hurried_client.read("service-quotas", "list_service_quotas", ServiceCode="sagemaker")
    fixed_server.answer = (200, b'{"Quotas": []}')
    assert hurried_client.read("service-quotas", "list_service_quotas", ServiceCode="sagemaker")["Quotas"] == []


def test_an_answer_that_is_only_half_of_one_is_none(fixed_server: FixedAnswer, hurried_client: AwsClient) -> None:
    whole = b'{"Quotas": [{"QuotaName": "a", "Value": 1.0}]}'
    fixed_server.answer = (200, whole)
    assert hurried_client.read("service-quotas", "list_service_quotas", ServiceCode="sagemaker")["Quotas"]
    for at in range(len(whole)):
        fixed_server.answer = (200, whole[:at])
        with pytest.raises(AwsError):
            hurried_client.read("service-quotas", "list_service_quotas", ServiceCode="sagemaker")


@pytest.mark.parametrize("call", REQUIRED_MEMBERS)
def test_each_member_that_is_always_told_is_missed(call: str) -> None:
    model, ok = operation_model(call), SimpleNamespace(status_code=200)
    whole: dict[str, Any] = dict.fromkeys(output_members(call), "told")
    check_response_members(ok, whole, model)
    for member in REQUIRED_MEMBERS[call]:
        for gone in ({}, {member: None}, {member: ""}):
            with pytest.raises(UnreadableResponse, match=member):
                check_response_members(ok, {**{name: whole[name] for name in whole if name != member}, **gone}, model)
    check_response_members(SimpleNamespace(status_code=400), {}, model)


@pytest.mark.parametrize("call", [call for call in EVERY_CALL if output_members(call)])
def test_what_an_operation_must_tell_stands_in_a_table(call: str) -> None:
    told = f"add what {call} always answers to REQUIRED_MEMBERS in opskit/aws/response_checks.py"
    assert call in {**REQUIRED_MEMBERS, **LEFT_OUT_WHEN_EMPTY}, told
    left_out = LEFT_OUT_WHEN_EMPTY[call].members if call in LEFT_OUT_WHEN_EMPTY else ()
    for name in (*REQUIRED_MEMBERS.get(call, ()), *left_out):
        assert name in output_members(call)
    for listed in listed_by(call):
        assert listed in (*REQUIRED_MEMBERS.get(call, ()), *left_out), "an empty listing and none must not be the same"


def listed_by(call: str) -> list[str]:
    """The lists for whose sake an operation has pages."""
    keys = pagination_rules(call).get("result_key", [])
    return [
        key for key in ([keys] if isinstance(keys, str) else keys) if key in output_members(call) and key != "Messages"
    ]


@pytest.mark.parametrize("known", LEFT_OUT_WHEN_EMPTY.values())
def test_what_may_be_left_out_says_how_that_is_known(known: Any) -> None:
    assert "API Reference" in known.source
