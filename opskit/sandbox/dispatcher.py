"""The front of the sandbox: reads AWS requests off HTTP, answers what our rooms own, passes the rest to moto.

Owned services all speak AWS's JSON protocol (``X-Amz-Target: SageMaker.CreateModel``); the one exception,
invoking an endpoint, has a path of its own.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import parse_qsl
from uuid import uuid4

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from opskit.sandbox import validation
from opskit.sandbox.errors import ApiError, NotOurs, invalid
from opskit.sandbox.origin_check import stranger
from opskit.sandbox.signature import place_of, signed_for
from opskit.sandbox.state import INSIDE, Call, Place

_log = logging.getLogger(__name__)

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Operation = Callable[[Call], dict[str, Any]]
Method = TypeVar("Method", bound=Callable[..., dict[str, Any]])
Page = Callable[[Request, Place], Response]

_MOTOS_OWN = "/moto-api/"
_NO_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What no XML can hold, and so no answer that repeats it."""
FORM = "application/x-www-form-urlencoded"
PATHS = {"/listRegions": ("account", "ListRegions"), "/getRegionOptStatus": ("account", "GetRegionOptStatus")}
_SERVICES = {
    "SageMaker": "sagemaker",
    "ServiceQuotasV20190624": "service-quotas",
    "AWSSupport_20130415": "support",
    "AWSPriceListService": "pricing",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "cloudwatch",
}
"""The services whose requests and answers are held against botocore's models; of the last two all is moto's."""


def owns(service: str, *operations: str) -> Callable[[Method], Method]:
    """Mark a room's method as the sandbox's answer to these operations of a service (boto3's name for it)."""

    def mark(method: Method) -> Method:
        method.__dict__["owned"] = [(service, operation) for operation in operations]
        return method

    return mark


def operations_of(room: object) -> dict[tuple[str, str], Operation]:
    """What a room answers: (service, operation) to the method bound to it."""
    table: dict[tuple[str, str], Operation] = {}
    for name in dir(type(room)):
        method = getattr(room, name)
        for key in getattr(method, "owned", []):
            table[key] = method
    return table


class _Request(Request):
    """A request whose body is read into memory up to a point only: what is larger is S3's, and read by moto."""

    max_content_length = 16 * 1024 * 1024


_TOO_LARGE = ApiError("RequestEntityTooLargeException", "The request body is too large.", status=413)
_BROKEN_OFF = ApiError("SerializationException", "The request body cannot be read to its end.")


def _not_for(site: str) -> ApiError:
    text = f"The sandbox answers the programs on its own machine alone, and no web page of {site}."
    return ApiError("AccessDeniedException", text, status=403)


@dataclass
class Front:
    """The WSGI application: own operations first, then own pages (by path prefix), then moto."""

    moto: WsgiApp
    operations: dict[tuple[str, str], Operation] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    actions: dict[str, Page] = field(default_factory=dict)
    """Own answers in AWS's older protocol, by the Action in a posted form; NotOurs hands one on to moto."""
    latency_seconds: float = 0.0
    admit: Callable[[Call], None] = lambda call: None
    """Asked before every JSON call, owned or moto's: raises the throttling error where rates are switched on."""
    refusal: Callable[[Request], Response | None] = lambda request: None
    """Asked before everything: AWS's answer to what the caller may not do."""

    def add(self, room: object) -> None:
        """Let a room answer the operations it owns."""
        self.operations.update(operations_of(room))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = _Request(environ)
        if site := stranger(request):
            return error_answer(_not_for(site))(environ, start_response)
        if self.latency_seconds and INSIDE not in request.user_agent.string:
            time.sleep(self.latency_seconds)
        try:
            return self._let_in(request, start_response)
        except RequestEntityTooLarge:
            return error_answer(_TOO_LARGE)(environ, start_response)
        except (ClientDisconnected, OSError):
            return error_answer(_BROKEN_OFF)(environ, start_response)

    def _let_in(self, request: Request, start_response: Any) -> Iterable[bytes]:
        environ = request.environ
        refused = self.refusal(request)
        if refused:
            return refused(environ, start_response)
        page = self._page(request)
        if page:
            return page(request, place_of(request))(environ, start_response)
        target = _target(request)
        if target:
            return self._json_call(request, *target)(environ, start_response)
        if request.mimetype == FORM and signed_for(request) != "s3":
            return self._form_call(request, start_response)
        if request.path.startswith(_MOTOS_OWN) and signed_for(request) != "s3":  # its reset button and its dashboard
            return _invalid_action()(environ, start_response)
        return self._passed_on(environ, start_response)

    def _page(self, request: Request) -> Page | None:
        if signed_for(request) == "s3":  # a bucket may be called as a page is
            return None
        return next((page for prefix, page in self.pages.items() if request.path.startswith(prefix)), None)

    def _form_call(self, request: Request, start_response: Any) -> Iterable[bytes]:
        query = dict(parse_qsl(request.get_data(as_text=True)))
        if any(_NO_XML.search(value) for value in query.values()):
            return _xml_error("ValidationError", "A parameter has a character in it that none can have.")(
                request.environ, start_response
            )
        action = self.actions.get(query.get("Action", ""))
        try:
            if action:
                return action(request, place_of(request))(request.environ, start_response)
        except NotOurs:
            pass
        return self._passed_on(_again(request), start_response)

    def _passed_on(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return self.moto(environ, start_response)
        except Exception as error:  # moto knows no such service or operation, or fails on this input
            _log.warning("moto cannot answer %s: %r", _what(environ), error)
            answer = error_answer(_unknown_operation()) if "HTTP_X_AMZ_TARGET" in environ else _invalid_action()
            return answer(environ, start_response)

    def _json_call(self, request: Request, service: str, operation: str) -> Response:
        request.get_data()  # here, and kept: a body that cannot be read is not the operation's failure
        try:
            return self._answered(_read(request, service, operation), request)
        except ApiError as error:
            return error_answer(error)
        except Exception:
            _log.exception("%s %s failed", service, operation)
            return error_answer(ApiError("InternalFailure", f"The sandbox failed on {operation}: see its log.", 500))

    def _answered(self, call: Call, request: Request) -> Response:
        self.admit(call)
        validation.check_input(call.service, call.operation, call.params)
        owner = self.operations.get((call.service, call.operation))
        try:
            if owner is not None:
                understood = replace(call, params=validation.known(call.service, call.operation, call.params))
                return _json(validation.answer(call.service, call.operation, owner(understood)))
        except NotOurs:
            pass
        return self._motos(call, request)

    def _motos(self, call: Call, request: Request) -> Response:
        """The answer of moto, which ends with an exception where it lacks an operation: AWS never does."""
        try:
            response = Response.from_app(self.moto, _again(request))
        except NotImplementedError as error:
            raise _unknown_operation() from error
        except Exception as error:
            _log.warning("moto cannot answer %s %s: %r", call.service, call.operation, error)
            raise invalid(f"The sandbox cannot answer this {call.operation}: {error!r}") from error
        return _cleaned(call.service, call.operation, response)


def _target(request: Request) -> tuple[str, str] | None:
    """The service and operation of a request that speaks JSON, None of one that does not, or is compressed: only
    those to CloudWatch are, and moto unpacks them.
    """
    if request.path in PATHS:
        return PATHS[request.path]
    if "Content-Encoding" in request.headers:
        return None
    prefix, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
    service = _SERVICES.get(prefix)
    return (service, operation) if service else None


def _what(environ: dict[str, Any]) -> str:
    """A request in a line of the log; never its query or body, which can hold secrets."""
    return environ.get("HTTP_X_AMZ_TARGET") or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def _invalid_action() -> Response:
    """What AWS's XML services say to an operation they do not have."""
    return _xml_error("InvalidAction", "The action is not valid for this endpoint.")


def _xml_error(code: str, message: str) -> Response:
    text = f"<Code>{code}</Code><Message>{message}</Message>"
    body = f"<ErrorResponse><Error><Type>Sender</Type>{text}</Error><RequestId>{uuid4()}</RequestId></ErrorResponse>"
    return Response(body, status=400, content_type="text/xml")


def _unknown_operation() -> ApiError:
    return ApiError("UnknownOperationException", "The requested operation is not recognized by the service.")


def _read(request: Request, service: str, operation: str) -> Call:
    if operation not in validation.service_model(service).operation_names:
        raise _unknown_operation()
    _check_scope(request, service)
    try:
        params = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The request body is not JSON.") from error
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    return Call(place_of(request), service, operation, _without_nulls(params), request.host_url.rstrip("/"))


def _without_nulls(value: Any) -> Any:
    """To AWS, a member that is null is a member that is absent."""
    match value:
        case dict():
            return {name: _without_nulls(item) for name, item in value.items() if item is not None}
        case list():
            return [_without_nulls(item) for item in value]
        case _:
            return value


def _check_scope(request: Request, service: str) -> None:
    """Refuse a signature made for another service, and a request without one, as AWS does."""
    signed = signed_for(request)
    if signed is None:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token", status=403)
    model = validation.service_model(service)
    name = model.metadata.get("signingName", model.endpoint_prefix)
    if signed != name:
        raise ApiError(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{name}'.", status=403
        )


def _again(request: Request) -> dict[str, Any]:
    """The request's environment with the body, already read, put back for the next application."""
    return {**request.environ, "wsgi.input": BytesIO(request.get_data())}


def _cleaned(service: str, operation: str, response: Response) -> Response:
    if response.status_code != 200:
        return response
    shape = validation.service_model(service).operation_model(operation).output_shape
    body = json.loads(response.get_data() or b"{}")
    return _json(validation.without_empty(shape, body))


def _json(body: Any, status: int = 200) -> Response:
    response = Response(json.dumps(body), status=status, content_type="application/x-amz-json-1.1")
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response


def error_answer(error: ApiError) -> Response:
    """An AWS error as AWS's JSON services send it."""
    response = _json({"__type": error.code, "message": error.message}, error.status)
    response.headers["x-amzn-ErrorType"] = error.code
    return response
