"""The write side of AWS, and the only one. Only a feature's ``changes`` may use it.

A write is sent once, because repeating a write whose response was lost may do it twice; only throttling, which AWS
answers before it acts, is retried. ``ls opskit/*/changes`` therefore lists everything that opskit can change. Three
things enforce that: import-linter (who imports this module), ``tools/one_writer.py`` (who passes a writer on), and the
writer itself, which checks the calling module at run time, for what static checks cannot see.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from opskit.aws import api_call
from opskit.aws.api_call import check_write_access
from opskit.aws.client import AwsClient
from opskit.aws.errors import translate_error
from opskit.aws.response_checks import UnreadableResponse
from opskit.aws.session import AwsSession
from opskit.core.exceptions import Throttled

T = TypeVar("T")

# With pauses of 0.5, 1, 2 and 4 s: longer than any documented rate needs to refill (RequestServiceQuotaIncrease: 3/s).
_WRITE_TRIES = 5


@dataclass(frozen=True)
class AwsWriter:
    """Writes to one Region of one account.

    Raises:
        PermissionError: a module outside of a feature's ``changes`` used it; the message names the module.
    """

    client: AwsClient

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Send a write once (service and operation as boto3 names them). Throttling, which AWS answers before it acts,
        is retried; a write that depends on a fresh read belongs to ``call_once``.

        Raises:
            OutcomeUnknown: no response came, or AWS failed: it may have taken effect.
            AwsError: AWS refused it, so nothing changed.
        """
        check_write_access(operation)
        return _repeat_throttled(lambda: self._send(service, operation, params))

    def call_once(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Send a write whose precondition was read just now. Throttling is not retried here: by then the read would be
        stale, so the caller reads again before it sends again.

        Raises:
            Throttled: AWS throttled the call; nothing changed.
            OutcomeUnknown: no response came, or AWS failed: it may have taken effect.
            AwsError: AWS refused it, so nothing changed.
        """
        check_write_access(operation)
        return self._send(service, operation, params)

    def call_via_sdk(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
        """Send a write through another library, once. ``send`` gets a boto3 session that uses opskit's clients; its
        last call must be ``operation``, or a read of what that created.

        Raises:
            OutcomeUnknown: no response came, or AWS failed: it may have taken effect.
            AwsError: AWS refused it, so nothing changed.
        """
        check_write_access(operation)
        _repeat_throttled(lambda: self._send_via_sdk(service, operation, send))

    def _send(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return api_call.send_call(self.client.session, self.client.region, service, operation, params, writes=True)

    def _send_via_sdk(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
        check_write_access(operation)
        from botocore.exceptions import ClientError

        client = self.client
        name = f"{service}:{api_call.pascal_case(operation)}"
        api_call.note_call(name, client.region)
        try:
            send(_sdk_session(client.session))
        except Exception as error:
            if isinstance(error, ClientError | UnreadableResponse) and error.operation_name != api_call.pascal_case(
                operation
            ):
                return  # the change was made; only the library's read after it failed
            raise translate_error(error, name, client.region, client.session.read_seconds, writes=True) from error


def _repeat_throttled(send: Callable[[], T]) -> T:
    for attempt in range(_WRITE_TRIES):
        try:
            return send()
        except Throttled:
            if attempt == _WRITE_TRIES - 1:
                raise
            time.sleep(2**attempt / 2)
    raise AssertionError("unreachable")


def _sdk_session(session: AwsSession) -> Any:
    """A boto3 session for another library: the same credentials, and opskit's clients, which send each call once."""
    import boto3

    clients = session._boto3_clients

    class SdkSession(boto3.Session):  # type: ignore[misc]
        """opskit's own session, except for its clients. (A new boto3 session would register its S3 handlers twice.)"""

        def __init__(self) -> None:
            self.__dict__.update(clients.boto3_session.__dict__)

        def client(self, service_name: str, region_name: str | None = None, **_: Any) -> Any:
            return clients.client(service_name, region_name or session.default_region)

    return SdkSession()
