"""Several execution roles: none is taken by itself; at a terminal one is chosen, and kept in the user's settings."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.aws.roles import SeveralRoles
from opskit.core.exceptions import UsageError
from opskit.core.settings_file import add_setting
from opskit.training.cli.role_choice import choose_role

ROLES = [f"arn:aws:iam::123456789012:role/{name}" for name in ("used", "other")]


def blocked_run(*blockers: Any) -> Any:
    return SimpleNamespace(plan=SimpleNamespace(blockers=blockers))


def several_roles() -> SeveralRoles:
    return SeveralRoles(ROLES, "Several roles could run SageMaker.")


@pytest.fixture
def said() -> list[str]:
    return []


def ask_for_role(
    run: Any, said: list[str], typed: str, monkeypatch: pytest.MonkeyPatch, *, terminal: bool = True
) -> Any:
    monkeypatch.setattr("opskit.output.printing.can_prompt", lambda: terminal)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    ctx: Any = SimpleNamespace(screen=SimpleNamespace(info=said.append))
    return choose_role(ctx, run)


def user_settings(home: Path) -> Path:
    return home / "config" / "opskit" / "opskit.toml"


def test_the_chosen_role_is_used_and_kept(
    isolated_home: Path, said: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # what is no number of the list is asked again
    assert ask_for_role(blocked_run(several_roles()), said, "x\n7\n2\n", monkeypatch) == ROLES[1]
    assert tomllib.loads(user_settings(isolated_home).read_text()) == {"execution-role": ROLES[1]}
    assert str(user_settings(isolated_home)) in said[0]
    shown = capsys.readouterr().err
    assert f"1. {ROLES[0]}" in shown
    assert f"2. {ROLES[1]}" in shown


@pytest.mark.parametrize("typed", ["", "\n"])
def test_without_an_answer_none_is_taken(
    isolated_home: Path, said: list[str], typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask_for_role(blocked_run(several_roles()), said, typed, monkeypatch) is None
    assert not user_settings(isolated_home).exists()


def test_where_nobody_can_be_asked_nothing_is_read_or_kept(
    isolated_home: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask_for_role(blocked_run(several_roles()), said, "1\n", monkeypatch, terminal=False) is None
    assert not user_settings(isolated_home).exists()


@pytest.mark.parametrize("run", [blocked_run(UsageError("other", "no")), SimpleNamespace(plan=None)])
def test_what_else_stands_in_the_way_is_no_choice(run: Any, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask_for_role(run, said, "1\n", monkeypatch) is None


def test_a_setting_is_added_before_the_tables_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "opskit.toml"
    path.write_text('# mine\nregions = ["eu-west-1"]\n[notebook]\nafter = "2h"\n')
    path.chmod(0o640)
    add_setting(path, "execution-role", ROLES[0])
    text = path.read_text()
    assert text.endswith('# mine\nregions = ["eu-west-1"]\n[notebook]\nafter = "2h"\n')
    assert tomllib.loads(text)["execution-role"] == ROLES[0]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_would_not_be_valid_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "opskit.toml"
    path.write_text('execution-role = "a"\n')
    with pytest.raises(UsageError, match="cannot be kept"):
        add_setting(path, "execution-role", ROLES[0])
    assert path.read_text() == 'execution-role = "a"\n'


def test_a_link_to_a_settings_file_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "opskit.toml"
    real.write_text("")
    link.symlink_to(real)
    add_setting(link, "execution-role", ROLES[0])
    assert link.is_symlink()
    assert "execution-role" in real.read_text()
