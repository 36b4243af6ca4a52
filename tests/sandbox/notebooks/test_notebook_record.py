"""What a notebook instance holds of its quotas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox import scenarios
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, Scenario
from opskit.sandbox.server import run_sandbox
from tests.sandbox.notebooks.notebook_session import ROLE, status
from tests.sandbox.tidy import tidy_options
from tests.waiting import wait_until


@pytest.mark.slow
def test_running_notebooks_hold_their_quota_and_a_stop_frees_it(
    monkeypatch: pytest.MonkeyPatch, account_of: Callable[..., Any]
) -> None:
    team = tuple(NotebookSeed(f"team-{letter}", kind=NotebookKind.RECORD) for letter in "abc")
    monkeypatch.setitem(scenarios.SCENARIOS, "full", Scenario("full", seeds=team))
    with run_sandbox(tidy_options(scenario="full")) as running:
        client = account_of(running).client("sagemaker")
        asked = {"NotebookInstanceName": "one-more", "InstanceType": "ml.t2.medium", "RoleArn": ROLE}
        with pytest.raises(ClientError) as refused:
            client.create_notebook_instance(**asked)
        error = refused.value.response["Error"]
        assert error["Code"] == "ResourceLimitExceeded"
        assert (
            "'ml.t2.medium for notebook instance usage' is 3 Instances, with current utilization of 3"
            in error["Message"]
        )
        client.stop_notebook_instance(NotebookInstanceName="team-a")
        wait_until(lambda: status(client, "team-a") == "Stopped")
        with pytest.raises(ClientError, match="Total EBS volume size in GB across all notebook instances' is 100 Giga"):
            client.create_notebook_instance(**asked, VolumeSizeInGB=86)  # the three have 15, one of them stopped
        client.create_notebook_instance(**asked)
        with pytest.raises(ClientError, match="Total EBS volume size"):
            client.update_notebook_instance(NotebookInstanceName="team-a", VolumeSizeInGB=90)
        with pytest.raises(ClientError, match="ResourceLimitExceeded"):
            client.start_notebook_instance(NotebookInstanceName="team-a")
