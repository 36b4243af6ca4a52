"""Changing an account: the one way to do it, and only for a feature's ``changes``.

A write is sent once, because a repeat of a write whose answer was lost may do it twice; only throttling, which AWS
answers before it acts, is repeated. ``ls opskit/*/changes`` therefore lists all that opskit can change. Three things
hold that: import-linter (who imports this module), ``tools/one_writer.py`` (who hands a writer on), and the writer
itself, which looks at the module that uses it, for what no reading of the source can see.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from opskit.aws import api_call
from opskit.aws.client import AwsClient
from opskit.aws.errors import translated
from opskit.aws.response_checks import UnreadableResponse
from opskit.aws.session import AwsSession
from opskit.core.exceptions import Throttled

T = TypeVar("T")

_WRITE_TRIES = 5
_MAY_WRITE = re.compile(r"opskit\.\w+\.changes(\.|$)")


@dataclass(frozen=True)
class AwsWriter:
    """What may change one Region of one account. Using it outside of a feature's ``changes`` is a ``PermissionError``
    that names the module.
    """

    client: AwsClient

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Change something, once (boto3's names for service and operation). Only throttling, which AWS answers before
        it acts, is waited out and repeated; what must not be done on an old look belongs to ``call_once``.

        Raises:
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsError: AWS said no, so nothing changed.
        """
        _refuse_other_callers(operation)
        return _repeat_throttled(lambda: self._send(service, operation, params))

    def call_once(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Change something that was looked at just now. Throttling is not waited out here: by then the look would be
        old, so whoever looked looks again before sending again.

        Raises:
            Throttled: AWS asks to slow down; nothing changed.
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsError: AWS said no, so nothing changed.
        """
        _refuse_other_callers(operation)
        return self._send(service, operation, params)

    def call_via_sdk(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
        """Change something through another library, once. ``send`` gets a boto3 session whose clients are ours, and
        ends with a call of ``operation``, or with looking at what that has made.

        Raises:
            OutcomeUnknown: no answer came, or AWS failed: it may have taken effect.
            AwsError: AWS said no, so nothing changed.
        """
        _refuse_other_callers(operation)
        _repeat_throttled(lambda: self._send_via_sdk(service, operation, send))

    def _send(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return api_call.send_call(self.client.session, self.client.region, service, operation, params, writes=True)

    def _send_via_sdk(self, service: str, operation: str, send: Callable[[Any], None]) -> None:
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
                return  # the change was made; what failed is the look at it
            raise translated(error, name, client.region, client.session.read_seconds, writes=True) from error


def _refuse_other_callers(operation: str) -> None:
    """Let only a feature's ``changes`` write. What is not opskit's, a test for example, is not its business."""
    # Two frames up: the method of the writer, then whoever called it.
    module = str(sys._getframe(2).f_globals.get("__name__", ""))
    if module.startswith("opskit.") and not _MAY_WRITE.match(module):
        raise PermissionError(f"{module} may not call {operation}: only a feature's changes write to an account")


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
    """A boto3 session for another library: the same credentials, and our clients, which send each call once."""
    import boto3

    clients = session._boto3_clients

    class SdkSession(boto3.Session):  # type: ignore[misc]
        """The connection's own session, but for its clients. (Made anew, it would hook itself into S3 twice.)"""

        def __init__(self) -> None:
            self.__dict__.update(clients.boto3_session.__dict__)

        def client(self, service_name: str, region_name: str | None = None, **_: Any) -> Any:
            return clients.client(service_name, region_name or session.default_region)

    return SdkSession()
