"""The watch list: what ``quotas check`` looks at when nothing is named, and the lines drawn in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import Entry, FakeAws

Watching = Callable[..., CliResult]


@pytest.fixture
def run_watching(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], no_backoff: None, tmp_path: Path) -> Watching:
    fake_aws.quotas = [Entry(name, code, 100 if "EBS" in name else 4, 1) for name, code in bundled_codes().items()]
    fake_aws.running["DescribeNotebookInstance"] = lambda asked: {
        **watched_notebook(0),
        "NotebookInstanceName": asked["NotebookInstanceName"],
        "VolumeSizeInGB": 5,
    }
    fake_aws.running["ListNotebookInstances"] = lambda _: {
        "NotebookInstances": [watched_notebook(each) for each in range(3)]
    }

    def look(text: str, *words: str, command: tuple[str, ...] = ("quotas", "check"), form: str = "json") -> CliResult:
        file = tmp_path / "opskit.toml"
        file.write_text(text)
        return run_opskit(capsys, *command, *words, "--config", str(file), "-o", form)

    return look


def watched_notebook(number: int) -> dict[str, str]:
    return {
        "NotebookInstanceName": f"n{number}",
        "NotebookInstanceArn": "arn:a",
        "NotebookInstanceStatus": "InService",
        "InstanceType": "ml.t2.medium",
    }


def asked_rows(ran: CliResult) -> set[tuple[str, str, str, int]]:
    rows: list[dict[str, Any]] = ran.data["quotas"]
    return {(row["region"], row["instance_type"], row["usage"], row["need"]) for row in rows if row["instance_type"]}


TWO = """
[[watch]]
types = ["ml.m4.xlarge", "ml.t2.medium"]
[[watch]]
types = ["ml.m4.xlarge"]
uses = ["training", "processing"]
regions = ["eu-west-1"]
need = 2
"""


def test_each_region_is_asked_for_what_is_watched_there(run_watching: Watching) -> None:
    ran = run_watching(TWO)
    assert ran.code == 0
    assert asked_rows(ran) == {
        ("us-east-1", "ml.m4.xlarge", "training", 1),
        ("us-east-1", "ml.m4.xlarge", "transform", 1),
        ("us-east-1", "ml.m4.xlarge", "endpoint", 1),
        ("us-east-1", "ml.t2.medium", "notebook", 1),
        ("eu-west-1", "ml.m4.xlarge", "training", 2),
        ("eu-west-1", "ml.m4.xlarge", "processing", 2),
    }


def test_a_region_that_was_typed_stands_above_the_list(run_watching: Watching) -> None:
    assert asked_rows(run_watching(TWO, "--region", "ap-south-1")) == {
        ("ap-south-1", "ml.m4.xlarge", "training", 2),
        ("ap-south-1", "ml.m4.xlarge", "transform", 1),
        ("ap-south-1", "ml.m4.xlarge", "endpoint", 1),
        ("ap-south-1", "ml.m4.xlarge", "processing", 2),
        ("ap-south-1", "ml.t2.medium", "notebook", 1),
    }


@pytest.mark.parametrize("words", [("ml.c5.xlarge",), ("--for", "training"), ("--need", "3"), ("--all",)])
def test_whoever_names_something_is_asked_for_that(run_watching: Watching, words: tuple[str, ...]) -> None:
    assert {region for region, *_ in asked_rows(run_watching(TWO, *words))} == {"us-east-1"}


def test_a_quota_fuller_than_the_line_is_told_and_is_a_no(run_watching: Watching) -> None:
    ran = run_watching("[watch]\ntypes = ['ml.t2.medium']\nshare = 0.7")
    assert (ran.code, ran.envelope["status"]) == (3, "refused")
    full = next(row for row in ran.data["quotas"] if row["instance_type"])
    assert (full["verdict"], full["in_use"], full["applied"], full["share"]) == ("fits", 3, 4, 0.7)
    assert "75% of it is in use, and you want to hear of 70%" in full["because"]
    assert {error["code"] for error in ran.envelope["errors"]} == {"too-full"}
    assert "fits, full" in run_watching("[watch]\ntypes = ['ml.t2.medium']\nshare = 0.7", form="table").out


def test_a_quota_below_the_line_is_fine(run_watching: Watching) -> None:
    assert run_watching("[watch]\ntypes = ['ml.t2.medium']\nshare = '80%'").code == 0


def test_a_line_nobody_can_measure_is_not_passed(run_watching: Watching, fake_aws: FakeAws) -> None:
    fake_aws.quotas = [Entry(entry.name, entry.code, 4, 1, "not now") for entry in fake_aws.quotas]
    ran = run_watching("[watch]\ntypes = ['ml.t2.medium']\nshare = 0.7")
    assert ran.code == 4
    assert {row["verdict"] for row in ran.data["quotas"]} == {"unknown"}


@pytest.mark.parametrize("command", [("quotas", "check"), ("settings",)])
def test_a_type_that_cannot_be_one_names_the_file(run_watching: Watching, command: tuple[str, ...]) -> None:
    ran = run_watching("[watch]\ntypes = ['m4.xlarge']", command=command)
    assert ran.code == 2
    assert "opskit.toml: watch: 'm4.xlarge' is not an instance type" in ran.envelope["errors"][0]["message"]


def test_settings_tell_each_value_and_its_source(run_watching: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSKIT_MAX_USD", "2.50")
    ran = run_watching("[notebook]\nafter = '90m'", command=("settings",))
    told = {row["name"]: (row["value"], row["source"]) for row in ran.data["settings"]}
    assert told["max-usd"] == (2.5, "OPSKIT_MAX_USD")
    assert told["notebook.after"][0] == "1h30m"
    assert told["notebook.after"][1].endswith("opskit.toml")
    assert told["notebook.limit"] == (10, "default")
    assert told["regions"] == (["us-east-1"], "AWS_DEFAULT_REGION")
    assert told["output"] == ("json", "--output")
    assert "the only suitable role in the account" in run_watching("", command=("settings",), form="table").out
