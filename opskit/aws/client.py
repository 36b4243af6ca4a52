"""The one door to boto: sessions, clients, pacing and pages.

Everything that reads goes through ``AwsClient.read``, everything that changes an account through ``AwsClient.write``.
A read that failed in passing is repeated; a write is sent once, because a repeat of a write whose answer was lost
may do it twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from opskit.aws.errors import incomplete, translated
from opskit.aws.response_checks import UnreadableResponse
from opskit.core.exceptions import AwsError, Throttled
from opskit.core.live_resources import LiveResources

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession

T = TypeVar("T")
_WRITE_TRIES = 5
_READ_TRIES = 5

# Answered from one place for all Regions; boto3 would build hosts that do not exist elsewhere.
GLOBAL_SERVICE_REGIONS = {"support": "us-east-1", "pricing": "us-east-1", "iam": "us-east-1"}


@dataclass(frozen=True)
class _Turning:
    """How a listing is read on: what asks for the next page, where a page tells it, and what says that there is one,
    where a token alone does not.
    """

    asked: str
    told: str
    more: str | None = None


_PAGES: Mapping[str, _Turning] = {
    "iam": _Turning("Marker", "Marker", "IsTruncated"),
    "logs": _Turning("nextToken", "nextToken"),
    "s3": _Turning("ContinuationToken", "NextContinuationToken", "IsTruncated"),
    "support": _Turning("nextToken", "nextToken"),
}
"""The services that do it in other words than NextToken."""

_READ_VERBS = (
    "get_",
    "list_",
    "describe_",
    "search",
    "head_",
    "filter_",
    "simulate_",
    "download_",
    "invoke_endpoint",
    "create_presigned_",  # a key to look with; it changes nothing
    "start_quota_utilization_report",  # what it starts can only be read, and AWS deletes it after 15 minutes
)


def _no_call_hook(name: str, region: str) -> None:
    """The listener when nobody listens."""


call_hook: Callable[[str, str], None] = _no_call_hook
"""Told of every call by name and Region, before it goes; ``--verbose`` listens here."""


def _invoke_operation(call: Callable[..., dict[str, Any]], params: Mapping[str, Any]) -> dict[str, Any]:
    """A call's answer; botocore stumbling over it is an answer that is not AWS's."""
    from botocore.parsers import ResponseParserError

    try:
        return call(**params)
    except (LookupError, TypeError, AttributeError) as error:
        raise ResponseParserError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class AwsClient:
    """One Region of one account."""

    session: AwsSession
    region: str

    @property
    def left_running(self) -> LiveResources:
        """What was made or is watched through this connection and goes on when the command ends."""
        return self.session.left_running

    def read(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Ask AWS something (boto3's names for service and operation). Throttling, AWS's own failures and broken
        connections are waited out for a few seconds; a call that timed out is not repeated. A streamed ``CommandBody``
        comes as bytes.

        Raises:
            AwsError: it said no, or did not answer.
            ValueError: the operation is no read.
        """
        if not operation.startswith(_READ_VERBS):
            raise ValueError(f"{operation} changes something; it belongs to Door.write")
        for attempt in range(_READ_TRIES):
            try:
                return self._call_api(service, operation, params, writes=False)
            except AwsError as failure:
                if not failure.transient or attempt == _READ_TRIES - 1:
                    raise
                time.sleep(2**attempt * random.uniform(0.1, 0.3))
        raise AssertionError("unreachable")

    def paginate(self, service: str, operation: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every page of a listing, each as AWS answered it, in order.

        Raises:
            AwsError: a page could not be read, or leads nowhere: to a page that was there already, or to none.
        """
        turning = _PAGES.get(service, _Turning("NextToken", "NextToken"))
        seen: set[str] = set()
        while True:
            page = self.read(service, operation, **params)
            yield page
            token = page.get(turning.told)
            if not (page.get(turning.more) if turning.more else token):
                return
            if not token or token in seen:
                why = "twice with the same token for the next page" if token else "without the token for its next page"
                name = f"{service}:{_pascal_case(operation)}"
                raise incomplete(name, self.region, f"{why}, so that its end cannot be reached")
            seen.add(token)
            params = {**params, turning.asked: token}

    def write(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Change something, once. Only throttling, which AWS answers before it acts, is waited out and repeated; what
        must not be done on an old look belongs to ``write_once``.

        Raises:
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsError: AWS said no, so nothing changed.
        """
        return self._with_write_retries(lambda: self._call_api(service, operation, params, writes=True))

    def write_once(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Change something that was looked at just now. Throttling is not waited out here: by then the look would be
        old, so whoever looked looks again before sending again.

        Raises:
            Throttled: AWS asks to slow down; nothing changed.
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsError: AWS said no, so nothing changed.
        """
        return self._call_api(service, operation, params, writes=True)

    def write_via_sdk(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
        """Change something through another library, once. ``send`` gets a boto3 session whose clients are ours, and
        ends with a call of ``operation``, or with looking at what that has made.

        Raises:
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsError: AWS said no, so nothing changed.
        """
        self._with_write_retries(lambda: self._call_via_sdk(service, operation, send))

    def _with_write_retries(self, send: Callable[[], T]) -> T:
        for attempt in range(_WRITE_TRIES):
            try:
                return send()
            except Throttled:
                if attempt == _WRITE_TRIES - 1:
                    raise
                time.sleep(2**attempt / 2)
        raise AssertionError("unreachable")

    def _call_via_sdk(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
        from botocore.exceptions import ClientError

        name = f"{service}:{_pascal_case(operation)}"
        call_hook(name, self.region)
        try:
            send(self.session.sdk_session())
        except Exception as error:
            if isinstance(error, ClientError | UnreadableResponse) and error.operation_name != _pascal_case(operation):
                return  # the change was made; what failed is the look at it
            raise translated(error, name, self.region, self.session.read_seconds, writes=True) from error

    def release(self) -> None:
        """Let go of what talks to this Region."""
        self.session.release(self.region)

    def _call_api(self, service: str, operation: str, params: dict[str, Any], *, writes: bool) -> dict[str, Any]:
        region = GLOBAL_SERVICE_REGIONS.get(service, self.region)
        pace = self.session.rate_limiter(operation, region)
        call_hook(f"{service}:{_pascal_case(operation)}", region)
        what = f"{service}:{_pascal_case(operation)}"
        try:
            call = getattr(self.session.boto3_client(service, region), operation)
            if pace:
                pace.acquire()
            answer = _invoke_operation(call, params)
        except Exception as error:
            raise translated(error, what, self.region, self.session.read_seconds, writes=writes) from error
        if hasattr(answer.get("Body"), "read"):
            answer["Body"] = self._read_stream(answer["Body"], f"{service}:{_pascal_case(operation)}")
        return answer

    def _read_stream(self, stream: Any, name: str) -> bytes:
        """A stream read to its end here, where one that breaks off can be asked for anew."""
        try:
            return bytes(stream.read())
        except Exception as error:
            raise translated(error, name, self.region, self.session.read_seconds) from error


def _pascal_case(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("_")).replace("Aws", "AWS")
