"""What AWS answers while a notebook is created, call by call, and a run of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.events import FlowEvent
from opskit.core.model import NOTEBOOK_ROLE_NAME, Quota, Requirement, Workload
from opskit.core.owners import caller_owner
from opskit.notebooks.flows import create
from opskit.notebooks.flows.create import CreateResult, plan_notebook
from opskit.notebooks.rules.create_request import NotebookSpec
from opskit.quotas.rules.model import Headroom, UsedRange, Verdict
from tests.fakes.stubbed_client import ACCOUNT, StubbedCalls
from tests.unit.aws.test_roles import role_response

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = f"arn:aws:iam::{ACCOUNT}:role/{NOTEBOOK_ROLE_NAME}"
LAB = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:notebook-instance/lab"
ME = caller_owner(f"arn:aws:iam::{ACCOUNT}:user/me")
WISH = NotebookSpec("lab", git="https://github.com/udacity/course", tags={"team": "blue"})
TYPE = Requirement("ml.t2.medium", Workload.NOTEBOOK)


def headroom(verdict: Verdict, requirement: Requirement = TYPE) -> Headroom:
    """What the check of its quota says."""
    name = (
        "ml.t2.medium for notebook instance usage"
        if requirement.instance_type
        else "Total number of notebook instances"
    )
    quota = Quota("us-east-1", name, "L-1", 1, 0)
    return Headroom("us-east-1", requirement, name, quota, UsedRange(1, 1), verdict, "1 of 1 in use")


def described(status: str = "Pending", instance_type: str = "ml.t2.medium", **more: Any) -> dict[str, Any]:
    """A notebook as AWS describes it."""
    known = {"NotebookInstanceName": "lab", "NotebookInstanceArn": LAB, "NotebookInstanceStatus": status}
    return {**known, "InstanceType": instance_type, "CreationTime": NOW, "LastModifiedTime": NOW, **more}


def is_not_there(script: StubbedCalls) -> None:
    """Next, AWS knows no such notebook."""
    script.add_refusal("sagemaker", "describe_notebook_instance", "ValidationException", "RecordNotFound")


def is_there(script: StubbedCalls, status: str = "Pending", **more: Any) -> None:
    """Next, AWS describes one."""
    script.add_answer("sagemaker", "describe_notebook_instance", described(status, **more))


def has_role(script: StubbedCalls, *, policy: bool = True) -> None:
    """Next, its role is there, with its policy or without."""
    script.add_answer("iam", "get_role", {"Role": role_response(NOTEBOOK_ROLE_NAME)}, {"RoleName": NOTEBOOK_ROLE_NAME})
    named = {"RoleName": NOTEBOOK_ROLE_NAME, "PolicyName": NOTEBOOK_ROLE_NAME}
    if policy:
        script.add_answer("iam", "get_role_policy", {**named, "PolicyDocument": "{}"}, named)
    else:
        script.add_refusal("iam", "get_role_policy", "NoSuchEntity", "The role policy cannot be found.")


def run_create(client: AwsClient, spec: NotebookSpec = WISH) -> tuple[CreateResult, list[FlowEvent], list[float]]:
    """A run: what came of it, what it told, and the seconds that it slept."""
    told: list[FlowEvent] = []
    slept: list[float] = []
    clock = Clock(lambda: NOW, slept.append)
    return create.create_notebook(client, plan_notebook(client, spec, ME, NOW), clock, told.append), told, slept
