"""The keys of workflow.toml: which there are, what they take, and what is said of others."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from opskit.core.exceptions import ExitCode, UsageError
from opskit.training.rules import workflow_file
from opskit.training.rules.workflow_schema import workflow_schema
from opskit.training.rules.workflow_shape import TABLES, TOP_KEYS, KeySpec, ValueKind
from opskit.training.rules.workflow_values import read_value
from opskit.training.workflow import load_workflow
from tests.fakes.workflow_files import BOSTON, rewrite_file


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
