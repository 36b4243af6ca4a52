"""Filing quota increases, with Service Quotas or AWS Support: sent once, and every answer read for what it means."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import AwsError, OutcomeUnknown, Problem, Throttled, Unreachable
from opskit.core.message_phrases import NO_OPEN_CASES, NO_OPEN_REQUESTS, THROTTLED
from opskit.increases.rules.increase import Increase, IncreaseOutcome, IncreaseResult
from opskit.increases.rules.support_cases import SupportCategory, case_body, case_subject
from opskit.quotas.rules.headroom import format_quota_value

_SERVICE = "service-quotas"
_ISSUE = "service-limit-increase"


def request_increase(client: AwsClient, increase: Increase) -> Increase:
    """Ask Service Quotas for a higher value; the ask comes back with what AWS said.

    ``unknown`` means that it may have been filed: look before asking again.

    Raises:
        ValueError: the ask has no quota code.
    """
    if increase.quota_code is None:
        raise ValueError(f"{increase.quota_name} has no code to ask for")
    try:
        answer = AwsWriter(client).call(
            _SERVICE,
            "request_service_quota_increase",
            ServiceCode="sagemaker",
            QuotaCode=increase.quota_code,
            DesiredValue=increase.target.value,
        )
    except AwsError as failure:
        return _request_failed(increase, failure)
    request = answer.get("RequestedQuota", {})
    if not request.get("Id"):
        return _unknown_outcome(increase, "AWS answered without saying whether it took the request.")
    reason = (
        f"Asked AWS for {format_quota_value(increase.target.value)}; its status is {request.get('Status', 'not said')}."
    )
    return increase.with_result(
        reason, IncreaseResult(IncreaseOutcome.FILED, request_id=request["Id"], case_id=request.get("CaseId"))
    )


def open_support_case(client: AwsClient, increase: Increase, request_id: str) -> Increase:
    """Open a support case for a request that is PENDING; the ask comes back with what AWS said."""
    try:
        AwsWriter(client).call(_SERVICE, "create_support_case", RequestId=request_id)
    except AwsError as failure:
        ended = _case_failed(increase, failure)
        if ended.outcome.is_refused and not increase.channel.opens_case:
            return increase.with_result(
                f"The request is open. {ended.reason}", IncreaseResult(IncreaseOutcome.ALREADY_OPEN)
            )
        return ended
    return increase.with_result("AWS opens a support case for the open request.", IncreaseResult(IncreaseOutcome.FILED))


def create_support_case(client: AwsClient, increase: Increase, category: SupportCategory, why: str) -> Increase:
    """Open a case with AWS Support; the ask comes back with what AWS said.

    ``unknown`` means that it may have been opened: look before asking again, for AWS refuses no second one.
    """
    try:
        answer = AwsWriter(client).call(
            "support",
            "create_case",
            subject=case_subject(increase.quota_name, increase.target.value, increase.region),
            communicationBody=case_body(
                increase.quota_name, increase.quota_code, increase.target.value, increase.region, why
            ),
            serviceCode=category.service,
            categoryCode=category.category,
            severityCode="low",
            issueType=_ISSUE if category.service == _ISSUE else "customer-service",
            language="en",
        )
    except AwsError as failure:
        return _case_failed(increase, failure)
    if not answer.get("caseId"):
        return _unknown_outcome(increase, "AWS Support answered without saying whether it took the case.")
    return increase.with_result(
        "A case with AWS Support is open.", IncreaseResult(IncreaseOutcome.FILED, case_id=answer["caseId"])
    )


def _unknown_outcome(increase: Increase, reason: str) -> Increase:
    hint = "Run the command again: it looks first."
    return increase.with_result(
        reason,
        IncreaseResult(IncreaseOutcome.UNKNOWN, problem=Problem("outcome-unknown", reason, hint, increase.region)),
    )


def _request_failed(increase: Increase, failure: AwsError) -> Increase:
    if isinstance(failure, OutcomeUnknown):
        return increase.with_result(str(failure), IncreaseResult(IncreaseOutcome.UNKNOWN, problem=failure.problem))
    if isinstance(failure, Unreachable):
        return increase.with_result(
            f"Nothing arrived: {failure}", IncreaseResult(IncreaseOutcome.UNKNOWN, problem=failure.problem)
        )
    if isinstance(failure, Throttled):
        return increase.with_result(f"{THROTTLED} and took no request.", IncreaseResult(IncreaseOutcome.QUEUED))
    match failure.aws_code:
        case "QuotaExceededException":
            return increase.with_result(
                f"{NO_OPEN_REQUESTS}: {failure.aws_message}",
                IncreaseResult(IncreaseOutcome.QUEUED),
            )
        case "ResourceAlreadyExistsException":
            return increase.with_result(
                f"AWS says: {failure.aws_message}", IncreaseResult(IncreaseOutcome.ALREADY_OPEN)
            )
        case _:
            return increase.with_result(
                f"AWS refused: {failure}", IncreaseResult(IncreaseOutcome.REFUSED, problem=failure.problem)
            )


def _case_failed(increase: Increase, failure: AwsError) -> Increase:
    if isinstance(failure, OutcomeUnknown):
        return increase.with_result(str(failure), IncreaseResult(IncreaseOutcome.UNKNOWN, problem=failure.problem))
    if isinstance(failure, Unreachable):
        return increase.with_result(
            f"Nothing arrived: {failure}", IncreaseResult(IncreaseOutcome.UNKNOWN, problem=failure.problem)
        )
    if isinstance(failure, Throttled):
        return increase.with_result(f"{THROTTLED} and took no case.", IncreaseResult(IncreaseOutcome.QUEUED))
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
