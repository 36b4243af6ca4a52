"""Running sandboxes for the tests, few of them, and accounts in them that share nothing."""

from __future__ import annotations

import json
import random
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from opskit.sandbox.server import Options, Sandbox, sandbox

AN_HOUR = 3600.0


@dataclass(frozen=True)
class Account:
    """A client's view of one account of a sandbox."""

    sandbox: Sandbox
    number: str = "123456789012"
    key: str = "sandbox"
    secret: str = "sandbox"
    token: str | None = None

    def client(self, service: str, region: str = "us-east-1") -> Any:
        session = boto3.Session(self.key, self.secret, self.token, region)
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        return session.client(service, endpoint_url=self.sandbox.url, config=config)

    def other(self) -> Account:
        """An account nobody used before, reached as real ones are: by assuming a role in it."""
        number = str(random.randrange(10**11, 10**12))
        role = {"RoleArn": f"arn:aws:iam::{number}:role/tester", "RoleSessionName": "tester"}
        keys = self.client("sts").assume_role(**role)["Credentials"]
        return Account(self.sandbox, number, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@dataclass(frozen=True)
class Reply:
    """A bare HTTP answer."""

    status: int
    body: bytes

    @property
    def code(self) -> str | None:
        """The AWS error code in it, None where it is no error."""
        return json.loads(self.body).get("__type") if self.status >= 400 else None


def post(url: str, target: str, body: bytes, service: str = "sagemaker", region: str = "us-east-1") -> Reply:
    """One request as no SDK would send it, signed for ``service`` (its name in signatures)."""
    scope = f"Credential=sandbox/20260101/{region}/{service}/aws4_request"
    headers = {
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
    }
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return Reply(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        return Reply(error.code, error.read())


@pytest.fixture(scope="session")
def fresh() -> Iterator[Sandbox]:
    """A new account, in which increases are granted after half a second."""
    with sandbox(Options(approve_after_seconds=0.5)) as running:
        yield running


@pytest.fixture(scope="session")
def slow() -> Iterator[Sandbox]:
    """A new account with a Support plan, in which no increase is granted while tests run."""
    with sandbox(Options(approve_after_seconds=AN_HOUR, support_plan=True)) as running:
        yield running


@pytest.fixture(scope="session")
def classroom() -> Iterator[Sandbox]:
    """The course's account, with its notebooks."""
    with sandbox(Options(scenario="classroom", approve_after_seconds=0.5)) as running:
        yield running


@pytest.fixture
def account(fresh: Sandbox) -> Account:
    """The main account of ``fresh``."""
    return Account(fresh)


@pytest.fixture
def send() -> Callable[..., Reply]:
    """Posts one raw request: url, target, body."""
    return post


@pytest.fixture(scope="session")
def account_of() -> Callable[[Sandbox], Account]:
    """The main account of any sandbox."""
    return Account
