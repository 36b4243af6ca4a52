"""A DynamoDB table of opskit's state, by moto in this process, that behaves as badly as DynamoDB may: it throttles,
loses answers before or after the effect, and goes on while a runner sleeps or is killed.
"""

from __future__ import annotations

import functools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.signers import RequestSigner
from moto import mock_aws
from moto.backends import get_backend
from moto.core.responses import ActionResult
from moto.core.utils import method_names_from_class
from moto.dynamodb.responses import DynamoHandler, DynamoResult

from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.pacing import RateLimiter
from opskit.aws.session import AwsSession
from opskit.aws.state_table import StateTable
from opskit.kept_state.rules import table_template
from opskit.state.home import StateHome
from opskit.state.table_home import table_home

TABLE, REGION = "opskit-test", "us-east-1"
_serialized = DynamoHandler.serialized
_THROTTLES = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")


@dataclass
class FaultyDynamoDb:
    """What goes wrong on the way to the table: shares of all calls. ``before_call`` is told of each call first, and may
    raise: what it raises is what the runner meets, and the call is not sent.
    """

    dice: random.Random = field(default_factory=lambda: random.Random(0))
    throttled: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    slept: float = 0.0
    before_call: Callable[[str], None] = lambda name: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def without_faults(self) -> FaultyDynamoDb:
        self.throttled = self.lost_before = self.lost_after = 0.0
        return self

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def call(self, send: Callable[[], dict[str, Any]], name: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls[name] += 1
        self.before_call(name)
        _check_request(name, params)
        if self.dice.random() < self.throttled:
            raise ClientError({"Error": {"Code": self.dice.choice(_THROTTLES), "Message": "Rate exceeded"}}, name)
        is_write = name not in ("Query", "Scan", "DescribeTable")
        # A read that timed out is not repeated, so only writes are lost here.
        if is_write and self.dice.random() < self.lost_before:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        answer = send()
        answer["ResponseMetadata"]["HTTPHeaders"]["date"] = format_datetime(self.now(), usegmt=True)
        if is_write and self.dice.random() < self.lost_after:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        return answer

    def new_table(self) -> StateTable:
        """The table as a new process opens it."""
        session = AwsSession(Boto3Clients(boto3.Session("testing", "testing", region_name=REGION)), REGION)
        session.__dict__.update(rate_limiter=lambda operation, region: RateLimiter())
        return StateTable(session.client, TABLE, pause=self.sleep)

    def new_home(self) -> StateHome:
        """The home as a new process opens it."""
        return table_home(self.new_table(), f"dynamodb://{TABLE}")


def _check_request(name: str, params: dict[str, Any]) -> None:
    """What DynamoDB refuses and what opskit promises: no read that may be old, no batch that is too large."""
    assert name != "GetItem", "nothing found and an empty answer of a proxy are the same"
    if name in ("Query", "Scan"):
        assert params["ConsistentRead"] is True
    if name == "BatchWriteItem":
        [requests] = params["RequestItems"].values()
        assert len(requests) <= 25


@contextmanager
def faulty_dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyDynamoDb]:
    """A table made from the template that opskit prints."""
    monkeypatch.setattr("opskit.aws.client.time.sleep", lambda seconds: None)
    for name, value in (("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing"), ("DEFAULT_REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    faults = FaultyDynamoDb()
    with _moto_without_reset(), monkeypatch.context() as patched:
        _share_moto(patched)
        make_table(boto3.client("dynamodb", region_name=REGION))
        send = BaseClient._make_api_call

        def faulty(self: Any, name: str, params: dict[str, Any]) -> Any:
            if self.meta.service_model.service_name != "dynamodb":
                return send(self, name, params)
            return faults.call(lambda: send(self, name, params), name, params)

        patched.setattr(BaseClient, "_make_api_call", faulty)
        yield faults


@contextmanager
def _moto_without_reset() -> Iterator[None]:
    """moto answers in this process. It is not reset as a whole, since a sandbox of another test may live on it."""
    mocked = mock_aws()
    _forget_tables()
    mocked.start(reset=False)
    try:
        yield
    finally:
        mocked.stop(remove_data=False)
        _forget_tables()


def _share_moto(patched: pytest.MonkeyPatch) -> None:
    """Let all calls share which methods moto's class has, which it finds out anew for each."""
    patched.setattr("moto.core.responses.method_names_from_class", functools.cache(method_names_from_class))
    patched.setattr(DynamoHandler, "serialized", _as_json)
    # Nor is anything signed: moto looks at no signature, and a twelfth of a call is to make one.
    patched.setattr(RequestSigner, "sign", lambda *_, **__: None)


def _as_json(handler: DynamoHandler, answer: ActionResult) -> tuple[int, dict[str, Any], str | bytes]:
    """An answer whose items are JSON already, as it is: moto would look up each of their members in the API's model,
    for a fifth of what a call costs. Errors, and what has times or moto's own objects in it, go its way.
    """
    if isinstance(answer, DynamoResult):
        with suppress(TypeError):
            return 200, dict(handler.response_headers), json.dumps(answer.result)
    return _serialized(handler, answer)


def _forget_tables() -> None:
    for account in list(get_backend("dynamodb").values()):
        account.reset()


def make_table(client: Any, name: str = TABLE) -> None:
    """A table by opskit's own template, as CloudFormation makes it."""
    properties = table_template(name)["Resources"]["OpskitState"]["Properties"]
    wanted = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema")
    client.create_table(**{key: properties[key] for key in wanted})
