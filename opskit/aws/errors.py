"""AWS's errors in the user's words: what each means, what to do, and whether the same call may well succeed soon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opskit.aws.response_checks import UnreadableResponse
from opskit.core.exceptions import (
    CLOCK_SKEW,
    SET_CLOCK,
    AccessDenied,
    AwsError,
    ClockSkew,
    CredentialsError,
    OutcomeUnknown,
    Throttled,
    Unreachable,
)
from opskit.core.message_phrases import (
    ACCESS_DENIED,
    CLOCK_IS_OFF,
    CREDENTIALS_REFUSED,
    NO_ANSWER_WITHIN,
    NOT_REACHED,
    REGION_NOT_ENABLED,
    THROTTLED,
)
from opskit.core.redaction import redact_secrets

RENEW_HINT = (
    "Run `aws configure`, `aws sso login`, or set AWS_PROFILE; `aws sts get-caller-identity` shows who you are."
)
_LOOK_FIRST = "Run the command again: it looks first."
_REGION_NOT_ENABLED_HINT = "A Region that is not enabled for the account answers so, too."

_DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
_DENIED_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html has the forms of this sentence.
_DENIAL_SENTENCE = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w-]+:(?P<name>\w+))"
    r"(?: on resource: (?P<what>\S+))? (?:because|with) (?P<why>.+?)(?: the [\w-]+:\w+ action)?\.?"
)
_THROTTLED_CODES = {
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
}
_EXPIRED_CODES = {
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId",
    "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure",
}  # fmt: skip
# S3 and EC2 have codes of their own for a clock that is off; the others say it in the text of a signature's refusal.
_OFF_THE_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
_CLOCK_IS_OFF = re.compile(r"signature (?:expired|not yet current)", re.IGNORECASE)
_MISSIGNED = {
    "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException",
}  # fmt: skip
_TIMES = re.compile(r"(\d{8}T\d{6}Z) is .*\((\d{8}T\d{6}Z) [-+]")
_OTHER_KEY = re.compile(r"signature we calculated does not match", re.IGNORECASE)
_NOT_ENABLED_CODE = "OptInRequired"
_MAYBE_NOT_ENABLED_CODES = {"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"}

# SageMaker has no one way to say it. From the controllers that AWS itself wrote (aws-controllers-k8s' generator.yaml,
# amazon-sagemaker-operator-for-k8s' clientwrapper), Terraform's finders, and recorded answers.
_NOT_THERE_CODES = {"ResourceNotFound", "ResourceNotFoundException", "RecordNotFound"}
_ENDPOINT = re.compile(r"Could not find endpoint (?!configuration)")
_CONFIG = re.compile(r"Could not find endpoint configuration ")
_JOB = re.compile(r"Could not find requested job|Requested resource not found")
_MODEL = re.compile(r"Could not find model [\"']")  # "Could not find model data at s3://..." is about its artifacts
_RECORD = re.compile(r"RecordNotFound")
_ANY = re.compile("|".join(each.pattern for each in (_ENDPOINT, _CONFIG, _JOB, _MODEL, _RECORD)))
# How each operation says that what it was asked for is not there.
_NOT_THERE: Mapping[str, re.Pattern[str]] = {
    "sagemaker:DeleteEndpoint": _ENDPOINT,
    "sagemaker:DeleteEndpointConfig": _CONFIG,
    "sagemaker:DeleteModel": _MODEL,
    "sagemaker:DescribeApp": _RECORD,
    "sagemaker:DescribeCluster": _RECORD,
    "sagemaker:DescribeEndpoint": _ENDPOINT,
    "sagemaker:DescribeEndpointConfig": _CONFIG,
    "sagemaker:DescribeModel": _MODEL,
    "sagemaker:DescribeNotebookInstance": _RECORD,
    "sagemaker:DescribeProcessingJob": _JOB,
    "sagemaker:DescribeTrainingJob": _JOB,
    "sagemaker:DescribeTransformJob": _JOB,
    "sagemaker:ListTags": _ANY,
}
_REQUEST_IDS = {"x-amz-request-id", "x-amzn-requestid"}


def translated(error: Exception, operation: str, region: str, seconds: float, *, writes: bool = False) -> Exception:
    """AWS's error as opskit's, with what the user can do; an error that is not AWS's comes back as it is. ``seconds``
    is how long an answer was waited for.
    """
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    where: dict[str, Any] = {"region": region, "operation": operation}
    if isinstance(error, boto.ClientError):
        return _refusal_error(error, operation, region, writes=writes)
    if isinstance(error, UnreadableResponse) and not error.is_foreign:
        return _half_answer_error(error, operation, region, writes=writes)
    if unfit := _credentials_problem(error):
        return CredentialsError(*unfit, **where)
    lost = boto.HTTPClientError | boto.ConnectionError | boto.IncompleteReadError
    if isinstance(error, lost | ResponseParserError | UnreadableResponse):
        return _no_answer_error(error, operation, region, seconds, writes=writes)
    if isinstance(error, boto.ParamValidationError):
        return AwsError("bad-parameters", f"{operation}: {_as_sentence(error)}", **where)
    if isinstance(error, boto.BotoCoreError):
        return AwsError("aws-client", f"{operation}: {_as_sentence(error)}", **where)
    return error


def _credentials_problem(error: Exception) -> tuple[str, str, str] | None:
    """The code, sentence and next step where there are no credentials to be had; None where that is not the matter."""
    from botocore import exceptions as boto

    match error:
        case boto.NoCredentialsError() | boto.PartialCredentialsError() | boto.CredentialRetrievalError():
            return "no-credentials", f"AWS credentials: {_as_sentence(error)}", RENEW_HINT
        case boto.TokenRetrievalError() | boto.SSOError() | boto.UnauthorizedSSOTokenError():
            return "credentials-expired", f"AWS sign-in: {_as_sentence(error)}", "Run `aws sso login`."
        case EOFError():  # botocore asked for a code
            return "no-mfa-code", "The profile asks for an MFA code, and none was given.", RENEW_HINT
        case _:
            pass
    return None


def _as_sentence(error: Exception) -> str:
    text = " ".join(redact_secrets(str(error)).split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def incomplete(operation: str, region: str, why: str, *, passing: bool = False) -> AwsError:
    """The failure of a call (``sagemaker:ListApps``) whose answer cannot be used; ``why`` goes on after "answered"."""
    text = f"{operation} in {region} answered {why}."
    hint = "Check AWS_ENDPOINT_URL, and any proxy on the way."
    return AwsError("bad-answer", text, hint, region=region, operation=operation, transient=passing)


def _half_answer_error(error: UnreadableResponse, operation: str, region: str, *, writes: bool) -> AwsError:
    """An answer that lacks something. What stands between us and AWS may garble one and not the next."""
    if not writes:
        return incomplete(operation, region, error.why, passing=True)
    text = f"{operation} in {region} answered {error.why}: it may or may not have taken effect."
    return OutcomeUnknown("outcome-unknown", text, _LOOK_FIRST, region=region, operation=operation)


def _no_answer_error(error: Exception, operation: str, region: str, seconds: float, *, writes: bool) -> AwsError:
    from botocore import exceptions as boto

    where: dict[str, Any] = {"region": region, "operation": operation}
    timed_out = isinstance(error, boto.ReadTimeoutError)
    never_sent = isinstance(error, boto.ConnectionError) and not isinstance(error, boto.SSLError)
    if timed_out:
        what = f"{NO_ANSWER_WITHIN} {seconds:g} s"
    elif never_sent or isinstance(error, boto.HTTPClientError):
        what = NOT_REACHED
    else:
        what = "answered what is not AWS's language"
    if writes and not never_sent:
        text = f"{operation} in {region} {what}: it may or may not have taken effect."
        return OutcomeUnknown("outcome-unknown", text, _LOOK_FIRST, **where)
    hint = "Check the network, the Region's name, and AWS_ENDPOINT_URL if it is set."
    if timed_out:
        hint += " OPSKIT_READ_TIMEOUT=30s waits longer."
    passing = not timed_out and not isinstance(error, boto.ConnectTimeoutError | boto.SSLError)
    return Unreachable("unreachable", f"{operation} in {region} {what}.", hint, **where, transient=passing)


def _one_line(text: str) -> str:
    """What was said, on one line and without secrets; a web page, which a proxy or a broken server answers with, is
    not repeated.
    """
    return "it answered with a web page" if text.lstrip()[:1] == "<" else " ".join(redact_secrets(text).split())


def _denial_message(said: str, operation: str, region: str) -> tuple[str, str]:
    """What may not be called, and what to allow whom. AWS says all in one sentence, most of it twice, and a table
    with a row a quota has no place for that.
    """
    named = _DENIED_ACTION.search(said)  # to make a thing with tags takes sagemaker:AddTags besides
    action = named[1] if named else operation
    parts = _DENIAL_SENTENCE.fullmatch(said)
    whom = f" to {parts['who']}" if parts else ""
    if parts and parts["name"] == operation.partition(":")[2]:
        where = f" on {parts['what']}" if parts["what"] and parts["what"] != "*" else ""
        why = f"{parts['why']} it" if parts["why"].endswith("allows") else parts["why"]
        said, operation = why, f"{action}{where}"
    hint = f"Allow the action {action}{whom}; `opskit iam policy` prints all that is needed."
    return f"{ACCESS_DENIED} {operation} in {region}: {said}", hint


def _said(code: str, text: str) -> str:
    """What AWS says; of a signature the first line, for the rest repeats the request that was signed, token and all."""
    return _one_line(text.strip().split("\n", 1)[0] if code in _MISSIGNED else text)


def _not_let_in(code: str, said: str, aws: dict[str, Any]) -> CredentialsError:
    """Why AWS takes nothing that was signed so."""
    if code in _OFF_THE_CLOCK or (code in _MISSIGNED and _CLOCK_IS_OFF.search(said)):
        return ClockSkew(CLOCK_SKEW, f"{CLOCK_IS_OFF} {_how_far(said)}.", SET_CLOCK, **aws)
    if code in _MISSIGNED and _OTHER_KEY.search(said):
        said = "the secret access key does not belong to the access key ID."
    hint = f"{RENEW_HINT} {_REGION_NOT_ENABLED_HINT}" if code in _MAYBE_NOT_ENABLED_CODES else RENEW_HINT
    return CredentialsError("credentials-refused", f"{CREDENTIALS_REFUSED}: {said}", hint, **aws)


def _how_far(said: str) -> str:
    """How far a clock is off, by the two times that AWS tells: the request's and its own. In minutes, so that all
    calls say the same.
    """
    times = _TIMES.search(said)
    try:
        ours, theirs = (datetime.strptime(time, "%Y%m%dT%H%M%S%z") for time in (times.groups() if times else ()))
    except ValueError:  # there are no two, or one that is in no calendar
        return "too far from AWS's"
    minutes = round((ours - theirs).total_seconds() / 60)
    return f"{abs(minutes)} min {'ahead of' if minutes > 0 else 'behind'} AWS's"


def _is_from_aws(error: Any) -> bool:
    """Whether a refusal without a code of AWS's is AWS's all the same: to HEAD it answers so, and signs all it says."""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return bool(_REQUEST_IDS & headers.keys())


def _refusal_error(error: Any, operation: str, region: str, *, writes: bool) -> AwsError:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    said = _said(code, str(error.response.get("Error", {}).get("Message", "")))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    aws: dict[str, Any] = {"region": region, "operation": operation, "aws_code": code, "aws_message": said}
    if code == "404" and not _is_from_aws(error):
        return _no_answer_error(
            UnreadableResponse(operation, "404", is_foreign=True), operation, region, 0, writes=writes
        )
    if code in _THROTTLED_CODES or status == 429:
        return Throttled(
            "throttled",
            f"{operation} in {region}: {THROTTLED}.",
            "Try again in a minute.",
            **aws,
            transient=True,
        )
    if code in _DENIED_CODES:
        return AccessDenied("denied", *_denial_message(said, operation, region), **aws)
    if code == _NOT_ENABLED_CODE:
        text = f"{region} {REGION_NOT_ENABLED}: {said}"
        return AccessDenied("region-not-enabled", text, "Enable it in the account's settings, or leave it out.", **aws)
    if code in _EXPIRED_CODES | _MISSIGNED | _OFF_THE_CLOCK:
        return _not_let_in(code, said, aws)
    if status >= 500 and writes:
        text = f"{operation} in {region} failed at AWS ({code}): it may or may not have taken effect."
        return OutcomeUnknown("outcome-unknown", text, _LOOK_FIRST, **aws)
    return AwsError("aws-refused", f"{operation} in {region}: {code}: {said}", **aws, transient=status >= 500)


def is_not_found(failure: AwsError) -> bool:
    """Whether a failure means that the very resource that was asked for does not exist: by the operation's own
    sentence, for a call may fail as well because something else that it needs is not found.
    """
    sentence = _NOT_THERE.get(failure.operation)
    if sentence is None:
        return False
    is_said = failure.aws_code == "ValidationException" and sentence.match(failure.aws_message)
    return bool(is_said) or failure.aws_code in _NOT_THERE_CODES
