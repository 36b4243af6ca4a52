"""InvokeEndpoint, the one operation of SageMaker with a path of its own: ``/endpoints/NAME/invocations``."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import uuid4

from werkzeug.wrappers import Request, Response

from opskit.sandbox.hosting.endpoint_record import Endpoint, Variant
from opskit.sandbox.hosting.endpoint_service import GROUP, EndpointRoom
from opskit.sandbox.hosting.model_container import Answer
from opskit.sandbox.state import Place

PREFIX = "/endpoints/"
_MOST_BYTES = 6 * 1024 * 1024
_SERVING = ("InService", "Updating", "SystemUpdating", "RollingBack")


@dataclass(frozen=True)
class Invoking:
    """The page that predictions are asked for at."""

    room: EndpointRoom

    def page(self, request: Request, place: Place) -> Response:
        """Answer one request as SageMaker Runtime does."""
        name, _, action = request.path.removeprefix(PREFIX).partition("/")
        if action != "invocations" or request.method != "POST":
            return _error("ValidationError", "The sandbox answers InvokeEndpoint alone, not its variants.", 400)
        endpoint = self.room.find(place, unquote(name))
        if endpoint is None or endpoint.status not in _SERVING:
            return _error("ValidationError", f"Endpoint {unquote(name)} of account {place.account} not found.", 400)
        if (request.content_length or 0) > _MOST_BYTES:
            text = "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            text += f"Member must have length less than or equal to {_MOST_BYTES}"
            return _error("ValidationError", text, 400)
        variant = _chosen(endpoint, request.headers.get("X-Amzn-SageMaker-Target-Variant"))
        if variant is None:
            return _error("ValidationError", f"Variant not found in endpoint {endpoint.name}.", 400)
        return _asked(endpoint, variant, request)


def _chosen(endpoint: Endpoint, target: str | None) -> Variant | None:
    variants = list(endpoint.variants)
    if target:
        return next((variant for variant in variants if variant.name == target), None)
    weights = [variant.weight for variant in variants]
    return random.choices(variants, weights if sum(weights) else None)[0]


def _asked(endpoint: Endpoint, variant: Variant, request: Request) -> Response:
    if variant.container is None:
        text = "There is no model behind this endpoint: the scenario only says that it runs."
        return _model_error(endpoint, 503, "server", text)
    try:
        answer = variant.container.ask(
            request.get_data(), request.headers.get("Content-Type", ""), request.headers.get("Accept", "")
        )
    except TimeoutError:
        return _model_error(endpoint, 0, "server", "Your invocation timed out while waiting for a response.")
    except OSError as error:
        return _model_error(endpoint, 500, "server", f"The container does not answer: {error}")
    if answer.status in (200, 204):
        return _predicted(variant, answer)
    side = "client" if answer.status < 500 else "server"
    return _model_error(endpoint, answer.status, side, answer.body.decode("utf-8", "replace"))


def _predicted(variant: Variant, answer: Answer) -> Response:
    response = Response(answer.body, status=200, content_type=answer.content_type)
    response.headers["x-Amzn-Invoked-Production-Variant"] = variant.name
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response


def _model_error(endpoint: Endpoint, status: int, side: str, said: str) -> Response:
    place, group = endpoint.place, f"{GROUP}/{endpoint.name}"
    link = f"https://{place.region}.console.aws.amazon.com/cloudwatch/home?region={place.region}"
    text = f'Received {side} error ({status}) from primary with message "{said}". See {link}#logEventViewer:'
    text += f"group={group} in account {place.account} for more information."
    more = {
        "OriginalStatusCode": status,
        "OriginalMessage": said,
        "LogStreamArn": place.arn(f"log-group:{group}", "logs"),
    }
    return _error("ModelError", text, 424, more)


def _error(code: str, message: str, status: int, more: dict[str, object] | None = None) -> Response:
    body = json.dumps({"ErrorCode": code, "Message": message, "message": message, **(more or {})})
    response = Response(body, status=status, content_type="application/json")
    response.headers["x-amzn-ErrorType"] = code
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response
