"""A notebook instance brings a volume, and AWS refuses one that is too many GB for all of them together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.core.model import Requirement, Workload
from opskit.core.workloads import NOTEBOOK_VOLUMES, SPACE_VOLUMES
from opskit.quotas.rules.requirements import with_all_limits
from tests.fakes.checked_quotas import known_quotas
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import DENIED, Entry, FakeAws, Fault

pytestmark = pytest.mark.usefixtures("no_backoff")

TYPE = "ml.t2.medium"


def volumes_needed(*requirements: Requirement) -> list[int]:
    return [each.count for each in with_all_limits(requirements) if each.of_volumes]


def test_the_volumes_of_what_is_new_are_needed() -> None:
    new = Requirement(TYPE, Workload.NOTEBOOK, 2)
    assert volumes_needed(new) == [10]
    assert volumes_needed(new, Requirement("ml.t3.medium", Workload.NOTEBOOK, 1, volume_gb=50)) == [60]
    assert volumes_needed(new, Requirement("ml.m5.large", Workload.NOTEBOOK, already_made=True)) == [10]
    assert volumes_needed(Requirement(TYPE, Workload.NOTEBOOK, already_made=True)) == []
    assert volumes_needed(Requirement("ml.m5.large", Workload.TRAINING)) == []


@pytest.fixture
def lab_account(fake_aws: FakeAws) -> FakeAws:
    """Two notebooks, one of them stopped, with 40 and 50 GB of the 100 that all may have."""
    fake_aws.quotas = known_quotas()
    rooms = {
        name: {
            "NotebookInstanceName": name,
            "NotebookInstanceArn": f"arn:{name}",
            "NotebookInstanceStatus": status,
            "InstanceType": "ml.t3.medium",
            "LastModifiedTime": 1.0,
        }
        for name, status in (("runs", "InService"), ("stopped", "Stopped"))
    }
    sizes = {"runs": 40, "stopped": 50}

    def describe(asked: Any) -> dict[str, Any] | Fault:
        if asked["NotebookInstanceName"] not in rooms:
            return Fault(400, "ValidationException", "RecordNotFound")
        return {**rooms[asked["NotebookInstanceName"]], "VolumeSizeInGB": sizes[asked["NotebookInstanceName"]]}

    fake_aws.running |= {
        "ListNotebookInstances": lambda _: {"NotebookInstances": list(rooms.values())},
        "DescribeNotebookInstance": describe,
    }
    return fake_aws


def check(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "quotas", "check", TYPE, "--for", "notebook", *words)


def test_quotas_check_adds_up_all_volumes(lab_account: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    ran = check(capsys, "-o", "json")
    row = ran.row(NOTEBOOK_VOLUMES)
    assert (ran.code, row["verdict"]) == (0, "fits")
    assert (row["in_use"], row["need"], row["free"], row["instance_type"]) == (90, 5, 10, None)
    assert row["because"] == "90 of 100 GB in use"
    lab_account.forget_calls()
    check(capsys, "-o", "json")
    assert lab_account.count("DescribeNotebookInstance") == 0, "volumes that were not changed are remembered"
    short = check(capsys, "--need", "3", "-o", "json")
    assert (short.code, short.row(NOTEBOOK_VOLUMES)["verdict"]) == (3, "short")
    told = check(capsys, "--need", "3")
    # No command of opskit's asks for GB: the total that `quotas increase total` knows is that of instances.
    assert "increase total" not in told.out
    assert "(volumes, GB)" in told.out
    assert f"'{NOTEBOOK_VOLUMES}' can be raised here: https://" in told.out


def test_volumes_that_cannot_be_read_are_unknown(lab_account: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    lab_account.fault = lambda called, _: DENIED if called == "DescribeNotebookInstance" else None
    ran = check(capsys, "-o", "json")
    row = ran.row(NOTEBOOK_VOLUMES)
    assert (ran.code, row["verdict"], row["in_use"], row["free"]) == (5, "unknown", None, None)
    assert ran.row(f"{TYPE} for notebook instance usage")["verdict"] == "fits"
    # What is needed alone is too much, whatever is in use.
    assert check(capsys, "--need", "21", "-o", "json").row(NOTEBOOK_VOLUMES)["verdict"] == "short"


@pytest.mark.parametrize(
    ("answer", "verdict", "in_use"),
    [
        (Fault(400, "ValidationException", "RecordNotFound"), "fits", 40),  # it is gone by now, with its volume
        ({"NotebookInstanceName": "stopped"}, "unknown", None),
    ],
)
def test_a_volume_that_is_gone_is_not_one_that_aws_does_not_tell(
    lab_account: FakeAws, capsys: pytest.CaptureFixture[str], answer: Any, verdict: str, in_use: int | None
) -> None:
    described = lab_account.running["DescribeNotebookInstance"]
    lab_account.running["DescribeNotebookInstance"] = lambda asked: (
        answer if asked["NotebookInstanceName"] == "stopped" else described(asked)
    )
    row = check(capsys, "-o", "json").row(NOTEBOOK_VOLUMES)
    assert (row["verdict"], row["in_use"]) == (verdict, in_use)


def test_a_volume_of_which_aws_does_not_tell_when_it_changed_is_read_each_time(
    lab_account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has no time looks as if it never changed: a volume that was enlarged would stay as it was once."""
    told: Any = dict(lab_account.running)
    listed, sizes = told["ListNotebookInstances"]({})["NotebookInstances"], {"runs": 40, "stopped": 50}
    untimed = [{name: value for name, value in each.items() if name != "LastModifiedTime"} for each in listed]
    lab_account.running |= {
        "ListNotebookInstances": lambda _: {"NotebookInstances": untimed},
        "DescribeNotebookInstance": lambda asked: {
            **told["DescribeNotebookInstance"](asked),
            "VolumeSizeInGB": sizes[asked["NotebookInstanceName"]],
        },
    }
    assert check(capsys, "-o", "json").row(NOTEBOOK_VOLUMES)["in_use"] == 90
    sizes["runs"] = 50
    row = check(capsys, "-o", "json").row(NOTEBOOK_VOLUMES)
    assert (row["verdict"], row["in_use"]) == ("short", 100)


def listed_space(name: str, app_type: str | None, size: int | None) -> dict[str, Any]:
    storage = {} if size is None else {"SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": size}}}
    return {"SpaceName": name, "SpaceSettingsSummary": {**({"AppType": app_type} if app_type else {}), **storage}}


@pytest.fixture
def studio_account(fake_aws: FakeAws) -> FakeAws:
    """Spaces with 60 and 30 GB of the 100 that all may have, and a shared one without a volume."""
    fake_aws.quotas = [
        *(entry for entry in known_quotas() if entry.name != SPACE_VOLUMES),
        Entry(SPACE_VOLUMES, "L-A37B67B0", 100, 20),
    ]
    spaces = [listed_space("a", "JupyterLab", 60), listed_space("b", "CodeEditor", 30), listed_space("old", None, None)]
    fake_aws.running["ListSpaces"] = lambda _: {"Spaces": spaces}
    return fake_aws


STUDIO = ("--for", "studio-jupyterlab", "--for", "studio-codeeditor", "-o", "json")


def test_new_apps_bring_the_volumes_of_their_spaces(
    studio_account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    row = run_opskit(capsys, "quotas", "check", "ml.m5.large", *STUDIO).row(SPACE_VOLUMES)
    assert (row["verdict"], row["in_use"], row["need"], row["free"]) == ("fits", 90, 10, 10)
    assert (
        run_opskit(capsys, "quotas", "check", "ml.m5.large", "--need", "2", *STUDIO).row(SPACE_VOLUMES)["verdict"]
        == "short"
    )
    studio_account.forget_calls()
    run_opskit(capsys, "quotas", "check", "ml.m5.large", "--for", "studio-kernelgateway", "-o", "json")
    assert studio_account.count("ListSpaces") == 0, "its apps have a file system of their domain's"


@pytest.mark.parametrize("unread", ["denied", "without a size", "beside one of its name in another domain"])
def test_volumes_of_spaces_that_are_not_told_are_unknown(
    studio_account: FakeAws, unread: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if unread == "denied":
        studio_account.fault = lambda called, _: DENIED if called == "ListSpaces" else None
    else:
        others = [listed_space("a", "JupyterLab", 5)] if unread.startswith("beside") else []
        spaces = [listed_space("a", "JupyterLab", None), *others]
        studio_account.running["ListSpaces"] = lambda _: {"Spaces": spaces}
    ran = run_opskit(capsys, "quotas", "check", "ml.m5.large", *STUDIO)
    assert (ran.code, ran.row(SPACE_VOLUMES)["verdict"]) == (5, "unknown")


def test_an_app_of_a_space_that_is_there_needs_no_volume(
    studio_account: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = {"DomainId": "d", "SpaceName": "a", "AppName": "default", "AppType": "JupyterLab"}
    file = tmp_path / "app.json"
    file.write_text(json.dumps({**app, "ResourceSpec": {"InstanceType": "ml.m5.large"}}))
    ran = run_opskit(capsys, "guard", "--from", str(file), "-o", "json")
    assert ran.code == 0
    assert SPACE_VOLUMES not in {row["quota_name"] for row in ran.quotas}
    assert studio_account.count("ListSpaces") == 0
