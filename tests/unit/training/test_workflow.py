"""Workflows are found where they are, and are what they say."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import opskit
from opskit.core.exceptions import ExitCode, UsageError
from opskit.training import workflow
from opskit.training.rules import workflow_file
from opskit.training.rules.model import Task
from opskit.training.rules.table_facts import feature_columns, read_header
from opskit.training.rules.workflow_schema import workflow_schema
from opskit.training.rules.workflow_shape import TABLES, TOP_KEYS, KeySpec, ValueKind
from opskit.training.rules.workflow_values import read_value
from opskit.training.workflow import find_workflow, load_verified_data, load_workflow

BOSTON = Path(__file__).parents[3] / "workflows" / "boston"


@pytest.fixture
def workflow_copy(tmp_path: Path) -> Path:
    """A copy of the shipped workflow that a test may break."""
    return Path(shutil.copytree(BOSTON, tmp_path / "mine"))


def rewrite_file(folder: Path, pattern: str, by: str) -> None:
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
    content = load_verified_data(boston)
    assert hashlib.sha256(content).hexdigest() == "d98212636026544fc9b9c0f372e5f819872e6fa6fa757ab025efdda22180f2d6"
    names = feature_columns(boston, read_header(boston, content.decode()))
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
    ("pattern", "by", "line", "said", "hint"),
    [
        (
            r"^max_run = .*the notebook.*",
            'max_runs = "1h"',
            38,
            "no key 'max_runs' in [training]",
            "'training.max_run'",
        ),
        (r"^instance_type(?=.*\n.*\nvolume)", "instance_typ", 35, "'instance_typ' in [training]", "instance_type'"),
        (r"^volume_gb", "volume-gb", 37, "'volume-gb' in [training]", "'training.volume_gb'"),
        (r"^seed", "sead", 15, "'sead' in [split]", "'split.seed'"),
        (r"^target", "Target", 9, "'Target' in [data]", "'data.target'"),
        (r"^framework", "famework", 20, "'famework' in [image]", "'image.framework'"),
        (r"^\[endpoint\]", "[endpoints]", 45, "no table [endpoints]", "'endpoint'"),
        (r"^\[endpoint\]", '[endpoint]\nmax_run = "1h"', 46, "'max_run' in [endpoint]", "[training] or [transform]"),
        (r"^\[data\]", '[data]\ntitle = "x"', 6, "'title' in [data]", "the top of the file"),
        (r"^title", "titel", 3, "no key 'titel'", "'title'"),
        (r"^\[data\]", 'colour = "red"\n[data]', 5, "no key 'colour'", "A workflow has: name, title, task, data"),
        (r"^\[split\]", "[split]\n[data.zz]\nx = 1\n[splits]", 13, "'zz' in [data]", "[data] has: file"),
        (r"^\[data\]", "training.hours = 1\n[data]", 5, "'hours' in [training]", "has: instance_type"),
    ],
)
def test_a_key_nobody_reads_is_an_error(
    workflow_copy: Path, pattern: str, by: str, line: int, said: str, hint: str
) -> None:
    if "training." in by:  # one table cannot be written in two ways
        rewrite_file(workflow_copy, r"^\[training\](.|\n)*^\[transform\]", "[transform]")
    rewrite_file(workflow_copy, pattern, by)
    with pytest.raises(UsageError) as caught:
        load_workflow(workflow_copy)
    problem = caught.value.problem
    assert (problem.code, caught.value.exit) == ("workflow-unknown-key", ExitCode.USAGE)
    assert f"{workflow_copy / 'workflow.toml'}, line {line}: " in problem.message
    assert said in problem.message
    assert hint in problem.hint


def test_every_key_nobody_reads_is_named_at_once(workflow_copy: Path) -> None:
    rewrite_file(workflow_copy, r"^max_run = ", "max_time = ")
    with pytest.raises(UsageError) as caught:
        load_workflow(workflow_copy)
    assert caught.value.problem.message.count("there is no key 'max_time'") == 2


def test_every_key_of_the_shape_is_read_into_the_workflow(workflow_copy: Path) -> None:
    """A key that the shape has and nobody reads would be ignored, and a limit that is ignored does not hold."""
    read: set[tuple[str, str]] = set()

    class Table(dict[str, Any]):
        def __init__(self, name: str, content: Mapping[str, Any]) -> None:
            self.name = name
            super().__init__(
                {key: Table(key, each) if isinstance(each, dict) else each for key, each in content.items()}
            )

        def __getitem__(self, key: str) -> Any:
            read.add((self.name, key))
            return super().__getitem__(key)

        def get(self, key: str, default: Any = None) -> Any:
            read.add((self.name, key))
            return super().get(key, default)

    content = tomllib.loads((workflow_copy / "workflow.toml").read_text())
    values = workflow_file._read_values(content, "", "workflow.toml")
    workflow_file._build_workflow(Table("", values), str(workflow_copy), "mine")
    known = {("", spec.name) for spec in TOP_KEYS} | {("", table.name) for table in TABLES}
    known |= {(table.name, key.name) for table in TABLES for key in table.keys}
    assert known <= read


def test_the_schema_knows_every_key_and_takes_what_is_shipped(workflow_copy: Path) -> None:
    validate = jsonschema.Draft202012Validator(workflow_schema()).validate
    for shipped in BOSTON.parent.glob("*/workflow.toml"):
        content = tomllib.loads(shipped.read_text())
        validate(content)
        with pytest.raises(jsonschema.ValidationError):
            validate({**content, "training": {**content["training"], "max_runs": "1h"}})


@pytest.mark.parametrize(
    ("addition", "says"),
    [
        ('[network]\nsubnets = ["subnet-1"]', "belong together"),
        ('[network]\nsubnets = "subnet-1"', "network.subnets is a list of texts"),
        ('[network]\nisolation = "yes"', "network.isolation is true or false"),
        ('[encryption]\ns3_kms_key = "my key"', "'my key' is not valid"),
        ('[tags]\n"opskit:workflow" = "x"', "reserved prefix"),
        ("[tags]\nowner = [1]", "tags.owner is text or a number"),
        ('[tags]\nteam = "a;b"', "tags.team is not valid: AWS takes letters"),
        (f'[tags]\nteam = "{"a" * 257}"', "tags.team has 257 characters"),
        ("[tags]\n" + "\n".join(f"t{at} = 1" for at in range(47)), "tags has 47 entries"),
        ("[environment]\n2fast = 1", "environment.2fast is not valid"),
        (f'[environment]\nA = "{"a" * 513}"', "environment.A has 513 characters"),
        ('[network]\nsubnets = ["a b"]\nsecurity_groups = ["sg-1"]', "'a b' is not valid: a subnet looks like"),
        ('[network]\nsubnets = ["sg-1"]\nsecurity_groups = ["subnet-1"]', "'sg-1' is not valid"),
        ('[network]\nsubnets = ["subnet-1"]\nsecurity_groups = ["subnet-1"]', "a security group looks like"),
        ('[tags]\nteam = "a\\tb"', "tags.team is not valid"),
        ('[tags]\nteam = "a\\n"', "tags.team is not valid"),
        ('[tags]\n"team\\n" = "a"', "is not valid"),
    ],
)
def test_settings_of_an_organisation_that_make_no_sense(workflow_copy: Path, addition: str, says: str) -> None:
    with (workflow_copy / "workflow.toml").open("a") as file:
        file.write(f"\n{addition}\n")
    with pytest.raises(UsageError) as caught:
        load_workflow(workflow_copy)
    assert says in caught.value.problem.message
    assert ".." not in caught.value.problem.message
    # The schema says the same, but for the characters of tags, of which its expressions know too few.
    content = tomllib.loads((workflow_copy / "workflow.toml").read_text())
    cannot_say = "reserved prefix" in says or ("[tags]" in addition and "is not valid" in says)
    assert jsonschema.Draft202012Validator(workflow_schema()).is_valid(content) is cannot_say


@pytest.mark.parametrize("value", ["größe", "a\u00a0b", "", "x" * 256, "a@b.c:d/e=f+g-h_i"])
def test_tags_that_aws_takes(workflow_copy: Path, value: str) -> None:
    with (workflow_copy / "workflow.toml").open("a") as file:
        file.write(f'\n[tags]\nteam = "{value}"\n')
    assert load_workflow(workflow_copy).settings.tags == (("team", value),)


PATTERNED = {
    "name": "mine",
    "data.file": "data/x.csv",
    "data.sha256": "0" * 64,
    "image.version": "1.7-1",
    "network.subnets": "subnet-1",
    "network.security_groups": "sg-1",
    "encryption.volume_kms_key": "alias/x",
    "encryption.s3_kms_key": "alias/x",
}


def test_a_line_end_after_a_value_is_part_of_it() -> None:
    """A pattern's $ is also before a line end, which AWS would refuse after the upload."""
    places: dict[str, KeySpec] = {spec.name: spec for spec in TOP_KEYS}
    places |= {f"{table.name}.{spec.name}": spec for table in TABLES for spec in table.keys}
    places = {place: spec for place, spec in places.items() if spec.pattern}
    assert places.keys() == PATTERNED.keys()
    for place, spec in places.items():
        assert spec.form, place
        for text, fits in ((PATTERNED[place], True), (f"{PATTERNED[place]}\n", place == "data.file"), ("", False)):
            value = [text] if spec.kind is ValueKind.TEXTS else text
            if fits:
                assert read_value(spec, value)
            else:
                with pytest.raises(ValueError, match="is not valid"):
                    read_value(spec, value)


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


def test_hyperparameters_are_the_algorithms_own(workflow_copy: Path) -> None:
    rewrite_file(workflow_copy, r"^max_depth = 5", "max_depth = 5\ntree_method = 'hist'")
    assert dict(load_workflow(workflow_copy).hyperparameters)["tree_method"] == "hist"


@pytest.mark.parametrize("by", ["split = 3", "[[split]]\ntest = 0.3"])
def test_what_is_no_table_is_said_to_be_none(workflow_copy: Path, by: str) -> None:
    rewrite_file(workflow_copy, r"^\[split\](.|\n)*^\[image\]", "[image]")
    rewrite_file(workflow_copy, r"^\[data\]", f"{by}\n[data]")
    with pytest.raises(UsageError) as caught:
        load_workflow(workflow_copy)
    assert caught.value.problem.message.endswith("split must be a table.")


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
