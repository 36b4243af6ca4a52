"""Wrong answers on purpose (``--fault``): a success with nothing in it, a failure of AWS's own, a throttled call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from werkzeug.wrappers import Request, Response

from opskit.sandbox.account.permissions import fits_action, requested_action
from opskit.sandbox.dispatcher import FORM_CONTENT_TYPE, error_response
from opskit.sandbox.errors import ApiError
from opskit.sandbox.state import INTERNAL_USER_AGENT

_JSON_CONTENT_TYPE = "application/x-amz-json-1.1"


class FaultKind(StrEnum):
    """What is wrong with an answer."""

    EMPTY = "empty"
    """It is a success without a member."""
    FAIL = "fail"
    """It is HTTP 500."""
    THROTTLE = "throttle"
    """The call is over a rate, whatever the rate."""


@dataclass(frozen=True)
class FaultSwitches:
    """Which actions (patterns of IAM's names) are answered wrongly, and how: the first that fits."""

    faults: tuple[tuple[FaultKind, str], ...] = ()

    def fault_response(self, request: Request) -> Response | None:
        """The wrong answer to a request; None where it gets a right one. The sandbox's own calls always do."""
        if not self.faults or INTERNAL_USER_AGENT in request.user_agent.string:
            return None
        action = requested_action(request)
        kind = next((kind for kind, pattern in self.faults if action and fits_action(action, pattern)), None)
        return _wrong_response(request, kind, action.partition(":")[2]) if kind and action else None


def _wrong_response(request: Request, kind: FaultKind, operation: str) -> Response:
    is_form = request.mimetype == FORM_CONTENT_TYPE
    match kind:
        case FaultKind.EMPTY:
            body = f"<{operation}Response><{operation}Result/></{operation}Response>" if is_form else "{}"
            return Response(body, content_type="text/xml" if is_form else _JSON_CONTENT_TYPE)
        case FaultKind.FAIL:
            text = "We encountered an internal error. Please try again."
            return _refusal(ApiError("InternalFailure", text, 500), is_form=is_form)
        case FaultKind.THROTTLE:
            return _refusal(ApiError("ThrottlingException", "Rate exceeded"), is_form=is_form)


def _refusal(error: ApiError, *, is_form: bool) -> Response:
    if not is_form:
        return error_response(error)
    text = f"<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
    return Response(f"<ErrorResponse>{text}</ErrorResponse>", status=error.status, content_type="text/xml")
