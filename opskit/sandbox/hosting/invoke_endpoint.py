"""InvokeEndpoint, the one operation of SageMaker with a path of its own: ``/endpoints/NAME/invocations``."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import uuid4

from werkzeug.wrappers import Request, Response

from opskit.sandbox.hosting.endpoint_record import Endpoint, Variant
from opskit.sandbox.hosting.endpoint_service import ENDPOINT_LOG_GROUP, EndpointService
from opskit.sandbox.hosting.invocation_metrics import InvocationMetrics
from opskit.sandbox.hosting.model_container import ContainerResponse
from opskit.sandbox.state import AccountRegion

INVOKE_PATH_PREFIX = "/endpoints/"
# AWS's limit for a real-time request.
_MAX_BODY_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True)
class InvokeEndpointPage:
    """The page that predictions are asked for at."""

    endpoints: EndpointService
    metrics: InvocationMetrics

    def answer_request(self, request: Request, account_region: AccountRegion) -> Response:
        """Answer one request as SageMaker Runtime does."""
        name, _, action = request.path.removeprefix(INVOKE_PATH_PREFIX).partition("/")
        if action != "invocations" or request.method != "POST":
            return _runtime_error_response(
                "ValidationError", "The sandbox answers InvokeEndpoint alone, not its variants.", 400
            )
        endpoint = self.endpoints.find_endpoint(account_region, unquote(name))
        if endpoint is None or not endpoint.status.traits.serves:
            return _runtime_error_response(
                "ValidationError", f"Endpoint {unquote(name)} of account {account_region.account} not found.", 400
            )
        if (request.content_length or 0) > _MAX_BODY_BYTES:
            text = "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            text += f"Member must have length less than or equal to {_MAX_BODY_BYTES}"
            return _runtime_error_response("ValidationError", text, 400)
        variant = _choose_variant(endpoint, request.headers.get("X-Amzn-SageMaker-Target-Variant"))
        if variant is None:
            return _runtime_error_response("ValidationError", f"Variant not found in endpoint {endpoint.name}.", 400)
        self.metrics.count_invocation(account_region, endpoint.name, variant.name)
        return _invoke_variant(endpoint, variant, request)


def _choose_variant(endpoint: Endpoint, target: str | None) -> Variant | None:
    variants = list(endpoint.variants)
    if target:
        return next((variant for variant in variants if variant.name == target), None)
    weights = [variant.weight for variant in variants]
    # All weights may be 0, which random.choices refuses.
    return random.choices(variants, weights if sum(weights) else None)[0]


def _invoke_variant(endpoint: Endpoint, variant: Variant, request: Request) -> Response:
    if variant.container is None:
        text = "There is no model behind this endpoint: the scenario only says that it runs."
        return _model_error_response(endpoint, 503, "server", text)
    try:
        answer = variant.container.invoke(
            request.get_data(), request.headers.get("Content-Type", ""), request.headers.get("Accept", "")
        )
    except TimeoutError:
        # There is no status of the container where it did not answer in time.
        return _model_error_response(endpoint, 0, "server", "Your invocation timed out while waiting for a response.")
    except OSError as error:
        return _model_error_response(endpoint, 500, "server", f"The container does not answer: {error}")
    if answer.status in (200, 204):
        return _prediction_response(variant, answer)
    side = "client" if answer.status < 500 else "server"
    return _model_error_response(endpoint, answer.status, side, answer.body.decode("utf-8", "replace"))


def _prediction_response(variant: Variant, answer: ContainerResponse) -> Response:
    response = Response(answer.body, status=200, content_type=answer.content_type)
    response.headers["x-Amzn-Invoked-Production-Variant"] = variant.name
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response


def _model_error_response(endpoint: Endpoint, status: int, side: str, answer: str) -> Response:
    account_region, group = endpoint.account_region, f"{ENDPOINT_LOG_GROUP}/{endpoint.name}"
    link = f"https://{account_region.region}.console.aws.amazon.com/cloudwatch/home?region={account_region.region}"
    text = f'Received {side} error ({status}) from primary with message "{answer}". See {link}#logEventViewer:'
    text += f"group={group} in account {account_region.account} for more information."
    members = {
        "OriginalStatusCode": status,
        "OriginalMessage": answer,
        "LogStreamArn": account_region.arn(f"log-group:{group}", "logs"),
    }
    return _runtime_error_response("ModelError", text, 424, members)


def _runtime_error_response(code: str, message: str, status: int, members: dict[str, object] | None = None) -> Response:
    body = json.dumps({"ErrorCode": code, "Message": message, "message": message, **(members or {})})
    response = Response(body, status=status, content_type="application/json")
    response.headers["x-amzn-ErrorType"] = code
    response.headers["x-amzn-RequestId"] = str(uuid4())
    return response
