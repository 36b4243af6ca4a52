"""Filing quota increases with Service Quotas: sent once, and every answer read for what it means."""

from __future__ import annotations

from opskit.aws import Door
from opskit.decide.increase import Ask, Outcome
from opskit.errors import AwsFailure, OutcomeUnknown, Throttled

_SERVICE = "service-quotas"


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
        return ask.ended(Outcome.UNKNOWN, "AWS answered without saying whether it took the request.")
    because = f"Asked AWS for {ask.wish.to:g}; its status is {request.get('Status', 'not said')}."
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
        return _no_case(ask, failure)
    return ask.ended(Outcome.FILED, "AWS opens a support case for the open request.")


def _not_filed(ask: Ask, failure: AwsFailure) -> Ask:
    if isinstance(failure, OutcomeUnknown):
        return ask.ended(Outcome.UNKNOWN, str(failure))
    if isinstance(failure, Throttled):
        return ask.ended(Outcome.QUEUED, "AWS asks to slow down and took no request.")
    match failure.aws_code:
        case "QuotaExceededException":
            return ask.ended(Outcome.QUEUED, f"AWS takes no more open requests for now: {failure.aws_message}")
        case "ResourceAlreadyExistsException":
            return ask.ended(Outcome.ALREADY_OPEN, f"AWS says: {failure.aws_message}")
        case _:
            return ask.ended(Outcome.REFUSED, f"AWS refused: {failure}")


def _no_case(ask: Ask, failure: AwsFailure) -> Ask:
    if isinstance(failure, OutcomeUnknown):
        return ask.ended(Outcome.UNKNOWN, str(failure))
    if failure.aws_code == "ResourceAlreadyExistsException":
        return ask.ended(Outcome.ALREADY_OPEN, "The request has its support case already.")
    return ask.ended(Outcome.REFUSED, f"AWS opened no case: {failure}")
