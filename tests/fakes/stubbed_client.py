"""A door whose clients answer from a script, each call held against AWS's own model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.stub import Stubber

from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.client import AwsClient
from opskit.aws.response_checks import check_response_body
from opskit.aws.response_values import check_response_values
from opskit.aws.session import AwsSession, CallerIdentity

REGION = "us-east-1"
ACCOUNT = "123456789012"


class StubbedCalls:
    """The calls that are to come, service by service, in order."""

    def __init__(self, clients: Boto3Clients, stack: ExitStack) -> None:
        self._clients, self._stack = clients, stack
        self._stubbers: dict[str, Stubber] = {}

    def add_answer(self, service: str, operation: str, answer: dict[str, Any], expected: Any = None) -> None:
        """The next call of the service is this one, with these parameters where they are given."""
        self._of(service).add_response(operation, answer, expected)

    def add_refusal(self, service: str, operation: str, code: str, message: str = "", status: int = 400) -> None:
        """The next call of the service is this one, and AWS says no."""
        signed = {"HTTPHeaders": {"x-amz-request-id": "4442587FB7D0A2F9"}}
        self._of(service).add_client_error(operation, code, message, status, response_meta=signed)

    def watch_calls(self, service: str, event: str, handler: Callable[..., None]) -> None:
        """Let ``handler`` hear of an event of botocore's on the service's client."""
        self._clients.client(service, REGION).meta.events.register(event, handler)

    def assert_done(self) -> None:
        """Every call has come."""
        for stubber in self._stubbers.values():
            stubber.assert_no_pending_responses()

    def _of(self, service: str) -> Stubber:
        if service not in self._stubbers:
            client = self._clients.client(service, REGION)
            client.meta.events.unregister("after-call", check_response_body)  # a stub's answer has no bytes to check
            # The Stubber holds values against the model itself, and takes times in all forms that answers have.
            client.meta.events.unregister("after-call", check_response_values)
            self._stubbers[service] = self._stack.enter_context(Stubber(client))
        return self._stubbers[service]


@cache
def _shared_session() -> Any:
    """One for all: a session reads the API's model once, and SageMaker's takes its time."""
    return boto3.Session("testing", "testing", region_name=REGION)


@cache
def shared_clients() -> Boto3Clients:
    """Clients for all who stub none of them."""
    return Boto3Clients(_shared_session())


def offline_client(region: str = REGION) -> AwsClient:
    """One that calls nobody: for what only hands it on."""
    return AwsSession(Boto3Clients(None), region).client()


@contextmanager
def stubbed_client(arn: str = f"arn:aws:iam::{ACCOUNT}:user/me") -> Iterator[tuple[AwsClient, StubbedCalls]]:
    """A door, which AWS takes us for ``arn`` at, and its script. What the script does not foresee fails the test."""
    clients = Boto3Clients(_shared_session())
    session = AwsSession(clients, REGION)
    session._identity_read = Future()
    session._identity_read.set_result(CallerIdentity(ACCOUNT, arn))
    with ExitStack() as stack:
        yield session.client(), StubbedCalls(clients, stack)
