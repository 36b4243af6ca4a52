"""What AWS, or whoever stands in its place, answers becomes one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    ParamValidationError,
    UnauthorizedSSOTokenError,
)

from opskit.aws.errors import is_config_not_found, is_not_found, translate_error
from opskit.core.aws_names import iam_action
from opskit.core.exceptions import (
    CREDENTIAL_CODES,
    AccessDenied,
    AwsError,
    ClockSkew,
    CredentialsError,
    ExitCode,
    OutcomeUnknown,
    Throttled,
    Unreachable,
)

PAGE = "<!doctype html>\n<title>500 Internal Server Error</title>\n<p>overloaded</p>\n"


@pytest.mark.parametrize(
    ("code", "said", "kind", "message"),
    [
        ("500", PAGE, AwsError, "s3:PutObject in us-east-1: 500: it answered with a web page"),
        ("403", PAGE, AccessDenied, "You may not call s3:PutObject in us-east-1: it answered with a web page"),
        (
            "ValidationException",
            "1 error:\n  so",
            AwsError,
            "s3:PutObject in us-east-1: ValidationException: 1 error: so",
        ),
    ],
)
def test_a_page_is_not_repeated_and_a_sentence_is_one_line(
    code: str, said: str, kind: type[AwsError], message: str
) -> None:
    answer = {"Error": {"Code": code, "Message": said}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    failure = translate_error(ClientError(answer, "PutObject"), "s3:PutObject", "us-east-1", 10)
    assert type(failure) is kind
    assert failure.problem.message == message


def test_a_denial_names_the_action_that_is_to_be_allowed() -> None:
    said = "User: me is not authorized to perform: iam:PassRole on resource: role/x"
    answer = {"Error": {"Code": "AccessDeniedException", "Message": said}}
    failure = translate_error(ClientError(answer, "CreateTrainingJob"), "sagemaker:CreateTrainingJob", "us-east-1", 10)
    assert isinstance(failure, AccessDenied)
    assert "Allow the action iam:PassRole" in failure.problem.hint


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("HeadObject", "You may not call s3:HeadObject (IAM's s3:GetObject) in us-east-1: Forbidden"),
        ("HeadBucket", "You may not call s3:HeadBucket (IAM's s3:ListBucket) in us-east-1: Forbidden"),
        ("GetObject", "You may not call s3:GetObject in us-east-1: Forbidden"),
    ],
)
def test_a_denial_without_a_text_names_iam_s_own_action(operation: str, message: str) -> None:
    answer = {"Error": {"Code": "403", "Message": "Forbidden"}}
    failure = translate_error(ClientError(answer, operation), f"s3:{operation}", "us-east-1", 10)
    assert isinstance(failure, AccessDenied)
    assert failure.problem.message == message
    assert f"Allow the action {iam_action(f's3:{operation}')}; " in failure.problem.hint


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "User: me is not authorized to perform: servicequotas:ListServiceQuotas on resource: * because no "
            "identity-based policy allows the servicequotas:ListServiceQuotas action",
            "You may not call servicequotas:ListServiceQuotas in us-east-1: no identity-based policy allows it",
        ),
        (
            "User: me is not authorized to perform: servicequotas:ListServiceQuotas on resource: arn:x with an "
            "explicit deny in a service control policy",
            "You may not call servicequotas:ListServiceQuotas on arn:x in us-east-1: an explicit deny in a service "
            "control policy",
        ),
        (
            "User: me is not authorized to perform: iam:PassRole on resource: * because no session policy allows the "
            "iam:PassRole action",
            "You may not call service-quotas:ListServiceQuotas in us-east-1: User: me is not authorized to perform: "
            "iam:PassRole on resource: * because no session policy allows the iam:PassRole action",
        ),
    ],
)
def test_a_denial_says_once_what_may_not_be_done_and_why_and_whom_to_allow_it(said: str, message: str) -> None:
    answer = {"Error": {"Code": "AccessDeniedException", "Message": said}}
    failure = translate_error(
        ClientError(answer, "ListServiceQuotas"), "service-quotas:ListServiceQuotas", "us-east-1", 10
    )
    assert isinstance(failure, AccessDenied)
    assert failure.problem.message == message
    step = "whoever manages that policy" if "explicit deny" in said else " to me; `opskit iam policy`"
    assert step in failure.problem.hint


ARN = "arn:aws:sagemaker:us-east-1:123456789012"
THERE_NO_MORE = [
    ("DescribeEndpoint", f'Could not find endpoint "{ARN}:endpoint/e".'),
    ("DeleteEndpoint", f'Could not find endpoint "{ARN}:endpoint/e".'),
    ("DescribeEndpointConfig", f'Could not find endpoint configuration "{ARN}:endpoint-config/e".'),
    ("DeleteEndpointConfig", f'Could not find endpoint configuration "{ARN}:endpoint-config/e".'),
    ("DescribeModel", f'Could not find model "{ARN}:model/m".'),
    ("DeleteModel", f'Could not find model "{ARN}:model/m".'),
    ("DescribeTrainingJob", "Requested resource not found."),
    ("DescribeTransformJob", "Could not find requested job with name: t"),
    ("DescribeProcessingJob", "Could not find requested job with name: p"),
    ("DescribeNotebookInstance", "RecordNotFound"),
    ("DescribeApp", "RecordNotFound"),
]
ABOUT_SOMETHING_ELSE = [
    "Could not find model data at s3://bucket/model.tar.gz.",
    "Could not assume role arn:aws:iam::123456789012:role/x: the role was not found",
    "The image 123.dkr.ecr.us-east-1.amazonaws.com/x does not exist",
    "Code Repository (x) not found.",
    "1 validation error detected: Value 'x' at 'name' does not exist",
    "Cannot find the subnet subnet-1",
    "not found",
    "",
]


def translated_refusal(operation: str, code: str, said: str, **headers: str) -> Exception:
    metadata = {"HTTPStatusCode": 404 if code == "404" else 400, "HTTPHeaders": headers}
    answer = {"Error": {"Code": code, "Message": said}, "ResponseMetadata": metadata}
    return translate_error(ClientError(answer, operation), f"sagemaker:{operation}", "us-east-1", 10)


def said_to_be_gone(operation: str, code: str, said: str) -> bool:
    failure = translated_refusal(operation, code, said)
    assert isinstance(failure, AwsError)
    return is_not_found(failure)


@pytest.mark.parametrize(("operation", "said"), THERE_NO_MORE)
def test_a_resource_is_gone_by_its_operations_own_sentence(operation: str, said: str) -> None:
    assert said_to_be_gone(operation, "ValidationException", said)
    assert said_to_be_gone(operation, "ResourceNotFound", "whatever")
    assert not said_to_be_gone(operation, "AccessDeniedException", said)
    others = {text for _, text in THERE_NO_MORE if text.split(" ")[:5] != said.split(" ")[:5]}
    jobs = {"Requested resource not found."} | {text for text in others if "requested job" in text}
    for other in [*ABOUT_SOMETHING_ELSE, *(others - jobs)]:
        assert not said_to_be_gone(operation, "ValidationException", other), other


@pytest.mark.parametrize("operation", ["CreateEndpoint", "CreateTransformJob", "StopNotebookInstance", "AddTags"])
@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound", "RecordNotFound"])
def test_an_operation_on_something_says_nothing_of_its_absence(operation: str, code: str) -> None:
    for _, said in THERE_NO_MORE:
        assert not said_to_be_gone(operation, code, said)


@pytest.mark.parametrize("said", [said for _, said in THERE_NO_MORE])
def test_what_has_no_tags_to_list_is_gone_whatever_it_was(said: str) -> None:
    assert said_to_be_gone("ListTags", "ValidationException", said)
    assert not any(said_to_be_gone("ListTags", "ValidationException", other) for other in ABOUT_SOMETHING_ELSE)


def test_a_404_that_aws_did_not_sign_is_no_absence() -> None:
    """To HEAD S3 answers 404 without a body; so does any proxy."""
    assert isinstance(translated_refusal("HeadObject", "404", "Not Found"), Unreachable)
    ours = translated_refusal("HeadObject", "404", "Not Found", **{"x-amz-request-id": "4442587FB7D0A2F9"})
    assert isinstance(ours, AwsError)
    assert ours.aws_code == "404"


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("DescribeTrainingJob", "ResourceNotFound"),
        ("GetObject", "NoSuchKey"),
        ("HeadBucket", "NoSuchBucket"),
        ("X", "404"),
    ],
)
def test_whatever_a_404_says_that_aws_did_not_sign_is_no_absence(operation: str, code: str) -> None:
    def translated(headers: dict[str, str]) -> Exception:
        metadata = {"HTTPStatusCode": 404, "HTTPHeaders": headers}
        answer = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": metadata}
        return translate_error(ClientError(answer, operation), f"sagemaker:{operation}", "us-east-1", 10)

    bare = translated({"server": "nginx"})
    assert isinstance(bare, Unreachable)
    assert not is_not_found(bare)
    assert not isinstance(translated({"x-amzn-requestid": "4442587FB7D0A2F9"}), Unreachable)


TOKEN = "IQoJb3JpZ2luX2VjEHsaCXVzLWVhc3QtMSJHMEUCIQDhunter2"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request "
    f"should have been\n'POST\n/\n\nhost:api.sagemaker.aws\nx-amz-date:20261126T080000Z\nx-amz-security-token:{TOKEN}\n"
    "\nhost;x-amz-date;x-amz-security-token\ndeadbeef'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n"
    "20261126T080000Z\n20261126/us-east-1/sagemaker/aws4_request\ndeadbeef'"
)
EXPIRED = "Signature expired: 20261126T060000Z is now earlier than 20261126T075500Z (20261126T080000Z - 5 min.)"
AHEAD = "Signature not yet current: 20261126T100000Z is still later than 20261126T080500Z (20261126T080000Z + 5 min.)"
SKEWED = "The difference between the request time and the current time is too large."


@pytest.mark.parametrize(
    ("code", "said", "how"),
    [
        ("InvalidSignatureException", EXPIRED, "120 min behind"),
        ("InvalidSignatureException", AHEAD, "120 min ahead of"),
        ("SignatureDoesNotMatch", EXPIRED, "120 min behind"),
        ("SignatureDoesNotMatch", AHEAD, "120 min ahead of"),
        ("SignatureDoesNotMatch", "Signature expired: yesterday", "too far from"),
        ("SignatureDoesNotMatch", EXPIRED.replace("20261126", "20261399"), "too far from"),
        ("RequestTimeTooSkewed", SKEWED, "too far from"),
        ("RequestExpired", "Request has expired.", "too far from"),
    ],
)
@pytest.mark.parametrize("writes", [False, True])
def test_a_wrong_clock_is_said_to_be_one(code: str, said: str, how: str, writes: bool) -> None:
    failure = translate_error(
        ClientError(error_response(code, said), "X"), "sagemaker:X", "us-east-1", 10, writes=writes
    )
    assert isinstance(failure, ClockSkew)
    assert failure.exit is ExitCode.AWS_ERROR
    assert failure.problem.code in CREDENTIAL_CODES
    assert failure.problem.message == f"This machine's clock is {how} AWS's."
    assert failure.aws_message == said
    assert "Set the clock" in failure.problem.hint


@pytest.mark.parametrize("code", ["InvalidSignatureException", "SignatureDoesNotMatch"])
def test_a_wrong_secret_key_is_said_to_be_one_and_nothing_of_the_request_is_repeated(code: str) -> None:
    failure = translated_refusal("ListModels", code, MISMATCH)
    assert isinstance(failure, CredentialsError)
    assert not isinstance(failure, ClockSkew)
    assert (failure.problem.code, failure.exit) == ("credentials-refused", ExitCode.AWS_ERROR)
    assert "secret access key" in failure.problem.message
    told = f"{failure.problem} {failure.aws_message} {failure}"
    assert not any(word in told for word in (TOKEN, "Canonical", "deadbeef", "20261126"))


def test_a_signature_for_another_place_says_which() -> None:
    failure = translated_refusal(
        "ListModels", "InvalidSignatureException", "Credential should be scoped to a valid region."
    )
    assert isinstance(failure, CredentialsError)
    assert "scoped to a valid region" in failure.problem.message


SECRETS = [
    f"the token {TOKEN} is not known",
    "GET "
    "https://bucket.s3.amazonaws.com/k?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2&X-Amz-Security-Token=hunter2",
    "in Authorization header: 'AWS4-HMAC-SHA256 Credential=hunter2, Signature=hunter2'",
    "cannot open https://n.notebook.us-east-1.sagemaker.aws?authToken=hunter2",
    "aws_secret_access_key = hunter2",
]


@pytest.mark.parametrize("said", SECRETS)
@pytest.mark.parametrize(
    "code", ["ValidationException", "AccessDenied", "OptInRequired", "ExpiredToken", "InternalFailure", "Throttling"]
)
@pytest.mark.parametrize("writes", [False, True])
def test_no_secret_gets_past_the_translation(said: str, code: str, writes: bool) -> None:
    failure = translate_error(
        ClientError(error_response(code, said), "X"), "sagemaker:X", "us-east-1", 10, writes=writes
    )
    assert isinstance(failure, AwsError)
    told = f"{failure.problem} {failure.aws_message} {failure}"
    assert "hunter2" not in told


@pytest.mark.parametrize("said", SECRETS)
def test_what_botocore_says_itself_is_cleaned_too(said: str) -> None:
    failures: list[Exception] = [
        CredentialRetrievalError(provider="custom-process", error_msg=said),
        ParamValidationError(report=said),
        ClientError(error_response("Weird", said), "X"),
        EndpointConnectionError(endpoint_url=said),
        UnauthorizedSSOTokenError(error_msg=said),
    ]
    for error in failures:
        failure = translate_error(error, "sagemaker:X", "us-east-1", 10)
        assert isinstance(failure, AwsError)
        assert "hunter2" not in f"{failure.problem} {failure.aws_message} {failure}", error


def error_response(code: str, said: str) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": said}, "ResponseMetadata": {"HTTPStatusCode": 400}}


@pytest.mark.parametrize(("code", "is_aws"), [("ThrottlingException", True), ("429", False), ("Unknown", False)])
@pytest.mark.parametrize("writes", [True, False])
def test_a_429_that_is_not_in_aws_words_leaves_a_write_unknown(code: str, is_aws: bool, writes: bool) -> None:
    answer = {"Error": {"Code": code, "Message": "slow"}, "ResponseMetadata": {"HTTPStatusCode": 429}}
    failure = translate_error(ClientError(answer, "CreateCase"), "support:CreateCase", "r", 1, writes=writes)
    assert isinstance(failure, OutcomeUnknown if writes and not is_aws else Throttled)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:1:endpoint-config/c".', True),
        ('Could not find endpoint "arn:aws:sagemaker:us-east-1:1:endpoint/c".', False),
        ("1 validation error detected", False),
    ],
)
def test_a_configuration_that_is_not_seen_yet_is_told_from_other_refusals(said: str, expected: bool) -> None:
    failure = AwsError("aws-refused", said, aws_code="ValidationException", aws_message=said)
    assert is_config_not_found(failure) is expected


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("us-esat-1", "us-east-1"),
        ("us-east", "us-east-1"),
        ("US-EAST-1", "us-east-1"),
        ("eu-cental-1", "eu-central-1"),
        ("us-east-1", ""),
        ("xx", ""),
    ],
)
def test_a_region_that_nobody_answers_for_may_be_misspelt(typed: str, meant: str) -> None:
    failure = translate_error(EndpointConnectionError(endpoint_url=f"https://api.{typed}"), "sts:GetX", typed, 10)
    assert isinstance(failure, Unreachable)
    assert ("did you mean" in failure.problem.hint, meant in failure.problem.hint) == (bool(meant), True)
