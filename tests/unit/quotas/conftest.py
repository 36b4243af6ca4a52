"""`quotas check` and `quotas list`, run in an account of a test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.checked_quotas import known_quotas
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import FakeAws
from tests.fakes.listed_quotas import HOUR_AGO, listed_entries

Check = Callable[..., CliResult]


@pytest.fixture
def run_check(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], no_backoff: None) -> Check:
    fake_aws.quotas = known_quotas()

    def check_with(*arguments: str, form: str | None = "json") -> CliResult:
        return run_opskit(capsys, "quotas", "check", *arguments, *(["-o", form] if form else []))

    return check_with


@pytest.fixture
def run_list(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], no_backoff: None) -> Callable[..., CliResult]:
    fake_aws.quotas = listed_entries()
    fake_aws.published = {
        "training-job/ml.m4.xlarge": {HOUR_AGO - 3600: 1.0, HOUR_AGO: 3.0},
        "endpoint/ml.m5.large": {HOUR_AGO: 3.0, HOUR_AGO - 7200: 4.0},
    }

    def list_with(*arguments: str, form: str | None = "json") -> CliResult:
        return run_opskit(capsys, "quotas", "list", *arguments, *(["-o", form] if form else []))

    return list_with
