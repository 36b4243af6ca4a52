"""A new notebook's volume is held against what all volumes together may have, by `notebook create` and by the guard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import boto3
import pytest

import opskit
from opskit.aws.session import open_session
from opskit.core.owners import Owner, OwnerSource
from opskit.core.workloads import NOTEBOOK_VOLUMES
from opskit.notebooks.flows import create
from opskit.notebooks.flows.create import CreatePlan, RolePlan, plan_notebook
from opskit.notebooks.rules.create_request import NotebookSpec
from tests.fakes.checked_quotas import known_quotas
from tests.fakes.fake_aws import FakeAws, Fault

pytestmark = pytest.mark.usefixtures("no_backoff")

ROLE = "arn:aws:iam::123456789012:role/lab"
NOTEBOOK = {
    "NotebookInstanceName": "runs",
    "NotebookInstanceArn": "arn:runs",
    "NotebookInstanceStatus": "InService",
    "InstanceType": "ml.t3.medium",
    "LastModifiedTime": 1.0,
}


@pytest.fixture
def lab_account(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """One notebook with 90 of the 100 GB that all may have."""
    fake_aws.quotas = known_quotas()
    gone = Fault(400, "ValidationException", "RecordNotFound")
    described = {**NOTEBOOK, "VolumeSizeInGB": 90}
    fake_aws.running |= {
        "ListNotebookInstances": lambda _: {"NotebookInstances": [NOTEBOOK]},
        "DescribeNotebookInstance": lambda asked: described if asked["NotebookInstanceName"] == "runs" else gone,
        "CreateNotebookInstance": lambda _: {"NotebookInstanceArn": "arn:new"},
    }
    monkeypatch.setattr(create, "plan_notebook_role", lambda *_: RolePlan(ROLE))
    return fake_aws


@pytest.fixture
def plan_volume(lab_account: FakeAws) -> Callable[[int], CreatePlan]:
    client = open_session().client()
    spec = NotebookSpec("new", "ml.t2.medium", role=ROLE)
    return lambda gigabytes: plan_notebook(
        client,
        NotebookSpec(spec.name, spec.instance_type, role=ROLE, volume_gb=gigabytes),
        Owner("me", OwnerSource.SETTING),
        NOW,
    )


NOW = datetime.now(UTC)


def test_create_takes_what_is_left_and_no_more(plan_volume: Callable[[int], CreatePlan]) -> None:
    assert plan_volume(10).blockers == ()
    (refusal,) = plan_volume(11).blockers
    assert f"{NOTEBOOK_VOLUMES}: 90 of 100 GB in use" in refusal.problem.message
    assert "--volume" in str(refusal.problem.hint)


@pytest.mark.parametrize(
    ("size", "fits"), [({}, True), ({"VolumeSizeInGB": 10}, True), ({"VolumeSizeInGB": 11}, False)]
)
def test_the_guard_of_python_too(lab_account: FakeAws, size: dict[str, int], fits: bool) -> None:
    client = boto3.client("sagemaker")
    opskit.guard()
    try:
        ask = dict(NotebookInstanceName="new", InstanceType="ml.t2.medium", RoleArn=ROLE, **size)
        if fits:
            client.create_notebook_instance(**ask)
        else:
            with pytest.raises(opskit.GuardRefused, match="90 of 100 GB in use"):
                client.create_notebook_instance(**ask)
    finally:
        opskit.unguard()
    assert lab_account.count("CreateNotebookInstance") == fits
