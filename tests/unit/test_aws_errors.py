"""What AWS, or whoever stands in its place, answers becomes one sentence."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from opskit.aws_errors import translated
from opskit.errors import AwsFailure, Denied

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
