"""A notification that its receiver refuses, delays or redirects changes nothing about what was done."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.core.exceptions import ExitCode
from opskit.notifications.rules import is_same_host
from opskit.output.result import CommandResult
from tests.fakes.notified_run import STOPPED, notify_of
from tests.fakes.webhook_servers import RawAnswers, WebhookRecord


def test_a_webhook_that_refuses_is_said_and_the_stop_stands(webhook_server: WebhookRecord) -> None:
    webhook_server.status = 500
    result = notify_of(CommandResult(STOPPED), notify=webhook_server.url)
    assert (result.exit, result.data) == (ExitCode.PARTIAL, STOPPED)
    assert "127.0.0.1 answered 500" in result.problems[0].message
    assert notify_of(CommandResult(STOPPED, ExitCode.REFUSED), notify=webhook_server.url).exit is ExitCode.REFUSED
    nowhere = notify_of(CommandResult(STOPPED), notify="http://127.0.0.1:1/sssh")
    assert nowhere.exit is ExitCode.PARTIAL
    assert "sssh" not in repr((result, nowhere))


@pytest.mark.parametrize("flag", ["notify", "heartbeat"])
def test_a_server_that_drips_is_left_at_the_deadline_and_the_stop_stands(
    flag: str, raw_server: RawAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.notifications.rules.DELIVERY_SECONDS", 0.5)
    raw_server.is_slow = True
    result = notify_of(CommandResult(STOPPED), **{flag: raw_server.url})
    assert (result.exit, result.data) == (ExitCode.PARTIAL, STOPPED)
    assert "could not be reached within" in result.problems[0].message
    assert "sssh" not in repr(result)


def test_an_answer_without_end_is_not_read(raw_server: RawAnswers) -> None:
    raw_server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * 100_000
    assert notify_of(CommandResult(STOPPED), notify=raw_server.url).exit is ExitCode.OK


def test_a_redirect_is_followed_on_the_same_host_only(raw_server: RawAnswers, webhook_server: WebhookRecord) -> None:
    elsewhere = webhook_server.url.replace("127.0.0.1", "localhost")
    for target in (elsewhere, webhook_server.url, "file:///etc/passwd", "gopher://127.0.0.1/"):
        raw_server.answer = f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode()
        for flag in ("notify", "heartbeat"):
            told = notify_of(CommandResult(STOPPED), **{flag: raw_server.url})
            assert told.exit is ExitCode.PARTIAL
            assert "answered 302" in told.problems[0].message
    assert webhook_server.came == []
    assert is_same_host("http://h/a", "https://h/b")
    assert not is_same_host("https://h/a", "http://h/b")
    assert not is_same_host("https://h/a", "https://h:8443/b")


def test_nothing_that_goes_wrong_while_telling_hides_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (LookupError("oh"), KeyboardInterrupt()):

        def stumble(*_: Any, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr("opskit.notifications.rules.notification_text", stumble)
        result = notify_of(CommandResult(STOPPED), notify="http://127.0.0.1:1/sssh")
        assert (result.exit, result.data) == (ExitCode.PARTIAL, STOPPED)
        assert "The command completed" in result.problems[0].message
