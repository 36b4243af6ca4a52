"""Submits quota increases to Service Quotas or AWS Support: sent once, with every response translated into an
outcome.
"""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import AwsError, OutcomeUnknown, Problem, Throttled, Unreachable
from opskit.core.message_phrases import NO_OPEN_CASES, NO_OPEN_REQUESTS, THROTTLED
from opskit.increases.rules.increase import UNNAMED_REQUEST, Increase, IncreaseOutcome, IncreaseResult
from opskit.increases.rules.support_cases import SupportCategory, case_body, case_subject
from opskit.quotas.rules.model import format_quota_value

_ISSUE = "service-limit-increase"


def request_increase(client: AwsClient, increase: Increase) -> Increase:
    """Request a higher value from Service Quotas; returns the increase with its outcome.

    ``unknown`` means that the request may have been created: look it up before another one is sent.

    Raises:
        ValueError: the increase has no quota code.
    """
    if increase.quota_code is None:
        raise ValueError(f"{increase.quota_name} has no code to ask for")
    try:
        response = AwsWriter(client).call(
            "service-quotas",
            "request_service_quota_increase",
            ServiceCode="sagemaker",
            QuotaCode=increase.quota_code,
            DesiredValue=increase.target.value,
        )
    except AwsError as failure:
        return _request_failed(increase, failure)
    request = response.get("RequestedQuota", {})
    # Without an ID nobody can tell whether AWS has stored the request, so it counts as unknown and is looked up.
    if not request.get("Id"):
        return _unknown_outcome(increase, "AWS's response does not say whether it accepted the request.")
    reason = (
        f"Asked AWS for {format_quota_value(increase.target.value)}; its status is {request.get('Status', 'not said')}."
    )
    return increase.with_result(
        reason,
        IncreaseResult(IncreaseOutcome.FILED, request["Id"], request.get("CaseId"), increase.target.value),
    )


def open_support_case(client: AwsClient, increase: Increase, request_id: str) -> Increase:
    """Open a support case for a request that is PENDING; returns the increase with its outcome."""
    try:
        AwsWriter(client).call("service-quotas", "create_support_case", RequestId=request_id)
    except AwsError as failure:
        ended = _case_failed(increase, failure)
        if ended.outcome.is_refused and not increase.channel.submission_type.is_case:
            return increase.with_result(
                f"The request is open. {ended.reason}", IncreaseResult(IncreaseOutcome.ALREADY_OPEN)
            )
        return ended
    return increase.with_result("AWS opens a support case for the open request.", IncreaseResult(IncreaseOutcome.FILED))


def create_support_case(client: AwsClient, increase: Increase, category: SupportCategory, why: str) -> Increase:
    """Open a case with AWS Support; returns the increase with its outcome.

    ``unknown`` means that the case may exist: look it up first, since AWS Support accepts duplicates.
    """
    try:
        response = AwsWriter(client).call(
            "support",
            "create_case",
            subject=case_subject(increase.quota_name, increase.target.value, increase.region),
            communicationBody=case_body(
                increase.quota_name, increase.quota_code, increase.target.value, increase.region, why
            ),
            serviceCode=category.service,
            categoryCode=category.category,
            severityCode="low",
            # AWS documents only customer-service and technical; the old type is used where DescribeServices still lists
            # its service.
            issueType=_ISSUE if category.service == _ISSUE else "customer-service",
            language="en",
        )
    except AwsError as failure:
        return _case_failed(increase, failure)
    if not response.get("caseId"):
        return _unknown_outcome(increase, "AWS Support's response does not say whether it accepted the case.")
    return increase.with_result(
        "A case with AWS Support is open.",
        IncreaseResult(IncreaseOutcome.FILED, case_id=response["caseId"], open_value=increase.target.value),
    )


def _unknown_outcome(increase: Increase, reason: str) -> Increase:
    hint = "Run the command again: it checks for existing requests first."
    return increase.with_result(
        reason,
        IncreaseResult(IncreaseOutcome.UNKNOWN, problem=Problem("outcome-unknown", reason, hint, increase.region)),
    )


def _unanswered(increase: Increase, failure: AwsError, thing: str) -> Increase | None:
    """What a failure comes to in which AWS decided nothing about the ``thing`` that was sent; None: AWS decided."""
    if isinstance(failure, OutcomeUnknown):
        return increase.with_result(str(failure), IncreaseResult(IncreaseOutcome.UNKNOWN, problem=failure.problem))
    if isinstance(failure, Unreachable):
        return increase.with_result(
            f"Nothing arrived: {failure}", IncreaseResult(IncreaseOutcome.UNKNOWN, problem=failure.problem)
        )
    if isinstance(failure, Throttled):
        return increase.with_result(f"{THROTTLED} and took no {thing}.", IncreaseResult(IncreaseOutcome.QUEUED))
    return None


def _request_failed(increase: Increase, failure: AwsError) -> Increase:
    if (unanswered := _unanswered(increase, failure, "request")) is not None:
        return unanswered
    match failure.aws_code:
        # AWS limits open requests per account and Region: this one is fine and only has to wait for its turn.
        case "QuotaExceededException":
            return increase.with_result(
                f"{NO_OPEN_REQUESTS}: {failure.aws_message}",
                IncreaseResult(IncreaseOutcome.QUEUED),
            )
        case "ResourceAlreadyExistsException":
            return increase.with_result(
                f"AWS says: {failure.aws_message}",
                IncreaseResult(IncreaseOutcome.ALREADY_OPEN, open_value=UNNAMED_REQUEST),
            )
        case _:
            return increase.with_result(
                f"AWS refused: {failure}", IncreaseResult(IncreaseOutcome.REFUSED, problem=failure.problem)
            )


def _case_failed(increase: Increase, failure: AwsError) -> Increase:
    if (unanswered := _unanswered(increase, failure, "case")) is not None:
        return unanswered
    match failure.aws_code:
        case "ResourceAlreadyExistsException":
            return increase.with_result(
                "The request has its support case already.", IncreaseResult(IncreaseOutcome.ALREADY_OPEN)
            )
        case "CaseCreationLimitExceeded":
            return increase.with_result(f"{NO_OPEN_CASES}.", IncreaseResult(IncreaseOutcome.QUEUED))
        case _:
            return increase.with_result(
                f"AWS opened no case: {failure}", IncreaseResult(IncreaseOutcome.REFUSED, problem=failure.problem)
            )
