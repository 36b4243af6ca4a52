"""Reading one Region of one account. A read that failed in passing is repeated.

What changes an account is ``opskit.aws.writer``, which only a feature's ``changes`` may import.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opskit.aws import api_call
from opskit.aws.errors import incomplete
from opskit.core.exceptions import AwsError
from opskit.core.live_resources import LiveResources

if TYPE_CHECKING:
    from opskit.aws.session import AwsSession

READ_TRIES = 5


@dataclass(frozen=True)
class _Turning:
    """How a listing is read on: what asks for the next page, where a page tells it, and what says that there is one,
    where a token alone does not.
    """

    asked: str
    told: str
    more: str | None = None


# The services that do it in other words than NextToken.
_PAGES: Mapping[str, _Turning] = {
    "iam": _Turning("Marker", "Marker", "IsTruncated"),
    "logs": _Turning("nextToken", "nextToken"),
    "s3": _Turning("ContinuationToken", "NextContinuationToken", "IsTruncated"),
    "support": _Turning("nextToken", "nextToken"),
}

READ_VERBS = (
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
        if not operation.startswith(READ_VERBS):
            raise ValueError(f"{operation} changes something; it belongs to opskit.aws.writer")
        for attempt in range(READ_TRIES):
            try:
                return api_call.send_call(self.session, self.region, service, operation, params, writes=False)
            except AwsError as failure:
                if not failure.transient or attempt == READ_TRIES - 1:
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
                name = f"{service}:{api_call.pascal_case(operation)}"
                raise incomplete(name, self.region, f"{why}, so that its end cannot be reached")
            seen.add(token)
            params = {**params, turning.asked: token}

    def release(self) -> None:
        """Let go of what talks to this Region."""
        self.session.release_region(self.region)
