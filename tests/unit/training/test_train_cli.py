"""What a run says, and one that is ended from outside."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from opskit.cli import main
from tests.fakes.account import Account, in_memory
from tests.fakes.billing_accounts import empty_account
from tests.fakes.cli_runner import run_opskit


@pytest.fixture
def as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("command", [("train", "boston"), ("deploy", "boston"), ("cleanup", "boston", "--yes")])
def test_a_sigterm_is_taken_for_a_ctrl_c(
    as_before: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    def ended(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("opskit.training.workflow.find_workflow", ended)
    with pytest.raises(SystemExit) as end:
        main([*command, "-o", "json"])
    assert end.value.code == 130
    assert '"interrupted"' in capsys.readouterr().out


@pytest.mark.usefixtures("quick_runs")
@pytest.mark.parametrize("end", ["", "CreateTrainingJob", "CreateTransformJob"])
@pytest.mark.parametrize("flags", [(), ("--dry-run",), ("--max-usd", "0.01")])
def test_what_a_run_may_cost_is_said_once_however_it_ends(
    capsys: pytest.CaptureFixture[str], end: str, flags: tuple[str, ...]
) -> None:
    def interrupt(operation: str) -> None:
        if operation == end:
            raise KeyboardInterrupt

    account: Account = empty_account()
    account.before = interrupt
    with in_memory(account):
        ended = run_opskit(capsys, "train", "boston", "--no-guard", *flags)
    assert (ended.out + ended.err).count("At most 0.42 USD (prices: ") == 1, ended.out + ended.err


@pytest.mark.parametrize("command", [("train", "boston", "--dry-run"), ("cleanup", "boston", "--yes")])
def test_what_cannot_name_a_bucket_is_told_before_any_call(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    with in_memory(empty_account()):
        ended = run_opskit(capsys, *command, "--bucket", "A_b c")
    assert ended.code == 2
    assert "--bucket must be the name of an S3 bucket, without s3://" in ended.err
