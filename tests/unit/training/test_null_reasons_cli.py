"""JSON says why something is null or was skipped, where there are several reasons for it."""

from __future__ import annotations

import pytest

from opskit.core.model import Unknown
from opskit.training.flows import fit_budget
from tests.fakes.account import Account, in_memory
from tests.fakes.billing_accounts import deployed_account, trained_account
from tests.fakes.cli_runner import CliResult, run_opskit

M4 = {f"ml.m4.xlarge for {usage} usage": 2.0 for usage in ("training job", "transform job", "endpoint")}


def run_in(capsys: pytest.CaptureFixture[str], account: Account, line: str) -> CliResult:
    with in_memory(account):
        return run_opskit(capsys, *line.split(), "-o", "json")


@pytest.mark.parametrize(
    ("last", "seconds", "because"),
    [(61, 61, None), (None, None, None), (Unknown("AWS denied it."), None, "AWS denied it.")],
)
def test_a_last_training_that_was_not_read_is_not_none(
    last: int | Unknown | None,
    seconds: int | None,
    because: str | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fit_budget, "read_last_seconds", lambda *_: last)
    plan = run_in(capsys, Account(quotas=M4), "train boston --max-usd 0.20 --dry-run").data["plan"]
    assert plan["longest_seconds"] == 771
    assert (plan["last_seconds"], plan["last_seconds_unknown_because"]) == (seconds, because)


@pytest.mark.parametrize(
    ("account", "line", "verdict", "because"),
    [
        (Account(quotas=M4), "deploy boston", "skipped", "not-reached"),  # there is no model
        (trained_account(), "deploy boston --no-guard --dry-run", "skipped", "no-guard"),
        (trained_account(), "deploy boston --dry-run", "unknown", None),
        (deployed_account(), "deploy boston --dry-run", "skipped", "exists"),
        (deployed_account(), "deploy boston --no-guard --dry-run", "skipped", "exists"),
        (Account(quotas=M4), "train boston --no-guard --dry-run", "skipped", "no-guard"),
        (Account(quotas=M4), "train boston --dry-run", "fits", None),
    ],
)
def test_a_guard_that_was_skipped_says_why(
    account: Account, line: str, verdict: str, because: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    guard = run_in(capsys, account, line).data["guard"]
    assert (guard["verdict"], guard["skipped_because"]) == (verdict, because)
