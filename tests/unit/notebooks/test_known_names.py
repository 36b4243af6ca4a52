"""The names of notebooks that were seen last, and which one may have been meant."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
import pytest

from opskit.core.model import Notebook
from opskit.notebooks.store import known_notebook_names, remember_names, suggest_notebook_name
from tests.fakes.stubbed_client import stubbed_client


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def _notebooks(*names: str) -> list[Notebook]:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/"
    now = datetime(2026, 11, 26, tzinfo=UTC)
    return [Notebook("us-east-1", name, arn + name, "ml.t2.medium", "InService", now) for name in names]


def test_remember_names_keeps_what_the_last_listing_held() -> None:
    with stubbed_client() as (client, _):
        remember_names(client, _notebooks("course", "gpu"))
        remember_names(client, _notebooks("course", "trainer"))
        remember_names(client, [])
    assert known_notebook_names() == ["course", "trainer"]


def test_suggest_notebook_name_names_the_closest_and_none_that_is_far() -> None:
    with stubbed_client() as (client, _):
        assert suggest_notebook_name(client, "corse") == ""
        remember_names(client, _notebooks("course", "gpu"))
        assert suggest_notebook_name(client, "corse") == "Did you mean 'course'? "
        assert suggest_notebook_name(client, "nothing-like-it") == ""


def test_suggest_notebook_name_knows_no_other_region() -> None:
    with stubbed_client() as (client, _):
        remember_names(client, _notebooks("course"))
        assert suggest_notebook_name(client.session.client("eu-west-1"), "corse") == ""


def test_a_damaged_file_costs_suggestions_only() -> None:
    with stubbed_client() as (client, _):
        remember_names(client, _notebooks("course"))
        file = Path(platformdirs.user_state_dir("opskit", appauthor=False)) / "names.sqlite"
        file.write_bytes(b"no database" * 100)
        with pytest.raises(sqlite3.DatabaseError), sqlite3.connect(file) as session:
            session.execute("SELECT 1 FROM notebook_names")
        remember_names(client, _notebooks("gpu"))
        assert suggest_notebook_name(client, "corse") == ""
        assert known_notebook_names() == []


def test_an_arn_that_is_none_costs_suggestions_at_most() -> None:
    [odd] = _notebooks("course")
    with stubbed_client() as (client, _):
        remember_names(client, [replace(odd, arn="garbled")])
    assert known_notebook_names() == ["course"]
