"""What a run needs before it looks at anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opskit.core.clock import Clock
from opskit.core.exceptions import ExitCode
from opskit.core.owners import caller_owner
from opskit.training.flows.plan import TrainOptions
from opskit.training.flows.train import run_training
from opskit.training.workflow import find_workflow
from tests.fakes.stubbed_client import stubbed_client


def test_a_missing_extra_is_one_sentence_and_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.training.sagemaker_sdk.find_spec", lambda name: None)
    clock = Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda seconds: None)
    with stubbed_client() as (client, _):
        run = run_training(
            client,
            find_workflow("boston"),
            TrainOptions(caller_owner("arn:aws:iam::123456789012:user/me")),
            clock,
            lambda event: None,
        )
    assert run.exit is ExitCode.USAGE
    assert [problem.hint for problem in run.problems] == ["In the clone of opskit: pip install '.[train]'"]
    assert run.plan is None
