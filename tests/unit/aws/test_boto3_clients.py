"""The clients of one boto3 session, and their connections."""

from __future__ import annotations

from opskit.aws.session import open_session
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
