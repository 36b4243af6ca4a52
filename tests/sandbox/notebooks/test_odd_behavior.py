"""What AWS's notebook instances do now and then, the sandbox's do where a tag asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox import scenarios
from opskit.sandbox.notebooks.odd_behavior import CREATE_TAG, MAINTENANCE_TAG, START_TAG
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, Scenario
from opskit.sandbox.server import run_sandbox
from tests.sandbox.notebooks.notebook_session import ROLE, status
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server
from tests.waiting import wait_until

STARTS = ("plain", "late", "lost", "never")


@pytest.fixture(scope="module")
@starts_server
def odd(account_of: Callable[..., Any]) -> Iterator[Any]:
    """SageMaker of a sandbox with a stopped notebook of each way to start, and two in maintenance."""
    stopped = tuple(NotebookSeed(f"start-{how}", kind=NotebookKind.STOPPED, tags=((START_TAG, how),)) for how in STARTS)
    cared_for = tuple(
        # Of a type of their own, so that they and the starts together stay below one type's quota.
        NotebookSeed(name, "ml.t3.medium", kind=NotebookKind.RECORD, tags=((MAINTENANCE_TAG, name),))
        for name in ("PendingMaintenance", "InMaintenance")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scenarios.SCENARIOS, "classroom", Scenario("classroom", seeds=(*stopped, *cared_for)))
        with run_sandbox(tidy_options(scenario="classroom")) as running:
            yield account_of(running).client("sagemaker")


@pytest.mark.parametrize("how", ["plain", "late"])
def test_a_start_that_took_is_seen_late(odd: Any, how: str) -> None:
    odd.start_notebook_instance(NotebookInstanceName=f"start-{how}")
    assert status(odd, f"start-{how}") == "Stopped"
    with pytest.raises(ClientError, match=r"Status \(Pending\) not in"):
        odd.delete_notebook_instance(NotebookInstanceName=f"start-{how}")
    wait_until(lambda: status(odd, f"start-{how}") != "Stopped")


def test_a_start_that_is_lost_takes_the_second_time(odd: Any) -> None:
    for _ in range(2):
        assert status(odd, "start-lost") == "Stopped"
        odd.start_notebook_instance(NotebookInstanceName="start-lost")
    wait_until(lambda: status(odd, "start-lost") != "Stopped")


def test_a_start_that_never_takes_holds_no_quota(odd: Any) -> None:
    for _ in range(9):
        odd.start_notebook_instance(NotebookInstanceName="start-never")
    assert status(odd, "start-never") == "Stopped"


def test_what_was_just_made_is_not_found_for_a_while(odd: Any) -> None:
    tags = [{"Key": CREATE_TAG, "Value": "late"}]
    odd.create_notebook_instance(NotebookInstanceName="fresh", InstanceType="ml.t2.medium", RoleArn=ROLE, Tags=tags)
    with pytest.raises(ClientError, match="RecordNotFound"):
        status(odd, "fresh")
    listed = [each["NotebookInstanceName"] for each in odd.list_notebook_instances(MaxResults=100)["NotebookInstances"]]
    assert "fresh" not in listed
    with pytest.raises(ClientError, match="duplicate"):
        odd.create_notebook_instance(NotebookInstanceName="fresh", InstanceType="ml.t2.medium", RoleArn=ROLE)
    wait_until(lambda: any(each["NotebookInstanceName"] == "fresh" for each in _listed(odd)))


def _listed(client: Any) -> list[dict[str, Any]]:
    return list(client.list_notebook_instances(MaxResults=100)["NotebookInstances"])


def test_the_two_maintenances_differ_in_what_aws_allows(odd: Any) -> None:
    for name in ("PendingMaintenance", "InMaintenance"):
        assert status(odd, name) == name
    with pytest.raises(ClientError, match=r"Status \(InMaintenance\) not in \(\[InService\]\)"):
        odd.create_presigned_notebook_instance_url(NotebookInstanceName="InMaintenance")
    with pytest.raises(ClientError, match=r"Status \(InMaintenance\) not in \(\[InService\]\)"):
        odd.stop_notebook_instance(NotebookInstanceName="InMaintenance")
    odd.create_presigned_notebook_instance_url(NotebookInstanceName="PendingMaintenance")
    odd.stop_notebook_instance(NotebookInstanceName="PendingMaintenance")
    wait_until(lambda: status(odd, "PendingMaintenance") == "Stopped")


def test_a_behavior_that_the_sandbox_does_not_know_is_refused(odd: Any) -> None:
    tags = [{"Key": START_TAG, "Value": "sometimes"}]
    with pytest.raises(ClientError, match="late, lost, never"):
        odd.create_notebook_instance(NotebookInstanceName="odd", InstanceType="ml.t2.medium", RoleArn=ROLE, Tags=tags)
