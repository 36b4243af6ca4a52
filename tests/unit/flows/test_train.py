"""What a run needs before it looks at anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opskit.errors import ExitCode
from opskit.flows.clock import Clock
from opskit.flows.look_ahead import Wanted
from opskit.flows.train import train
from opskit.workflow import find_workflow
from tests.unit.stubbed import scripted


def test_a_missing_extra_is_one_sentence_and_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.sdk.find_spec", lambda name: None)
    clock = Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda seconds: None)
    with scripted() as (door, _):
        run = train(door, find_workflow("boston"), Wanted(), clock, lambda event: None)
    assert run.exit is ExitCode.USAGE
    assert [problem.hint for problem in run.problems] == ["In the clone of opskit: pip install '.[train]'"]
    assert run.plan is None
