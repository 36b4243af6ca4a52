"""Workflows are found where they are, and are what they say."""

from __future__ import annotations

import hashlib
import shutil
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import opskit
from opskit.core.exceptions import UsageError
from opskit.training import workflow
from opskit.training.rules.model import Task
from opskit.training.rules.table_facts import feature_columns, read_facts
from opskit.training.workflow import find_workflow, load_verified_data, load_workflow
from tests.fakes.workflow_files import rewrite_file


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
    content = load_verified_data(boston)
    assert hashlib.sha256(content).hexdigest() == "d98212636026544fc9b9c0f372e5f819872e6fa6fa757ab025efdda22180f2d6"
    names = feature_columns(boston, read_facts(boston, content.decode()).names)
    assert len(names) == 13
    assert "MEDV" not in names
    card = (Path(boston.folder) / "MODEL_CARD.md").read_text()
    assert "racial self-segregation" in card
    assert "BSD" in card


def test_an_unknown_name_is_told_what_was_meant() -> None:
    with pytest.raises(UsageError) as caught:
        find_workflow("bosten")
    assert "Did you mean 'boston'?" in caught.value.problem.hint


def test_a_folder_without_a_slash_is_told_how_to_write_it(workflow_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workflow_copy.parent)
    workflow_copy.rename("mine")
    with pytest.raises(UsageError) as caught:
        find_workflow("mine")
    assert "Did you mean './mine'?" in caught.value.problem.hint


def test_a_folder_by_its_path(workflow_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewrite_file(workflow_copy, r'^name = "boston"', 'name = "mine"')
    assert find_workflow(str(workflow_copy)).name == "mine"
    monkeypatch.chdir(workflow_copy)
    assert find_workflow(".").name == "mine"


def test_a_wheel_has_its_workflows_inside_the_package(workflow_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = workflow_copy.parent / "site" / "opskit"
    shutil.copytree(workflow_copy, package / "workflows" / "boston")
    strangers = workflow_copy.parent / "site" / "workflows" / "strange"
    shutil.copytree(workflow_copy, strangers)  # somebody else's package of that name is no workflow of ours
    monkeypatch.setattr(opskit, "__file__", str(package / "__init__.py"))
    assert Path(find_workflow("boston").folder) == package / "workflows" / "boston"
    with pytest.raises(UsageError):
        find_workflow("strange")


@pytest.mark.parametrize("value", ["their_workflows.churn", "their_workflows:CHURN"])
def test_another_package_offers_one(workflow_copy: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    package = workflow_copy.parent / "their_workflows"
    rewrite_file(workflow_copy, r'^name = "boston"', 'name = "churn"')
    shutil.copytree(workflow_copy, package / "churn")
    (package / "churn" / "__init__.py").touch()
    (package / "__init__.py").write_text("from pathlib import Path\nCHURN = Path(__file__).parent / 'churn'\n")
    monkeypatch.syspath_prepend(str(workflow_copy.parent))
    point = EntryPoint("churn", value, workflow.ENTRY_POINTS)
    monkeypatch.setattr(workflow, "entry_points", lambda group: [point] if group == workflow.ENTRY_POINTS else [])
    try:
        assert (find_workflow("churn").name, find_workflow("churn").cli_ref) == ("churn", "churn")
    finally:
        for name in [name for name in sys.modules if name.startswith("their_workflows")]:
            del sys.modules[name]


def test_a_broken_offer_hurts_only_those_who_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("broken", "no_such_package.at_all", workflow.ENTRY_POINTS)
    monkeypatch.setattr(workflow, "entry_points", lambda group: [point])
    assert find_workflow("boston").name == "boston"
    with pytest.raises(UsageError) as caught:
        find_workflow("broken")
    assert "no_such_package" in caught.value.problem.message


def test_changed_data_is_refused(workflow_copy: Path) -> None:
    mine = load_workflow(workflow_copy)
    with (workflow_copy / mine.data_file).open("a") as file:
        file.write("1,1,1,1,1,1,1,1,1,1,1,1,1,1\n")
    with pytest.raises(UsageError) as caught:
        load_verified_data(mine)
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
        (r"^seed = .*", "seed = 'x'", "split.seed is a whole number"),
        (r"^seed = .*", "seed = 5000000000", "at most 4294967295"),
        (r"^seed = .*", f"seed = {'9' * 5000}", "TOML"),
        (r"^seed = .*", f"seed = {'[' * 3000}", "TOML"),
        (r"^\[data\]", "[data", "TOML"),
        (r'^instance_type = "ml.m4.xlarge"', 'instance_type = "banana"', "'banana'"),
        (r"^file = .*", 'file = "a\\\\u0000b"', "data.file"),
        (r'^max_run = "1h"', 'max_run = "29d"', "at most 28d"),
        (r"^volume_gb = .*", "volume_gb = 20000", "at most 16384"),
    ],
)
def test_a_workflow_that_makes_no_sense_says_why(workflow_copy: Path, pattern: str, by: str, words: str) -> None:
    rewrite_file(workflow_copy, pattern, by)
    with pytest.raises(UsageError) as caught:
        load_workflow(workflow_copy)
    assert words in caught.value.problem.message
    assert "workflow.toml" in caught.value.problem.message


@pytest.mark.parametrize(
    ("name", "says", "hint"),
    [
        ("pytorch", "runs a script of your own", "opskit guard"),
        ("linear-learner", "opskit does not train with 'linear-learner'", "xgboost"),
        ("XGboost", "opskit does not train with 'XGboost'", "Did you mean 'xgboost'?"),
    ],
)
def test_a_framework_that_opskit_does_not_train_with_is_refused_when_it_is_read(
    workflow_copy: Path, name: str, says: str, hint: str
) -> None:
    rewrite_file(workflow_copy, r"^framework = .*", f'framework = "{name}"')
    with pytest.raises(UsageError) as caught:
        load_workflow(workflow_copy)
    assert caught.value.problem.code == "framework-unsupported"
    assert f"{workflow_copy / 'workflow.toml'}, line 20: " in caught.value.problem.message
    assert says in caught.value.problem.message
    assert hint in caught.value.problem.hint


def test_the_objective_says_the_task_where_the_workflow_does_not(workflow_copy: Path) -> None:
    assert load_workflow(workflow_copy).task is Task.REGRESSION
    rewrite_file(workflow_copy, r"^objective = .*", 'objective = "binary:logistic"')
    assert load_workflow(workflow_copy).task is Task.BINARY
    rewrite_file(workflow_copy, r"^name = ", 'task = "multiclass"\nname = ')
    assert load_workflow(workflow_copy).task is Task.MULTICLASS


@pytest.mark.parametrize("name", ["breast-cancer", "wine"])
def test_the_shipped_classifiers_come_whole(name: str) -> None:
    shipped = find_workflow(name)
    assert load_verified_data(shipped)
    card = (Path(shipped.folder) / "MODEL_CARD.md").read_text()
    assert "Not for:" in card
    assert len((Path(shipped.folder) / "workflow.toml").read_text().splitlines()) < 60


def test_a_folder_without_a_workflow(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_workflow(tmp_path)
    assert caught.value.problem.code == "workflow-unreadable"


def test_a_hint_leads_to_the_workflow_as_it_was_asked_for(workflow_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workflow_copy.parent)
    spaced = Path(shutil.copytree(workflow_copy, workflow_copy.parent / "my own"))
    for wanted, word in (
        ("boston", "boston"),
        (f"./{workflow_copy.name}", f"./{workflow_copy.name}"),
        (f"./{spaced.name}", "'./my own'"),
    ):
        assert find_workflow(wanted).cli_ref == word
