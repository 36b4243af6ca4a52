"""What AWS, or whoever stands in its place, answers becomes one sentence."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from opskit.aws_errors import is_gone, translated
from opskit.errors import AwsFailure, Denied, Unreachable

PAGE = "<!doctype html>\n<title>500 Internal Server Error</title>\n<p>overloaded</p>\n"


@pytest.mark.parametrize(
    ("code", "said", "kind", "message"),
    [
        ("500", PAGE, AwsFailure, "s3:PutObject in us-east-1: 500: it answered with a web page"),
        ("403", PAGE, Denied, "You may not call s3:PutObject in us-east-1: it answered with a web page"),
        (
            "ValidationException",
            "1 error:\n  so",
            AwsFailure,
            "s3:PutObject in us-east-1: ValidationException: 1 error: so",
        ),
    ],
)
def test_a_page_is_not_repeated_and_a_sentence_is_one_line(
    code: str, said: str, kind: type[AwsFailure], message: str
) -> None:
    answer = {"Error": {"Code": code, "Message": said}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    failure = translated(ClientError(answer, "PutObject"), "s3:PutObject", "us-east-1", 10)
    assert type(failure) is kind
    assert failure.problem.message == message


def test_a_denial_names_the_action_that_is_to_be_allowed() -> None:
    said = "User: me is not authorized to perform: iam:PassRole on resource: role/x"
    answer = {"Error": {"Code": "AccessDeniedException", "Message": said}}
    failure = translated(ClientError(answer, "CreateTrainingJob"), "sagemaker:CreateTrainingJob", "us-east-1", 10)
    assert isinstance(failure, Denied)
    assert "Allow the action iam:PassRole" in failure.problem.hint


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
    failure = translated(ClientError(answer, "ListServiceQuotas"), "service-quotas:ListServiceQuotas", "us-east-1", 10)
    assert isinstance(failure, Denied)
    assert failure.problem.message == message
    assert " to me; `opskit iam policy`" in failure.problem.hint


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


def refusal(operation: str, code: str, said: str, **headers: str) -> Exception:
    metadata = {"HTTPStatusCode": 404 if code == "404" else 400, "HTTPHeaders": headers}
    answer = {"Error": {"Code": code, "Message": said}, "ResponseMetadata": metadata}
    return translated(ClientError(answer, operation), f"sagemaker:{operation}", "us-east-1", 10)


def said_to_be_gone(operation: str, code: str, said: str) -> bool:
    failure = refusal(operation, code, said)
    assert isinstance(failure, AwsFailure)
    return is_gone(failure)


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
    assert isinstance(refusal("HeadObject", "404", "Not Found"), Unreachable)
    ours = refusal("HeadObject", "404", "Not Found", **{"x-amz-request-id": "4442587FB7D0A2F9"})
    assert isinstance(ours, AwsFailure)
    assert ours.aws_code == "404"
