"""Whoever runs the tests that need no server runs none that does."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.fakes.fake_aws import FakeAws, serve_fake_aws


def test_an_unmarked_test_that_listens_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark the test served"), serve_fake_aws(FakeAws()):
        pass
    with socket.socket() as listener, pytest.raises(pytest.fail.Exception, match="mark the test served"):
        listener.listen()


def test_an_unmarked_test_that_starts_a_sandbox_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark the test slow"):
        subprocess.run([sys.executable, "-m", "opskit", "sandbox", "start"], check=True)


def test_a_fixture_marks_what_stands_on_it(fake_aws: FakeAws, request: pytest.FixtureRequest) -> None:
    assert fake_aws.url.startswith("http")
    assert request.node.get_closest_marker("served")
