"""Accounts that the guard looks at, and the guard of a plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

import opskit
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import Entry, FakeAws

PRICED = '{"product": {"attributes": {"component": "Training"}}, "terms": {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": "0.28"}}}}}}}'  # noqa: E501


@pytest.fixture
def guarded_account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """An account with four of everything, where nothing runs. Nothing of a guard is left after a test. A look has all
    the time that a busy machine takes.
    """
    for name in (
        "guards.flows.call_guard.READING_SECONDS",
        "guards.python.READING_SECONDS",
        "aws.outgoing_calls.READ_SECONDS",
    ):
        monkeypatch.setattr(f"opskit.{name}", 300.0)
    fake_aws.quotas = [Entry(name, code, 100 if "EBS" in name else 4, 1) for name, code in bundled_codes().items()]
    fake_aws.running["GetProducts"] = lambda asked: {"FormatVersion": "aws_v1", "PriceList": [PRICED]}
    fake_aws.running["CreateTrainingJob"] = lambda asked: {"TrainingJobArn": f"arn:{asked['TrainingJobName']}"}
    original = BaseClient._emit_api_params, BaseClient._make_api_call
    yield fake_aws
    opskit.unguard()
    assert (BaseClient._emit_api_params, BaseClient._make_api_call) == original


@pytest.fixture
def guard_plan(
    fake_aws: FakeAws, no_backoff: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., CliResult]:
    """`opskit guard --from` in an account with four of everything."""
    fake_aws.quotas = [Entry(name, code, 100 if "EBS" in name else 4, 1) for name, code in bundled_codes().items()]

    def run(document: Any, *words: str) -> CliResult:
        file = tmp_path / "plan"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return run_opskit(capsys, "guard", "--from", str(file), *words, "-o", "json")

    return run
