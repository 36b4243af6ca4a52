"""Filing quota increases, with Service Quotas or AWS Support: sent once, and every answer read for what it means."""

from __future__ import annotations

from opskit.aws import Door
from opskit.decide.headroom import number
from opskit.decide.increase import Ask, Outcome, Via
from opskit.decide.support import case_body, case_subject
from opskit.errors import AwsFailure, OutcomeUnknown, Problem, Throttled, Unreachable

_SERVICE = "service-quotas"
_ISSUE = "service-limit-increase"


def file_increase(door: Door, ask: Ask) -> Ask:
    """Ask Service Quotas for a higher value; the ask comes back with what AWS said.

    ``unknown`` means that it may have been filed: look before asking again.

    Raises:
        ValueError: the ask has no quota code.
    """
    if ask.quota_code is None:
        raise ValueError(f"{ask.quota_name} has no code to ask for")
    try:
        answer = door.write(
            _SERVICE,
            "request_service_quota_increase",
            ServiceCode="sagemaker",
            QuotaCode=ask.quota_code,
            DesiredValue=ask.wish.to,
        )
    except AwsFailure as failure:
        return _not_filed(ask, failure)
    request = answer.get("RequestedQuota", {})
    if not request.get("Id"):
        return _unsaid(ask, "AWS answered without saying whether it took the request.")
    because = f"Asked AWS for {number(ask.wish.to)}; its status is {request.get('Status', 'not said')}."
    return ask.ended(Outcome.FILED, because, request_id=request["Id"], case_id=request.get("CaseId"))


def open_support_case(door: Door, ask: Ask) -> Ask:
    """Open a support case for a request that is PENDING; the ask comes back with what AWS said.

    Raises:
        ValueError: the ask names no request.
    """
    if ask.request_id is None:
        raise ValueError(f"{ask.quota_name} has no request to open a case for")
    try:
        door.write(_SERVICE, "create_support_case", RequestId=ask.request_id)
    except AwsFailure as failure:
        ended = _no_case(ask, failure)
        if ended.outcome is Outcome.REFUSED and ask.via is not Via.SUPPORT:
            return ask.ended(Outcome.ALREADY_OPEN, f"The request is open. {ended.because}")
        return ended
    return ask.ended(Outcome.FILED, "AWS opens a support case for the open request.")


def create_case(door: Door, ask: Ask, why: str) -> Ask:
    """Open a case with AWS Support; the ask comes back with what AWS said.

    ``unknown`` means that it may have been opened: look before asking again, for AWS refuses no second one.

    Raises:
        ValueError: the ask names no desk.
    """
    if ask.desk is None:
        raise ValueError(f"{ask.quota_name} has no desk at AWS Support")
    try:
        answer = door.write(
            "support",
            "create_case",
            subject=case_subject(ask.quota_name, ask.wish.to, ask.region),
            communicationBody=case_body(ask.quota_name, ask.quota_code, ask.wish.to, ask.region, why),
            serviceCode=ask.desk.service,
            categoryCode=ask.desk.category,
            severityCode="low",
            issueType=_ISSUE if ask.desk.service == _ISSUE else "customer-service",
            language="en",
        )
    except AwsFailure as failure:
        return _no_case(ask, failure)
    if not answer.get("caseId"):
        return _unsaid(ask, "AWS Support answered without saying whether it took the case.")
    return ask.ended(Outcome.FILED, "A case with AWS Support is open.", case_id=answer["caseId"])


def _unsaid(ask: Ask, because: str) -> Ask:
    hint = "Run the command again: it looks first."
    return ask.ended(Outcome.UNKNOWN, because, problem=Problem("outcome-unknown", because, hint, ask.region))


def _not_filed(ask: Ask, failure: AwsFailure) -> Ask:
    if isinstance(failure, OutcomeUnknown):
        return ask.ended(Outcome.UNKNOWN, str(failure), problem=failure.problem)
    if isinstance(failure, Unreachable):
        return ask.ended(Outcome.UNKNOWN, f"Nothing arrived: {failure}", problem=failure.problem)
    if isinstance(failure, Throttled):
        return ask.ended(Outcome.QUEUED, "AWS asks to slow down and took no request.")
    match failure.aws_code:
        case "QuotaExceededException":
            return ask.ended(Outcome.QUEUED, f"AWS takes no more open requests for now: {failure.aws_message}")
        case "ResourceAlreadyExistsException":
            return ask.ended(Outcome.ALREADY_OPEN, f"AWS says: {failure.aws_message}")
        case _:
            return ask.ended(Outcome.REFUSED, f"AWS refused: {failure}", problem=failure.problem)


def _no_case(ask: Ask, failure: AwsFailure) -> Ask:
    if isinstance(failure, OutcomeUnknown):
        return ask.ended(Outcome.UNKNOWN, str(failure), problem=failure.problem)
    if isinstance(failure, Unreachable):
        return ask.ended(Outcome.UNKNOWN, f"Nothing arrived: {failure}", problem=failure.problem)
    if isinstance(failure, Throttled):
        return ask.ended(Outcome.QUEUED, "AWS asks to slow down and took no case.")
    match failure.aws_code:
        case "ResourceAlreadyExistsException":
            return ask.ended(Outcome.ALREADY_OPEN, "The request has its support case already.")
        case "CaseCreationLimitExceeded":
            return ask.ended(Outcome.QUEUED, "AWS Support takes no more open cases for now.")
        case _:
            return ask.ended(Outcome.REFUSED, f"AWS opened no case: {failure}", problem=failure.problem)
