"""Workflows are found where they are, and are what they say."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import opskit
from opskit import workflow as loader
from opskit.errors import UsageProblem
from opskit.workflow import feature_names, find_workflow, load_workflow, verified_data

BOSTON = Path(__file__).parents[2] / "workflows" / "boston"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped workflow that a test may break."""
    return Path(shutil.copytree(BOSTON, tmp_path / "mine"))


def rewrite(folder: Path, pattern: str, by: str) -> None:
    path = folder / "workflow.toml"
    text, count = re.subn(pattern, by, path.read_text(), flags=re.MULTILINE)
    assert count
    path.write_text(text)


def test_the_shipped_workflow_is_the_courses_notebook() -> None:
    boston = find_workflow("boston")
    assert dict(boston.hyperparameters) == {
        "max_depth": "5",
        "eta": "0.2",
        "gamma": "4",
        "min_child_weight": "6",
        "subsample": "0.8",
        "objective": "reg:squarederror",
        "early_stopping_rounds": "10",
        "num_round": "200",
        "base_score": "0.5",
    }
    assert (boston.training.instance_type, boston.training.count, boston.training.max_seconds) == (
        "ml.m4.xlarge",
        1,
        3600,
    )
    assert boston.endpoint.max_seconds is None


def test_the_shipped_data_is_the_known_file_and_comes_with_a_card() -> None:
    boston = find_workflow("boston")
    content = verified_data(boston)
    assert hashlib.sha256(content).hexdigest() == "d98212636026544fc9b9c0f372e5f819872e6fa6fa757ab025efdda22180f2d6"
    names = feature_names(boston, content)
    assert len(names) == 13
    assert "MEDV" not in names
    card = (Path(boston.folder) / "MODEL_CARD.md").read_text()
    assert "racial self-segregation" in card
    assert "BSD" in card


def test_an_unknown_name_is_told_what_was_meant() -> None:
    with pytest.raises(UsageProblem) as caught:
        find_workflow("bosten")
    assert "Did you mean 'boston'?" in caught.value.problem.hint


def test_a_folder_without_a_slash_is_told_how_to_write_it(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    copy.rename("mine")
    with pytest.raises(UsageProblem) as caught:
        find_workflow("mine")
    assert "Did you mean './mine'?" in caught.value.problem.hint


def test_a_folder_by_its_path(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite(copy, r'^name = "boston"', 'name = "mine"')
    assert find_workflow(str(copy)).name == "mine"
    monkeypatch.chdir(copy)
    assert find_workflow(".").name == "mine"


def test_a_wheel_has_its_workflows_inside_the_package(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = copy.parent / "site" / "opskit"
    shutil.copytree(copy, package / "workflows" / "boston")
    strangers = copy.parent / "site" / "workflows" / "strange"
    shutil.copytree(copy, strangers)  # somebody else's package of that name is no workflow of ours
    monkeypatch.setattr(opskit, "__file__", str(package / "__init__.py"))
    assert Path(find_workflow("boston").folder) == package / "workflows" / "boston"
    with pytest.raises(UsageProblem):
        find_workflow("strange")


@pytest.mark.parametrize("value", ["their_workflows.churn", "their_workflows:CHURN"])
def test_another_package_offers_one(copy: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    package = copy.parent / "their_workflows"
    rewrite(copy, r'^name = "boston"', 'name = "churn"')
    shutil.copytree(copy, package / "churn")
    (package / "churn" / "__init__.py").touch()
    (package / "__init__.py").write_text("from pathlib import Path\nCHURN = Path(__file__).parent / 'churn'\n")
    monkeypatch.syspath_prepend(str(copy.parent))
    point = EntryPoint("churn", value, loader.ENTRY_POINTS)
    monkeypatch.setattr(loader, "entry_points", lambda group: [point] if group == loader.ENTRY_POINTS else [])
    try:
        assert (find_workflow("churn").name, find_workflow("churn").word) == ("churn", "churn")
    finally:
        for name in [name for name in sys.modules if name.startswith("their_workflows")]:
            del sys.modules[name]


def test_a_broken_offer_hurts_only_those_who_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", "no_such_package.at_all", loader.ENTRY_POINTS)
    monkeypatch.setattr(loader, "entry_points", lambda group: [point])
    assert find_workflow("boston").name == "boston"
    with pytest.raises(UsageProblem) as caught:
        find_workflow("broken")
    assert "no_such_package" in caught.value.problem.message


def test_changed_data_is_refused(copy: Path) -> None:
    mine = load_workflow(copy)
    with (copy / mine.data_file).open("a") as file:
        file.write("1,1,1,1,1,1,1,1,1,1,1,1,1,1\n")
    with pytest.raises(UsageProblem) as caught:
        verified_data(mine)
    assert caught.value.problem.code == "data-changed"


@pytest.mark.parametrize(
    ("pattern", "by", "words"),
    [
        (r"^name = .*", "", "lacks 'name'"),
        (r'^name = "boston"', 'name = "Boston Houses"', "lower-case"),
        (r'^name = "boston"', f'name = "{"b" * 33}"', "at most 32"),
        (r"^test = .*", "test = 1.5", "shares between 0 and 1"),
        (r"^instance_count = 1$", "instance_count = 0", "at least 1"),
        (r"^max_depth = 5", "max_depth = [5]", "text or a number"),
        (r"^seed = .*", "seed = 'x'", "invalid literal"),
        (r"^\[data\]", "[data", "TOML"),
    ],
)
def test_a_workflow_that_makes_no_sense_says_why(copy: Path, pattern: str, by: str, words: str) -> None:
    rewrite(copy, pattern, by)
    with pytest.raises(UsageProblem) as caught:
        load_workflow(copy)
    assert words in caught.value.problem.message
    assert "workflow.toml" in caught.value.problem.message


def test_a_folder_without_a_workflow(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem) as caught:
        load_workflow(tmp_path)
    assert caught.value.problem.code == "workflow-unreadable"


def test_a_hint_leads_to_the_workflow_as_it_was_asked_for(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    spaced = Path(shutil.copytree(copy, copy.parent / "my own"))
    for wanted, word in (
        ("boston", "boston"),
        (f"./{copy.name}", f"./{copy.name}"),
        (f"./{spaced.name}", "'./my own'"),
    ):
        assert find_workflow(wanted).word == word
