"""The settings file of the folder one stands in may be a stranger's: it narrows, and all else waits for the user."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from opskit.core.setting_specs import SETTING_SPECS
from opskit.core.settings import load_settings
from opskit.core.settings_file import FolderRule
from tests.fakes.cli_runner import CliResult, run_opskit

HOSTILE = """
regions = ["eu-west-1"]
profile = "theirs"
role-arn = "arn:aws:iam::999999999999:role/theirs"
read-timeout = "1h"
state = "dynamodb://theirs"
bucket = "theirs"
owner = "theirs"
owner-tags = ["theirs"]
execution-role = "theirs"
max-usd = 900

[notebook]
after = "1s"
patience-usd = 0.0001
tab-age = "1s"
limit = 500
inside = false

[endpoint]
after = "1s"
patience-usd = 0.0001
limit = 500
production = ["none=none"]
"""
NARROW = """
output = "json"
max-usd = 2

[notebook]
after = "36h"
tab-age = "9h"
limit = 2

[[watch]]
types = ["ml.m4.xlarge"]
"""
OWN = 'max-usd = 5\nprofile = "mine"\n[notebook]\nlimit = 4\nafter = "2h"\ntab-age = "5h"\n'

Run = Callable[..., CliResult]


@pytest.fixture
def folder(tmp_path: Path, isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cloned repository, in which the user stands, who has settings of their own."""
    own = isolated_home / "config" / "opskit"
    own.mkdir(parents=True)
    (own / "opskit.toml").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *words: run_opskit(capsys, *words)


def test_no_key_of_a_strangers_file_widens_anything(folder: Path) -> None:
    (folder / "opskit.toml").write_text(HOSTILE)
    settings = load_settings({})
    assert {name: setting.source for name, setting in settings.values.items() if setting.source == "opskit.toml"} == {}
    assert set(settings.left_out) == {key.name for key in SETTING_SPECS if key.in_folder is not FolderRule.ALWAYS}
    assert (settings.get("profile"), settings.get("max-usd"), settings.get("notebook.limit")) == ("mine", Decimal(5), 4)


def test_what_narrows_counts_beside_the_users_own(folder: Path) -> None:
    (folder / "opskit.toml").write_text(NARROW)
    settings = load_settings({})
    assert settings.left_out == ()
    assert (settings.get("max-usd"), settings.get("notebook.limit"), settings.get("output")) == (Decimal(2), 2, "json")
    assert (settings.get("notebook.after"), settings.get("notebook.tab-age")) == (
        timedelta(hours=36),
        timedelta(hours=9),
    )
    assert settings.get("watch")[0].instance_types == ("ml.m4.xlarge",)
    assert settings.get("profile") == "mine", "the user's own file is not hidden by a stranger's"


def test_what_was_typed_stands_above_a_strangers_file(folder: Path) -> None:
    (folder / "opskit.toml").write_text("max-usd = 2\noutput = 'json'")
    settings = load_settings({"output": "csv"}, None, {"OPSKIT_MAX_USD": "3"})
    assert (settings.get("output"), settings.get("max-usd")) == ("csv", Decimal(3))


def test_a_line_names_the_file_and_the_keys_that_do_not_count(folder: Path, run: Run) -> None:
    (folder / "opskit.toml").write_text('profile = "theirs"\nrole-arn = "arn:theirs"\n')
    told = run("iam", "policy", "settings")
    lines = [line for line in told.err.splitlines() if "opskit.toml" in line]
    assert len(lines) == 1
    for part in (str(folder / "opskit.toml"), "profile", "role-arn", "opskit settings trust"):
        assert part in lines[0]
    errors = run("iam", "policy", "settings", "-o", "json").envelope["errors"]
    assert [each["code"] for each in errors] == ["settings-not-trusted"]
    assert "profile, role-arn" in errors[0]["message"]


def test_a_hostile_folders_name_makes_no_line_of_its_own(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = folder / "a\nopskit: all is well\x1b[2J"
    evil.mkdir()
    (evil / "opskit.toml").write_text('profile = "theirs"\n')
    monkeypatch.chdir(evil)
    told = run("iam", "policy", "settings")
    assert not any(line.startswith("opskit: all is well") for line in told.err.splitlines())
    assert "\x1b" not in told.err


def test_trust_is_for_the_content_that_was_trusted(folder: Path, run: Run) -> None:
    file = folder / "opskit.toml"
    file.write_text('profile = "theirs"\n')
    assert run("settings", "-o", "json").data["left_out"] == ["profile"]
    told = run("settings", "trust", ".")
    assert told.code == 0
    assert "profile = theirs" in told.out
    assert run("settings", "-o", "json").data["left_out"] == []
    assert value_of(run, "profile") == ("theirs", "opskit.toml")
    file.write_text('profile = "worse"\n')
    assert value_of(run, "profile")[0] == "mine"
    file.write_text('profile = "theirs"\n')
    assert value_of(run, "profile")[0] == "theirs"
    assert run("settings", "distrust", ".", "-o", "json").data["was_trusted"] is True
    assert value_of(run, "profile")[0] == "mine"


def value_of(run: Run, name: str) -> tuple[str, str]:
    rows = run("settings", "-o", "json").data["settings"]
    return next((row["value"], row["source"]) for row in rows if row["name"] == name)


def test_trust_goes_with_no_copy_of_the_file(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "opskit.toml").write_text('profile = "theirs"\n')
    run("settings", "trust")
    copy = folder / "copy"
    copy.mkdir()
    (copy / "opskit.toml").write_text('profile = "theirs"\n')
    monkeypatch.chdir(copy)
    assert value_of(run, "profile")[0] == "mine"


def test_nothing_is_trusted_where_there_is_nothing(folder: Path, run: Run) -> None:
    told = run("settings", "trust", ".")
    assert (told.code, "opskit.toml" in told.err) == (2, True)
    assert run("settings", "trust", "no-such-folder").code == 2
    (folder / "opskit.toml").write_text("regionz = 1")
    assert run("settings", "trust").code == 2


def test_a_file_that_is_named_counts_in_full(folder: Path) -> None:
    (folder / "opskit.toml").write_text(HOSTILE)
    settings = load_settings({}, folder / "opskit.toml")
    assert (settings.get("profile"), settings.left_out) == ("theirs", ())


def test_a_run_of_cron_believes_the_folder_no_more_than_its_shell_did(folder: Path, run: Run) -> None:
    file = folder / "opskit.toml"
    file.write_text('profile = "theirs"\n')
    shown = run("cron", "show", "stop-idle")
    assert f"OPSKIT_FOLDER_SETTINGS={file}" in shown.out
    assert "--config" not in shown.out
    settings = load_settings({}, None, {"OPSKIT_FOLDER_SETTINGS": str(file), "HOME": "/"})
    assert settings.left_out == ("profile",)
