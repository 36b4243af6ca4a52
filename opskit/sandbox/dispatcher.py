"""The front of the sandbox: reads AWS requests off HTTP, answers what our services own, passes the rest to moto.

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

from opskit.sandbox.api_models import output_shape, service_model
from opskit.sandbox.caller_check import is_allowed_caller
from opskit.sandbox.errors import ApiError, FallThrough, validation_error
from opskit.sandbox.origin_check import foreign_origin
from opskit.sandbox.response_shapes import drop_incomplete_structures, shape_output
from opskit.sandbox.signature import signed_account_region, signing_service
from opskit.sandbox.state import INTERNAL_USER_AGENT, AccountRegion, ApiCall
from opskit.sandbox.validation import check_input, drop_unknown_members

_log = logging.getLogger(__name__)

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
OperationMethod = Callable[[ApiCall], dict[str, Any]]
Method = TypeVar("Method", bound=Callable[..., dict[str, Any]])
PageHandler = Callable[[Request, AccountRegion], Response]

_MOTO_ADMIN_PREFIX = "/moto-api/"
# What no XML can hold, and so no answer that repeats it.
_NOT_ALLOWED_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"
OPERATION_PATHS = {"/listRegions": ("account", "ListRegions"), "/getRegionOptStatus": ("account", "GetRegionOptStatus")}
# The services whose requests and answers are held against botocore's models; some of them moto answers.
_SERVICES = {
    "SageMaker": "sagemaker",
    "ServiceQuotasV20190624": "service-quotas",
    "AWSSupport_20130415": "support",
    "AWSPriceListService": "pricing",
    "ResourceGroupsTaggingAPI_20170126": "resourcegroupstaggingapi",
    "AWSOrganizationsV20161128": "organizations",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "cloudwatch",
    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101": "cloudtrail",
}


def aws_operation(service: str, *operations: str) -> Callable[[Method], Method]:
    """Mark a service's method as the sandbox's answer to these operations of a service (boto3's name for it)."""

    def mark_method(method: Method) -> Method:
        # On the function itself, where find_operations sees it through the bound method of every instance.
        method.__dict__["owned"] = [(service, operation) for operation in operations]
        return method

    return mark_method


def find_operations(service: object) -> dict[tuple[str, str], OperationMethod]:
    """What a service answers: (service, operation) to the method bound to it."""
    table: dict[tuple[str, str], OperationMethod] = {}
    for name in dir(type(service)):
        method = getattr(service, name)
        for key in getattr(method, "owned", []):
            table[key] = method
    return table


class _BoundedRequest(Request):
    """A request whose body is read into memory up to a point only: what is larger is S3's, and read by moto."""

    max_content_length = 16 * 1024 * 1024


_BODY_TOO_LARGE = ApiError("RequestEntityTooLargeException", "The request body is too large.", status=413)
_BODY_INCOMPLETE = ApiError("SerializationException", "The request body cannot be read to its end.")
_OTHER_USER_DENIED = ApiError(
    "AccessDeniedException",
    "This sandbox is another user's, or cannot tell whose program this is: use the access key that it printed.",
    status=403,
)


def _foreign_origin_error(site: str) -> ApiError:
    text = f"The sandbox answers the programs on its own machine alone, and no web page of {site}."
    return ApiError("AccessDeniedException", text, status=403)


@dataclass
class Dispatcher:
    """The WSGI application: own operations first, then own pages (by path prefix), then moto."""

    moto: WsgiApp
    operations: dict[tuple[str, str], OperationMethod] = field(default_factory=dict)
    pages: dict[str, PageHandler] = field(default_factory=dict)
    actions: dict[str, PageHandler] = field(default_factory=dict)
    """Own answers in AWS's older protocol, by the Action in a posted form; FallThrough hands one on to moto."""
    latency_seconds: float = 0.0
    check_rate: Callable[[AccountRegion, str, str], None] = lambda account_region, service, operation: None
    """Asked before every call to an API, owned or moto's: raises the throttling error of a rate that is used up."""
    record_call: Callable[[Request, ApiCall, ApiError | None], None] = lambda request, call, error: None
    """Told of every call in JSON, with the error that it ended with."""
    denial_response: Callable[[Request], Response | None] = lambda request: None
    """Asked before everything: AWS's answer to what the caller may not do."""

    def add_service(self, service: object) -> None:
        """Let a service answer the operations it owns."""
        self.operations.update(find_operations(service))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = _BoundedRequest(environ)
        # First of all: a web page learns nothing from here, not even what AWS would answer it.
        if site := foreign_origin(request):
            return error_response(_foreign_origin_error(site))(environ, start_response)
        try:
            is_allowed = is_allowed_caller(request)
        except (RequestEntityTooLarge, ClientDisconnected, OSError):
            is_allowed = False
        if not is_allowed:
            return error_response(_OTHER_USER_DENIED)(environ, start_response)
        if self.latency_seconds and not _is_internal(request):
            time.sleep(self.latency_seconds)
        try:
            return self._answer_request(request, start_response)
        except RequestEntityTooLarge:
            return error_response(_BODY_TOO_LARGE)(environ, start_response)
        except (ClientDisconnected, OSError):
            return error_response(_BODY_INCOMPLETE)(environ, start_response)

    def _answer_request(self, request: Request, start_response: Any) -> Iterable[bytes]:
        environ = request.environ
        # The order matters: what the caller may not do comes before every answer, and pages before JSON, since
        # InvokeEndpoint is known by its path alone.
        refused = self.denial_response(request)
        if refused:
            return refused(environ, start_response)
        page = self._find_page(request)
        if page:
            return page(request, signed_account_region(request))(environ, start_response)
        target = _json_target(request)
        if target:
            return self._answer_json_call(request, *target)(environ, start_response)
        if request.mimetype == FORM_CONTENT_TYPE and signing_service(request) != "s3":
            return self._answer_form_call(request, start_response)
        # moto's reset button and its dashboard are not for clients; a bucket may have that name.
        if request.path.startswith(_MOTO_ADMIN_PREFIX) and signing_service(request) != "s3":
            return _invalid_action_response()(environ, start_response)
        return self._pass_to_moto(environ, start_response)

    def _find_page(self, request: Request) -> PageHandler | None:
        # A bucket may be called as a page is.
        if signing_service(request) == "s3":
            return None
        return next((page for prefix, page in self.pages.items() if request.path.startswith(prefix)), None)

    def _answer_form_call(self, request: Request, start_response: Any) -> Iterable[bytes]:
        query = dict(parse_qsl(request.get_data(as_text=True)))
        if any(_NOT_ALLOWED_IN_XML.search(value) for value in query.values()):
            return _xml_error_response("ValidationError", "A parameter has a character in it that none can have.")(
                request.environ, start_response
            )
        action = self.actions.get(query.get("Action", ""))
        try:
            self._check_form_rate(request, query.get("Action", ""))
            if action:
                return action(request, signed_account_region(request))(request.environ, start_response)
        except ApiError as error:
            return _xml_error_response(error.code, error.message, error.status)(request.environ, start_response)
        except FallThrough:
            pass
        return self._pass_to_moto(_replay_environ(request), start_response)

    def _check_form_rate(self, request: Request, action: str) -> None:
        if not _is_internal(request):
            self.check_rate(signed_account_region(request), signing_service(request) or "", action)

    def _pass_to_moto(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return self.moto(environ, start_response)
        except Exception as error:
            # moto knows no such service or operation, or fails on this input.
            _log.warning("moto cannot answer %s: %r", _describe_request(environ), error)
            is_json = "HTTP_X_AMZ_TARGET" in environ
            response = error_response(_unknown_operation_error()) if is_json else _invalid_action_response()
            return response(environ, start_response)

    def _answer_json_call(self, request: Request, service: str, operation: str) -> Response:
        # Here, and kept: a body that cannot be read is not the operation's failure.
        request.get_data()
        try:
            return self._answer_recorded(_parse_call(request, service, operation), request)
        except ApiError as error:
            return error_response(error)
        except Exception:
            _log.exception("%s %s failed", service, operation)
            return error_response(ApiError("InternalFailure", f"The sandbox failed on {operation}: see its log.", 500))

    def _answer_recorded(self, call: ApiCall, request: Request) -> Response:
        """Answer a call, and let it be an event of CloudTrail's, however it ends."""
        try:
            response = self._dispatch_call(call, request)
        except ApiError as error:
            self._record(request, call, error)
            raise
        is_refused = response.status_code >= 400
        self._record(request, call, ApiError("ValidationException", "") if is_refused else None)
        return response

    def _record(self, request: Request, call: ApiCall, error: ApiError | None) -> None:
        if not _is_internal(request):
            self.record_call(request, call, error)

    def _dispatch_call(self, call: ApiCall, request: Request) -> Response:
        # A throttled call is not looked at any further, whatever is in it.
        if not _is_internal(request):
            self.check_rate(call.account_region, call.service, call.operation)
        check_input(call.service, call.operation, call.params)
        owner = self.operations.get((call.service, call.operation))
        try:
            if owner is not None:
                understood = replace(call, params=drop_unknown_members(call.service, call.operation, call.params))
                return _json_response(shape_output(call.service, call.operation, owner(understood)))
        except FallThrough:
            pass
        return self._moto_json_response(call, request)

    def _moto_json_response(self, call: ApiCall, request: Request) -> Response:
        """The answer of moto, which ends with an exception where it lacks an operation: AWS never does."""
        try:
            response = Response.from_app(self.moto, _replay_environ(request))
        except NotImplementedError as error:
            raise _unknown_operation_error() from error
        except Exception as error:
            _log.warning("moto cannot answer %s %s: %r", call.service, call.operation, error)
            raise validation_error(f"The sandbox cannot answer this {call.operation}: {error!r}") from error
        return _clean_moto_response(call.service, call.operation, response)


def _is_internal(request: Request) -> bool:
    """Whether it is one of the sandbox's own calls to itself."""
    return INTERNAL_USER_AGENT in request.user_agent.string


def _json_target(request: Request) -> tuple[str, str] | None:
    """The service and operation of a request that speaks JSON, None of one that does not, or is compressed: only
    those to CloudWatch are, and moto unpacks them.
    """
    if request.path in OPERATION_PATHS:
        return OPERATION_PATHS[request.path]
    if "Content-Encoding" in request.headers:
        return None
    prefix, _, operation = request.headers.get("X-Amz-Target", "").rpartition(".")
    service = _SERVICES.get(prefix)
    return (service, operation) if service else None


def _describe_request(environ: dict[str, Any]) -> str:
    """A request in a line of the log; never its query or body, which can hold secrets."""
    return environ.get("HTTP_X_AMZ_TARGET") or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def _invalid_action_response() -> Response:
    """What AWS's XML services say to an operation they do not have."""
    return _xml_error_response("InvalidAction", "The action is not valid for this endpoint.")


def _xml_error_response(code: str, message: str, status: int = 400) -> Response:
    text = f"<Code>{code}</Code><Message>{message}</Message>"
    body = f"<ErrorResponse><Error><Type>Sender</Type>{text}</Error><RequestId>{uuid4()}</RequestId></ErrorResponse>"
    return Response(body, status=status, content_type="text/xml")


def _unknown_operation_error() -> ApiError:
    return ApiError("UnknownOperationException", "The requested operation is not recognized by the service.")


def _parse_call(request: Request, service: str, operation: str) -> ApiCall:
    if operation not in service_model(service).operation_names:
        raise _unknown_operation_error()
    _check_signing_service(request, service)
    try:
        params = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The request body is not JSON.") from error
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    return ApiCall(
        signed_account_region(request), service, operation, _drop_nulls(params), request.host_url.rstrip("/")
    )


def _drop_nulls(value: Any) -> Any:
    """To AWS, a member that is null is a member that is absent."""
    match value:
        case dict():
            return {name: _drop_nulls(item) for name, item in value.items() if item is not None}
        case list():
            return [_drop_nulls(item) for item in value]
        case _:
            return value


def _check_signing_service(request: Request, service: str) -> None:
    """Refuse a signature made for another service, and a request without one, as AWS does."""
    signed = signing_service(request)
    if signed is None:
        raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token", status=403)
    model = service_model(service)
    name = model.metadata.get("signingName", model.endpoint_prefix)
    if signed != name:
        raise ApiError(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{name}'.", status=403
        )


def _replay_environ(request: Request) -> dict[str, Any]:
    """The request's environment with the body, already read, put back for the next application."""
    return {**request.environ, "wsgi.input": BytesIO(request.get_data())}


def _clean_moto_response(service: str, operation: str, response: Response) -> Response:
    if response.status_code != 200:
        return response
    shape = output_shape(service, operation)
    body = json.loads(response.get_data() or b"{}")
    return _json_response(drop_incomplete_structures(shape, body))


def _json_response(body: Any, status: int = 200) -> Response:
    response = Response(json.dumps(body), status=status, content_type="application/x-amz-json-1.1")
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response


def error_response(error: ApiError) -> Response:
    """An AWS error as AWS's JSON services send it."""
    response = _json_response({"__type": error.code, "message": error.message}, error.status)
    # boto3 reads the code from the body, other SDKs from this header.
    response.headers["x-amzn-ErrorType"] = error.code
    return response
