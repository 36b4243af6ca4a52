"""A notebook's role is made once, or is the one that is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.stub import ANY

from opskit.aws.client import AwsClient
from opskit.core.events import Message
from opskit.core.exceptions import ExitCode
from opskit.core.model import NOTEBOOK_ROLE_NAME
from opskit.notebooks.flows.create import CreateOutcome, RolePlan
from opskit.notebooks.render.create import describe_rights
from opskit.notebooks.rules.create_request import NotebookSpec
from opskit.state import journal
from tests.fakes.created_notebooks import ARN, LAB, ME, WISH, has_role, is_not_there, is_there, run_create
from tests.fakes.stubbed_client import ACCOUNT, StubbedCalls
from tests.unit.aws.test_roles import role_response

pytestmark = pytest.mark.usefixtures("roomy_account")

GIVEN = NotebookSpec("lab", role=f"arn:aws:iam::{ACCOUNT}:role/mine")
ASSUME = f"Could not assume role {ARN}. Please ensure that the role exists and allows principal …"


def test_the_first_time_a_role_is_made_then_the_notebook(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    script.add_refusal("iam", "get_role", "NoSuchEntity", "no such role", 404)
    script.add_answer("iam", "create_role", {"Role": role_response(NOTEBOOK_ROLE_NAME)})
    script.add_answer("iam", "put_role_policy", {})
    expected = {
        "NotebookInstanceName": "lab",
        "InstanceType": "ml.t2.medium",
        "RoleArn": ARN,
        "VolumeSizeInGB": 5,
        "DefaultCodeRepository": "https://github.com/udacity/course",
        "Tags": [
            {"Key": "opskit:owner", "Value": ME.name},
            {"Key": "opskit:made-by", "Value": "opskit notebook create"},
            {"Key": "team", "Value": "blue"},
        ],
    }
    script.add_refusal("sagemaker", "create_notebook_instance", "ValidationException", ASSUME)
    is_not_there(script)
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB}, expected)
    is_there(script)
    done, told, slept = run_create(client)
    assert done.outcome is CreateOutcome.CREATED
    assert done.plan.role == RolePlan(ARN, creates=True, attaches_policy=True)
    assert any(isinstance(each, Message) and "does not see the new role yet" in each.text for each in told)
    assert 2.0 in slept
    actions = [(entry.action, entry.outcome) for entry in journal.journal_entries(datetime.min.replace(tzinfo=UTC))]
    assert actions == [
        ("create role", "done"),
        ("put role policy", "done"),
        ("create notebook", "refused"),
        ("create notebook", "done"),
    ]


def test_the_second_time_the_role_is_found_by_its_name(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run_create(client)[0].plan.role == RolePlan(ARN)


def test_a_run_that_ended_between_role_and_rights_is_completed(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script, policy=False)
    script.add_answer("iam", "put_role_policy", {})
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run_create(client)[0].plan.role == RolePlan(ARN, attaches_policy=True)


@pytest.mark.parametrize("denied", ["get_role", "create_role", "put_role_policy"])
def test_without_the_right_to_make_a_role_nothing_is_made_and_the_flag_is_named(
    aws: tuple[AwsClient, StubbedCalls], denied: str
) -> None:
    client, script = aws
    is_not_there(script)
    if denied == "get_role":
        script.add_refusal("iam", "get_role", "AccessDenied", "not authorized")
    else:
        script.add_refusal("iam", "get_role", "NoSuchEntity", "no such role", 404)
        if denied == "create_role":
            script.add_refusal("iam", "create_role", "AccessDenied", "not authorized to perform: iam:CreateRole")
            script.add_refusal("iam", "get_role", "NoSuchEntity", "no such role", 404)
        else:
            script.add_answer("iam", "create_role", {"Role": role_response(NOTEBOOK_ROLE_NAME)})
            script.add_refusal("iam", "put_role_policy", "AccessDenied", "not authorized")
            script.add_refusal("iam", "get_role_policy", "AccessDenied", "not authorized")
    done, *_ = run_create(client)
    [error] = done.errors
    assert (done.outcome, error.exit) == (CreateOutcome.REFUSED, ExitCode.AWS_ERROR)
    assert "--role ARN" in error.problem.hint


def test_a_given_role_is_not_looked_for_elsewhere(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    script.add_refusal("iam", "get_role", "AccessDenied", "not authorized to perform: iam:GetRole")
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run_create(client, GIVEN)[0].plan.role == RolePlan(str(GIVEN.role))


def test_a_role_is_made_within_the_boundary_that_is_named(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/limits"
    is_not_there(script)
    script.add_refusal("iam", "get_role", "NoSuchEntity", "no such role", 404)
    expected = {
        "RoleName": NOTEBOOK_ROLE_NAME,
        "AssumeRolePolicyDocument": ANY,
        "Description": ANY,
        "Tags": [
            {"Key": "opskit:owner", "Value": ME.name},
            {"Key": "opskit:made-by", "Value": "opskit notebook create"},
        ],
        "PermissionsBoundary": boundary,
    }
    script.add_answer("iam", "create_role", {"Role": role_response(NOTEBOOK_ROLE_NAME)}, expected)
    script.add_answer("iam", "put_role_policy", {})
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    done, *_ = run_create(client, replace(WISH, role_boundary=boundary))
    assert done.outcome is CreateOutcome.CREATED
    assert boundary in describe_rights(done.plan)
