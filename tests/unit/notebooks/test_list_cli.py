"""``opskit notebook list`` on an AWS that answers over HTTP: what each costs, and what they cost together."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws, Fault

HOUR = 3600


def notebook(
    name: str, instance_type: str = "ml.t2.medium", status: str = "InService", hours: float = 10
) -> dict[str, Any]:
    began = time.time() - hours * HOUR
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/{name}"
    told = {"NotebookInstanceName": name, "NotebookInstanceArn": arn, "NotebookInstanceStatus": status}
    return {**told, "InstanceType": instance_type, "CreationTime": began, "LastModifiedTime": began}


@pytest.fixture
def classroom(fake_aws: FakeAws) -> FakeAws:
    """Two that run and are kept, so that nobody looks into their Jupyter, and one that is off."""
    told = [notebook("kept", hours=1000), notebook("odd", "ml.new9.xlarge", hours=1), notebook("off", status="Stopped")]
    fake_aws.running["ListNotebookInstances"] = lambda _: {"NotebookInstances": told}
    fake_aws.running["ListTags"] = lambda _: {"Tags": [{"Key": "opskit:keep", "Value": "the demo"}]}
    fake_aws.running["GetProducts"] = lambda _: DENIED
    return fake_aws


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "notebook", "list", *words)


def test_a_program_reads_what_each_costs_and_an_unknown_price_stays_unknown(
    classroom: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = listed(capsys, "-o", "json")
    kept, odd, off = ended.data["notebooks"]
    # The price of one is in the table that opskit brings; of the other it could not be read, which is told as endpoint
    # list does.
    assert (ended.code, [problem["message"][:42] for problem in ended.envelope["errors"]]) == (
        5,
        ["The price of 1 notebook could not be read:"],
    )
    assert "pricing:GetProducts" in ended.envelope["errors"][0]["hint"]
    assert (kept["usd_per_hour"], int(kept["usd_since_start"])) == (0.0464, 46)
    assert (odd["usd_per_hour"], odd["usd_since_start"]) == (None, None)
    assert odd["started"] is not None
    assert (off["started"], off["usd_since_start"]) == (None, None)
    assert ended.data["totals"] == {
        "running": 2,
        "may_run": 0,
        "unpriced": 1,
        "usd_per_hour": None,
        "usd_since_start": None,
    }


def test_a_type_that_the_price_list_does_not_have_is_no_failure(
    classroom: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    classroom.running["GetProducts"] = lambda _: {"PriceList": []}
    ended = listed(capsys, "-o", "json")
    assert (ended.code, ended.envelope["errors"]) == (0, [])
    assert ended.data["totals"]["unpriced"] >= 1


def test_a_person_reads_a_line_of_totals(classroom: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    told = listed(capsys).out
    assert "2 of 3 running: at least 0.0464 USD per hour, at least 46.4" in told
    assert "The price of 1 is not known (ml.new9.xlarge)." in told


@pytest.mark.parametrize("width", [50, 80, 200])
def test_a_terminal_of_any_width_has_names_verdicts_and_what_was_spent(
    classroom: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    capsys.readouterr()
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    told = re.sub(r"\x1b\[[0-9;]*m", "", listed(capsys).out)
    table = told.split("2 of 3 running")[0].splitlines()
    assert max(map(len, table)) <= width
    text = "\n".join(table)
    assert all(word in text for word in ("kept", "odd", "off", "protected", "stopped", "46.4"))
    assert "the demo" in text  # why it is kept
    assert ("ml.new9.xlarge" in text) != ("Type" in text.partition("Left out at this width: ")[2])


def test_two_regions_are_told_apart_and_one_that_is_dark_does_not_hide_the_other(
    classroom: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    classroom.running["GetProducts"] = lambda _: {"PriceList": []}
    both = listed(capsys, "--region", "us-east-1", "--region", "eu-west-1")
    assert both.code == 0
    assert "us-east-1" in both.out
    assert "eu-west-1" in both.out

    def dark(operation: str, region: str) -> Fault | None:
        return DENIED if (operation, region) == ("ListNotebookInstances", "eu-west-1") else None

    classroom.fault = dark
    ended = listed(capsys, "--region", "us-east-1", "--region", "eu-west-1", "-o", "json")
    assert (ended.code, len(ended.data["notebooks"])) == (5, 3)
    assert ended.envelope["errors"][0]["region"] == "eu-west-1"
    alone = listed(capsys, "--region", "eu-west-1", "-o", "json")
    assert (alone.code, alone.data["notebooks"]) == (4, [])


def test_one_that_cannot_be_looked_into_makes_it_partly(classroom: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    classroom.running["ListTags"] = lambda _: DENIED
    assert listed(capsys, "-o", "json").code == 5


def test_list_says_that_there_are_no_notebooks(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    fake_aws.running["ListNotebookInstances"] = lambda _: {"NotebookInstances": []}
    assert listed(capsys).out == "There are no notebook instances in us-east-1.\n"
    assert listed(capsys, "--match", "x*").out == "No notebook instance in us-east-1 is chosen by that.\n"
    stopped = run_opskit(capsys, "notebook", "stop", "--idle", "--region", "us-east-1", "--region", "eu-west-1")
    assert (stopped.code, stopped.out) == (0, "There are no notebook instances in us-east-1, eu-west-1.\n")


def test_only_those_that_are_meant(classroom: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    def names(asked: Mapping[str, Any]) -> list[str]:
        return [each["name"] for each in asked["notebooks"]]

    assert names(listed(capsys, "--match", "o*", "-o", "json").data) == ["odd", "off"]
