"""The clients of one boto3 session, and their connections."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, create_loader

from opskit.aws.gather import gather_all
from opskit.aws.session import assume_account_role, open_session
from tests.fakes.fake_aws import FakeAws


def test_close_idle_connections_closes_them_while_something_still_refers_to_their_pool(fake_aws: FakeAws) -> None:
    fake_aws.on_wire = True
    client = open_session().client("us-east-1")
    client.read("sts", "get_caller_identity")
    session = client.session
    manager = session._boto3_clients.client("sts", "us-east-1")._endpoint.http_session._manager
    [key] = manager.pools.keys()
    pool = manager.pools[key]  # as an answer in a reference cycle does
    [connection] = [each for each in list(pool.pool.queue) if each is not None]
    assert connection.sock is not None
    session.close_idle_connections()
    assert connection.sock is None
    client.read("sts", "get_caller_identity")  # the next call opens a new one
    assert pool.pool is None


def test_a_model_of_an_api_is_read_once_for_the_accounts_that_ask_for_it_at_once(
    fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_file = JSONFileLoader.load_file

    def load_slowly(loader: Any, path: str) -> Any:
        if "/sagemaker/" in path and path.endswith("service-2"):
            read.append(path)
            threading.Event().wait(0.05)  # so that others would begin to read it, too
        return read_file(loader, path)

    monkeypatch.setattr(JSONFileLoader, "load_file", load_slowly)
    base = open_session()
    base._boto3_clients.boto3_session._session.register_component("data_loader", create_loader())
    roles = [f"arn:aws:iam::{account}:role/reader" for account in range(100000000000, 100000000008)]
    sessions = [assume_account_role(base, role) for role in roles]
    gather_all([partial(each._boto3_clients.client, "sagemaker", "us-east-1") for each in sessions])
    assert len(read) == 1


@pytest.mark.parametrize("app_id", ["", "course"])
def test_every_client_calls_itself_what_botocore_says_and_opskit(
    app_id: str, fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", app_id)
    clients, sent = open_session()._boto3_clients, list[Any]()
    for region in ("us-east-1", "us-west-2", "eu-west-1"):
        client = clients.client("sts", region)
        client.meta.events.register_last("before-send", lambda request, **_: sent.append(request.headers["User-Agent"]))
        client.get_caller_identity()
    # Those with m/ tell which features of botocore's a call has used.
    words = [[word for word in str(each, "ascii").split() if not word.startswith("m/")] for each in sent]
    assert words[0] == words[1] == words[2]
    assert ("app/course" in words[0]) == bool(app_id)
    assert (words[0][0][:6], words[0][-1]) == ("Boto3/", "opskit")
