"""The front of the sandbox: reads AWS requests off HTTP, answers what our rooms own, passes the rest to moto.

Owned services all speak AWS's JSON protocol (``X-Amz-Target: SageMaker.CreateModel``); the one exception,
invoking an endpoint, has a path of its own.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from moto.iam.models import get_account_id_from
from werkzeug.wrappers import Request, Response

from opskit.sandbox import shapes
from opskit.sandbox.faults import ApiError, NotOurs
from opskit.sandbox.world import INSIDE, Call, Place

_log = logging.getLogger(__name__)

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
Operation = Callable[[Call], dict[str, Any]]
Method = TypeVar("Method", bound=Callable[..., dict[str, Any]])
Page = Callable[[Request, Place], Response]

_SERVICES = {
    "SageMaker": "sagemaker",
    "ServiceQuotasV20190624": "service-quotas",
    "AWSSupport_20130415": "support",
    "AWSPriceListService": "pricing",
}


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


@dataclass
class Front:
    """The WSGI application: own operations first, then own pages (by path prefix), then moto."""

    moto: WsgiApp
    operations: dict[tuple[str, str], Operation] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    latency_seconds: float = 0.0
    admit: Callable[[Call], None] = lambda call: None
    """Asked before every JSON call, owned or moto's: raises the throttling error where rates are switched on."""

    def add(self, room: object) -> None:
        """Let a room answer the operations it owns."""
        self.operations.update(operations_of(room))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if self.latency_seconds and INSIDE not in request.user_agent.string:
            time.sleep(self.latency_seconds)
        page = next((page for prefix, page in self.pages.items() if request.path.startswith(prefix)), None)
        if page:
            return page(request, place_of(request))(environ, start_response)
        target = _target(request)
        if target is None:
            return self.moto(environ, start_response)
        return self._json_call(request, *target)(environ, start_response)

    def _json_call(self, request: Request, service: str, operation: str) -> Response:
        try:
            call = _read(request, service, operation)
            self.admit(call)
            owner = self.operations.get((service, operation))
            if owner is None:
                return self._motos(request, service, operation)
            shapes.check_input(service, operation, call.params)
            return _json(shapes.answer(service, operation, owner(call)))
        except NotOurs:
            return self._motos(request, service, operation)
        except ApiError as error:
            return error_answer(error)
        except Exception:
            _log.exception("%s %s failed", service, operation)
            return error_answer(ApiError("InternalFailure", f"The sandbox failed on {operation}: see its log.", 500))

    def _motos(self, request: Request, service: str, operation: str) -> Response:
        return _cleaned(service, operation, Response.from_app(self.moto, _again(request)))


def _target(request: Request) -> tuple[str, str] | None:
    prefix, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
    service = _SERVICES.get(prefix)
    if service is None or operation not in shapes.service_model(service).operation_names:
        return None
    return service, operation


def place_of(request: Request) -> Place:
    """The account and Region a request is signed for; us-east-1 where it is not signed."""
    try:
        scope = request.headers["Authorization"].split("Credential=")[1].split(",")[0].split("/")
        key, region = scope[0], scope[2]
    except (KeyError, IndexError):
        key, region = "", "us-east-1"
    return Place(get_account_id_from(key), region)


def _read(request: Request, service: str, operation: str) -> Call:
    try:
        params = json.loads(request.get_data() or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The request body is not JSON.") from error
    if not isinstance(params, dict):
        raise ApiError("SerializationException", "The request body is not a JSON object.")
    return Call(place_of(request), service, operation, params, request.host_url.rstrip("/"))


def _again(request: Request) -> dict[str, Any]:
    """The request's environment with the body, already read, put back for the next application."""
    from io import BytesIO

    return {**request.environ, "wsgi.input": BytesIO(request.get_data())}


def _cleaned(service: str, operation: str, response: Response) -> Response:
    if response.status_code != 200:
        return response
    shape = shapes.service_model(service).operation_model(operation).output_shape
    body = json.loads(response.get_data() or b"{}")
    return _json(shapes.without_empty(shape, body))


def _json(body: Any, status: int = 200) -> Response:
    response = Response(json.dumps(body), status=status, content_type="application/x-amz-json-1.1")
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response


def error_answer(error: ApiError) -> Response:
    """An AWS error as AWS's JSON services send it."""
    response = _json({"__type": error.code, "message": error.message}, error.status)
    response.headers["x-amzn-ErrorType"] = error.code
    return response
