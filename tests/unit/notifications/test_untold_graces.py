"""Of a grace somebody hears once: not twice where runs meet, and not never where one was killed over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opskit.notifications import store
from opskit.notifications.store import claim_grace_notice, mark_grace_notified, note_new_grace, release_grace

LAB: dict[str, Any] = {
    "account": "123456789012",
    "region": "us-east-1",
    "name": "lab",
    "stops_at": "2096-03-01T12:00:00+00:00",
}


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_nobody_tells_what_another_run_is_telling_or_has_told() -> None:
    assert not claim_grace_notice(LAB), "nobody said that it began"
    assert note_new_grace(LAB)
    assert [claim_grace_notice(LAB) for _ in range(2)] == [True, False]
    release_grace(LAB)
    assert [claim_grace_notice(LAB) for _ in range(3)] == [True, False, False]
    mark_grace_notified(LAB)
    assert not claim_grace_notice(LAB)
    assert note_new_grace(LAB)
    assert not claim_grace_notice(LAB), "what was told is not told again by the run that began it"


def test_whoever_was_killed_over_it_is_waited_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    note_new_grace(LAB)
    assert [claim_grace_notice(LAB) for _ in range(2)] == [True, False]
    monkeypatch.setattr(store, "CLAIM_SECONDS", -1.0)
    assert claim_grace_notice(LAB)


@pytest.mark.parametrize("other", [{"name": "lab2"}, {"region": "eu-west-1"}, {"stops_at": "2096-03-01T12:00:01Z"}])
def test_another_notebook_or_grace_is_another(other: dict[str, str]) -> None:
    note_new_grace(LAB)
    assert not claim_grace_notice(LAB | other)
    assert claim_grace_notice(LAB | {"stops_at": "2096-03-01T13:00:00+01:00"})


def test_a_state_folder_that_cannot_be_used_costs_the_second_try_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert not note_new_grace(LAB)
    release_grace(LAB)
    mark_grace_notified(LAB)
    assert not claim_grace_notice(LAB)
