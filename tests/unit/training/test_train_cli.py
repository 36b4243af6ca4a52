"""A run that is ended from outside."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from opskit.cli import main


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
