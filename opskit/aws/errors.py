"""Translates AWS's errors into opskit's: what happened, what to do next, and whether the same call may succeed if
repeated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opskit.aws.connections import connection_failure
from opskit.aws.credential_failures import as_sentence, credentials_failure, renew_hint
from opskit.aws.region_spelling import spelling_hint
from opskit.aws.response_checks import UnreadableResponse
from opskit.core.aws_names import iam_action
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

_RERUN_HINT = "Run the command again: it checks what exists before it creates anything."
_REGION_NOT_ENABLED_HINT = "This also happens when the Region is not enabled for the account."

# 403 is what botocore has of a HEAD, whose answer has no body and so no code.
_DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}
_DENIED_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html has the forms of this sentence.
_DENIAL_SENTENCE = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w-]+:(?P<name>\w+))"
    r"(?: on resource: (?P<what>\S+))? (?:because|with) (?P<why>.+?)(?: the [\w-]+:\w+ action)?\.?"
)
_EXPLICIT_DENY = re.compile(r"explicit deny", re.IGNORECASE)
_THROTTLED_CODES = {
    "ProvisionedThroughputExceededException",  # DynamoDB, of a table
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
}
_EXPIRED_CODES = {
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId",
    "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure",
}  # fmt: skip
# S3 and EC2 have error codes for clock skew; the other services say it in the text of a signature error.
_CLOCK_SKEW_CODES = {"RequestTimeTooSkewed", "RequestExpired"}
_CLOCK_SKEW_TEXT = re.compile(r"signature (?:expired|not yet current)", re.IGNORECASE)
_SIGNATURE_CODES = {
    "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException",
}  # fmt: skip
# "Signature expired: 20261126T080000Z is now earlier than 20261126T083000Z (20261126T083500Z - 5 min.)"
_TIMES = re.compile(r"(\d{8}T\d{6}Z) is .*\((\d{8}T\d{6}Z) [-+]")
_WRONG_SECRET = re.compile(r"signature we calculated does not match", re.IGNORECASE)
_NOT_ENABLED_CODE = "OptInRequired"
# Credentials are checked per Region: one that is not enabled does not know them, and answers as if they were wrong.
_MAYBE_NOT_ENABLED_CODES = {"UnrecognizedClientException", "InvalidClientTokenId", "AuthFailure"}

# SageMaker says "not found" in a different way for each operation. From the controllers that AWS itself wrote
# (aws-controllers-k8s' generator.yaml,
# amazon-sagemaker-operator-for-k8s' clientwrapper), Terraform's finders, and recorded answers.
_NOT_FOUND_CODES = {"ResourceNotFound", "ResourceNotFoundException", "RecordNotFound"}
_ENDPOINT = re.compile(r"Could not find endpoint (?!configuration)")
_CONFIG = re.compile(r"Could not find endpoint configuration ")
_JOB = re.compile(r"Could not find requested job|Requested resource not found")
_MODEL = re.compile(r"Could not find model [\"']")  # "Could not find model data at s3://..." is about its artifacts
_RECORD = re.compile(r"RecordNotFound")
_ANY = re.compile("|".join(pattern.pattern for pattern in (_ENDPOINT, _CONFIG, _JOB, _MODEL, _RECORD)))
# The sentence by which each operation says that the requested resource does not exist.
_NOT_FOUND_SENTENCES: Mapping[str, re.Pattern[str]] = {
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
_NOT_FOUND_STATUS = 404
# AWS puts one of these headers on every response; a proxy that answers in its place does not.
_REQUEST_IDS = {"x-amz-request-id", "x-amzn-requestid"}


def translate_error(
    error: Exception, operation: str, region: str, seconds: float, *, writes: bool = False, profile: str | None = None
) -> Exception:
    """A botocore exception's as opskit's, with the next step for the user. Any other exception is returned as it
    is.

    ``seconds`` is the read timeout that was in effect; ``writes`` tells that the call changes something, so that a lost
    response means an unknown outcome. ``profile`` is the AWS profile whose credentials were used, if one was.
    """
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    where: dict[str, Any] = {"region": region, "operation": operation}
    # First: to botocore a certificate's or a proxy's failure is a ConnectionError like any other.
    if blocked := connection_failure(error):
        return Unreachable(blocked.code, blocked.text, blocked.hint, **where, transient=blocked.passing)
    if isinstance(error, boto.ClientError):
        return _refusal_error(error, operation, region, writes=writes, profile=profile)
    if isinstance(error, UnreadableResponse) and not error.is_foreign:
        return _half_answer_error(error, operation, region, writes=writes)
    # Before BotoCoreError, of which the failures of credentials are kinds.
    if failure := credentials_failure(error, profile, region):
        return failure
    lost = boto.HTTPClientError | boto.ConnectionError | boto.IncompleteReadError
    if isinstance(error, lost | ResponseParserError | UnreadableResponse):
        return _no_answer_error(error, operation, region, seconds, writes=writes)
    if isinstance(error, boto.ParamValidationError):
        return AwsError("bad-parameters", f"{operation}: {as_sentence(error)}", **where)
    if isinstance(error, boto.BotoCoreError):
        return AwsError("aws-client", f"{operation}: {as_sentence(error)}", **where)
    return error


def incomplete(operation: str, region: str, why: str, *, passing: bool = False) -> AwsError:
    """The error of a call (``sagemaker:ListApps``) whose response cannot be used; ``why`` continues "<call> answered
    …".
    """
    text = f"{operation} in {region} answered {why}."
    hint = "Check AWS_ENDPOINT_URL, and any proxy on the way."
    return AwsError("bad-answer", text, hint, region=region, operation=operation, transient=passing)


def _half_answer_error(error: UnreadableResponse, operation: str, region: str, *, writes: bool) -> AwsError:
    """A response that lacks something."""
    if not writes:
        # A read may be repeated: a proxy may garble one response and not the next.
        return incomplete(operation, region, error.why, passing=True)
    text = f"{operation} in {region} answered {error.why}: it may or may not have taken effect."
    return OutcomeUnknown("outcome-unknown", text, _RERUN_HINT, region=region, operation=operation)


def _no_answer_error(error: Exception, operation: str, region: str, seconds: float, *, writes: bool) -> AwsError:
    from botocore import exceptions as boto

    where: dict[str, Any] = {"region": region, "operation": operation}
    timed_out = isinstance(error, boto.ReadTimeoutError)
    # An SSLError is a ConnectionError to botocore, but may also come after the request was sent.
    never_sent = isinstance(error, boto.ConnectionError) and not isinstance(error, boto.SSLError)
    if timed_out:
        what = f"{NO_ANSWER_WITHIN} {seconds:g} s"
    elif never_sent or isinstance(error, boto.HTTPClientError):
        what = NOT_REACHED
    else:
        what = "returned a response that is not valid for this AWS service"
    if writes and not never_sent:
        text = f"{operation} in {region} {what}: it may or may not have taken effect."
        return OutcomeUnknown("outcome-unknown", text, _RERUN_HINT, **where)
    hint = f"{spelling_hint(region)}Check the network, the Region's name, and AWS_ENDPOINT_URL if it is set."
    if timed_out:
        hint += " OPSKIT_READ_TIMEOUT=30s waits longer."
    passing = not timed_out and not isinstance(error, boto.ConnectTimeoutError | boto.SSLError)
    return Unreachable("unreachable", f"{operation} in {region} {what}.", hint, **where, transient=passing)


def _one_line(text: str) -> str:
    """An error text on one line, without secrets."""
    # A web page, as a proxy or a broken server returns it, is not repeated.
    return "it answered with a web page" if text.lstrip()[:1] == "<" else " ".join(redact_secrets(text).split())


def _denial_message(message: str, operation: str, region: str) -> tuple[str, str]:
    """The message and the hint for a denied call."""
    named = _DENIED_ACTION.search(message)  # may be another action: creating with tags also needs sagemaker:AddTags
    # S3 answers a HEAD without a text, and asks for actions that are not named after its operations.
    action = named[1] if named else iam_action(operation)
    parts = _DENIAL_SENTENCE.fullmatch(message)
    whom = f" to {parts['who']}" if parts else ""
    if parts and parts["name"] == operation.partition(":")[2]:
        where = f" on {parts['what']}" if parts["what"] and parts["what"] != "*" else ""
        reason = f"{parts['why']} it" if parts["why"].endswith("allows") else parts["why"]
        # AWS repeats the action in its sentence, and a table with a row per quota has no room for that, so only the
        # reason is kept.
        message, operation = reason, f"{action}{where}"
    hint = f"Allow the action {action}{whom}; `opskit iam policy` prints all that is needed."
    if _EXPLICIT_DENY.search(message):
        hint = "An explicit deny outweighs every allow: only whoever manages that policy can lift it."
    missing = "" if action.partition(":")[2] in f"{operation} {message}" else f" (IAM's {action})"
    return f"{ACCESS_DENIED} {operation}{missing} in {region}: {message}", hint


def _aws_message(code: str, text: str) -> str:
    """AWS's message."""
    # Of a signature error only the first line: the rest repeats the signed request, session token included.
    return _one_line(text.strip().split("\n", 1)[0] if code in _SIGNATURE_CODES else text)


def _rejected_credentials(code: str, message: str, profile: str | None, aws: dict[str, Any]) -> CredentialsError:
    """The error for credentials or a signature that AWS does not accept."""
    if code in _CLOCK_SKEW_CODES or (code in _SIGNATURE_CODES and _CLOCK_SKEW_TEXT.search(message)):
        return ClockSkew(CLOCK_SKEW, f"{CLOCK_IS_OFF} {_skew_text(message)}.", SET_CLOCK, **aws)
    if code in _SIGNATURE_CODES and _WRONG_SECRET.search(message):
        message = "the secret access key does not belong to the access key ID."
    hint = (
        f"{renew_hint(profile)} {_REGION_NOT_ENABLED_HINT}" if code in _MAYBE_NOT_ENABLED_CODES else renew_hint(profile)
    )
    return CredentialsError("credentials-refused", f"{CREDENTIALS_REFUSED}: {message}", hint, **aws)


def _skew_text(message: str) -> str:
    """How far this machine's clock is off, by the two times in AWS's message: the request's and AWS's."""
    times = _TIMES.search(message)
    try:
        ours, theirs = (datetime.strptime(time, "%Y%m%dT%H%M%S%z") for time in (times.groups() if times else ()))
    except ValueError:  # the message has no two times, or an invalid one
        return "too far from AWS's"
    # In minutes, so that all calls of one run give the same text, and it is told once.
    minutes = round((ours - theirs).total_seconds() / 60)
    return f"{abs(minutes)} min {'ahead of' if minutes > 0 else 'behind'} AWS's"


def _is_from_aws(error: Any) -> bool:
    """Whether a response without an error code came from AWS."""
    # HEAD responses have no body and so no code; AWS's carry a request ID, a proxy's do not.
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return bool(_REQUEST_IDS & headers.keys())


def _refusal_error(error: Any, operation: str, region: str, *, writes: bool, profile: str | None) -> AwsError:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    message = _aws_message(code, str(error.response.get("Error", {}).get("Message", "")))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    aws: dict[str, Any] = {"region": region, "operation": operation, "aws_code": code, "aws_message": message}
    # Whatever its body says: a 404 without AWS's header is a proxy's or a wrong address's. Read as "there is no such
    # job" it would start a second one.
    if (code == "404" or status == _NOT_FOUND_STATUS) and not _is_from_aws(error):
        return _no_answer_error(
            UnreadableResponse(operation, "404", is_foreign=True), operation, region, 0, writes=writes
        )
    if status == 429 and code not in _THROTTLED_CODES and writes:
        # Not in AWS's words: something on the way may have answered in AWS's place, after it passed the write on.
        text = f"{operation} in {region} got HTTP 429 without AWS's own code: it may or may not have taken effect."
        return OutcomeUnknown("outcome-unknown", text, _RERUN_HINT, **aws)
    # Before the status: S3's SlowDown is a 503, and certain to have changed nothing.
    if code in _THROTTLED_CODES or status == 429:
        return Throttled(
            "throttled",
            f"{operation} in {region}: {THROTTLED}.",
            "Try again in a minute.",
            **aws,
            transient=True,
        )
    if code in _DENIED_CODES:
        return AccessDenied("denied", *_denial_message(message, operation, region), **aws)
    if code == _NOT_ENABLED_CODE:
        text = f"{region} {REGION_NOT_ENABLED}: {message}"
        return AccessDenied("region-not-enabled", text, "Enable it in the account's settings, or leave it out.", **aws)
    if code in _EXPIRED_CODES | _SIGNATURE_CODES | _CLOCK_SKEW_CODES:
        return _rejected_credentials(code, message, profile, aws)
    if status >= 500 and writes:
        text = f"{operation} in {region} failed at AWS ({code}): it may or may not have taken effect."
        return OutcomeUnknown("outcome-unknown", text, _RERUN_HINT, **aws)
    return AwsError("aws-refused", f"{operation} in {region}: {code}: {message}", **aws, transient=status >= 500)


def is_config_not_found(failure: AwsError) -> bool:
    """Whether AWS refused to create an endpoint because it does not see the endpoint's configuration."""
    return failure.aws_code == "ValidationException" and bool(_CONFIG.match(failure.aws_message))


def is_not_found(failure: AwsError) -> bool:
    """Whether a failure means that the requested resource itself does not exist.

    Decided by the operation's own sentence: the same code also appears when something else that the call needs is
    missing.
    """
    sentence = _NOT_FOUND_SENTENCES.get(failure.operation)
    if sentence is None:
        return False
    # match, not search: the sentence has to be what the message begins with.
    matches = failure.aws_code == "ValidationException" and sentence.match(failure.aws_message)
    return bool(matches) or failure.aws_code in _NOT_FOUND_CODES
