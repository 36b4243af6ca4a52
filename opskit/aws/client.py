"""The read side of AWS: one Region of one account. Only operations that cannot change an account are accepted, and
transient failures are retried. A response that is valid for the service and still cannot be used, such as an entry
without its name, is an error of its call. The Date header of a response is AWS's clock.

Writes go through ``opskit.aws.writer``, which only a feature's ``changes`` may import.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opskit.aws import api_call
from opskit.aws.api_call import is_read
from opskit.aws.connections import parse_http_date
from opskit.aws.errors import incomplete
from opskit.core.exceptions import AwsError, Throttled
from opskit.core.live_resources import LiveResources

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession


# With the pauses below a read is given up after 1.5 to 4.5 s of waiting: a longer outage is the user's to know about.
READ_TRIES = 5
# Throttling passes by itself, and what is not read is unknown: for so long a throttled read is tried again.
THROTTLED_SECONDS = 60.0


@dataclass(frozen=True)
class _PaginationMembers:
    """How a service pages: the parameter that takes the token, and the member that holds the next one.
    ``has_more_member`` says whether there is a next page; None: that there is a token says it.
    """

    request_param: str
    response_member: str
    has_more_member: str | None = None


# Services whose members are not called NextToken.
_PAGINATION: Mapping[str, _PaginationMembers] = {
    "dynamodb": _PaginationMembers("ExclusiveStartKey", "LastEvaluatedKey"),
    "iam": _PaginationMembers("Marker", "Marker", "IsTruncated"),
    "logs": _PaginationMembers("nextToken", "nextToken"),
    "resourcegroupstaggingapi": _PaginationMembers("PaginationToken", "PaginationToken"),
    "s3": _PaginationMembers("ContinuationToken", "NextContinuationToken", "IsTruncated"),
    "support": _PaginationMembers("nextToken", "nextToken"),
}


# SageMaker's defaults differ from one operation to the next (jobs come the oldest first), and are AWS's to change. What
# each calls the time of creation:
_ORDERS = {
    **dict.fromkeys(
        (
            "list_apps",
            "list_auto_ml_jobs",
            "list_endpoint_configs",
            "list_endpoints",
            "list_hyper_parameter_tuning_jobs",
            "list_inference_components",
            "list_inference_experiments",
            "list_labeling_jobs",
            "list_mlflow_apps",
            "list_mlflow_tracking_servers",
            "list_models",
            "list_monitoring_schedules",
            "list_notebook_instances",
            "list_processing_jobs",
            "list_spaces",
            "list_training_jobs",
            "list_transform_jobs",
            "search",
        ),
        "CreationTime",
    ),
    "list_clusters": "CREATION_TIME",
    "list_training_plans": "StartTime",
}


@dataclass(frozen=True)
class AwsClient:
    """One Region of one account."""

    session: AwsSession
    region: str

    @property
    def live_resources(self) -> LiveResources:
        """Resources that were created or are watched through this session and continue when the command ends."""
        return self.session.live_resources

    @property
    def owner_keys(self) -> tuple[str, ...]:
        """The keys of the tags that name an owner, in the order in which they count."""
        return self.session.owner_keys

    def read(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Call a read operation (service and operation as boto3 names them). Server errors and broken connections are
        retried for a few seconds, throttling for up to a minute; a call that timed out is not. A streamed ``Body`` is
        returned as bytes.

        Raises:
            AwsError: it said no, or did not answer.
            ValueError: the operation is no read.
        """
        if not is_read(operation):
            raise ValueError(f"{operation} changes something; it belongs to opskit.aws.writer")
        tries, throttled_until = 0, 0.0
        while True:
            try:
                return api_call.send_call(self.session, self.region, service, operation, params, writes=False)
            except Throttled:
                # The limiter has slowed down for all threads; each call waits there for its own slot.
                throttled_until = throttled_until or time.monotonic() + THROTTLED_SECONDS
                if time.monotonic() > throttled_until:
                    raise
                time.sleep(random.uniform(0.1, 0.3))
            except AwsError as failure:
                tries += 1
                if not failure.transient or tries == READ_TRIES:
                    raise
                # Exponential backoff from 0.1–0.3 s; the jitter keeps parallel reads from returning in one burst.
                time.sleep(2**tries * random.uniform(0.05, 0.15))

    def paginate(self, service: str, operation: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every page of a listing, as AWS returned it, in order; the newest first where nothing else is asked for.

        Raises:
            AwsError: a page could not be read, or its token is missing or was used before.
        """
        tokens = _PAGINATION.get(service, _PaginationMembers("NextToken", "NextToken"))
        if service == "sagemaker" and (order := _ORDERS.get(operation)):
            params = {"SortBy": order, "SortOrder": "Descending", **params}
        used_tokens: set[str] = set()
        while True:
            page = self.read(service, operation, **params)
            yield page
            token = page.get(tokens.response_member)
            if not (page.get(tokens.has_more_member) if tokens.has_more_member else token):
                return
            # A token that repeats would read the same pages for ever.
            if not token or str(token) in used_tokens:
                reason = "twice with the same token for the next page" if token else "without a token for the next page"
                name = f"{service}:{api_call.pascal_case(operation)}"
                raise incomplete(name, self.region, f"{reason}, so that its end cannot be reached")
            used_tokens.add(str(token))  # DynamoDB's are keys
            params = {**params, tokens.request_param: token}

    def release(self) -> None:
        """Close this Region's clients."""
        self.session.release_region(self.region)


@contextmanager
def parse_errors_as_aws(client: AwsClient, operation: str) -> Iterator[None]:
    """Turn an exception while parsing a response into an ``AwsError`` of the call. It is raised outside of the handler,
    since the original exception may hold a presigned URL or a token.

    Raises:
        AwsError: the block could not parse the response.
    """
    parse_error = ""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        parse_error = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else type(error).__name__
    if parse_error:
        raise incomplete(operation, client.region, f"with content that cannot be parsed ({parse_error})")


def response_date(response: Mapping[str, Any]) -> datetime | None:
    """When AWS gave a response, by its own clock and to about a second; None if the response has no valid Date."""
    headers = (response.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    return parse_http_date(headers.get("date"))


def read_clock_skew(client: AwsClient, now: Callable[[], datetime]) -> float | None:
    """By how many seconds AWS's clock is ahead of this machine's, to about a second; None if the response has no valid
    Date.

    Raises:
        AwsError: AWS refused the call, or gave no response.
    """
    given = response_date(client.read("sts", "get_caller_identity"))
    return None if given is None else (given - now()).total_seconds()
