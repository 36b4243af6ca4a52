"""A notebook is made once, with a role made once, and only where quota and name leave room for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from botocore.stub import ANY

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.events import FlowEvent, Message
from opskit.core.exceptions import AwsError, ExitCode, Problem
from opskit.core.model import NOTEBOOK_ROLE_NAME, Price, Requirement, Workload
from opskit.core.owners import caller_owner
from opskit.notebooks.flows import create
from opskit.notebooks.flows.create import CreateOutcome, CreateResult, RolePlan, plan_notebook, wait_until_running
from opskit.notebooks.render.create import describe_rights
from opskit.notebooks.rules.create_request import NotebookSpec
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.model import Headroom, Verdict
from opskit.state import journal
from tests.fakes.stubbed_client import ACCOUNT, StubbedCalls, stubbed_client
from tests.unit.aws.test_roles import role_response

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = f"arn:aws:iam::{ACCOUNT}:role/{NOTEBOOK_ROLE_NAME}"
LAB = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:notebook-instance/lab"
ASSUME = f"Could not assume role {ARN}. Please ensure that the role exists and allows principal …"
ME = caller_owner(f"arn:aws:iam::{ACCOUNT}:user/me")
WISH = NotebookSpec("lab", git="https://github.com/udacity/course", tags={"team": "blue"})
GIVEN = NotebookSpec("lab", role=f"arn:aws:iam::{ACCOUNT}:role/mine")
TYPE = Requirement("ml.t2.medium", Workload.NOTEBOOK)


def judged(verdict: Verdict, requirement: Requirement = TYPE) -> Headroom:
    name = (
        "ml.t2.medium for notebook instance usage"
        if requirement.instance_type
        else "Total number of notebook instances"
    )
    return Headroom("us-east-1", requirement, name, "L-1", 1, 0, 1, 0, verdict, "1 of 1 in use")


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create, "read_workload_price", lambda *_: Price(Decimal("0.0464"), "the test"))
    monkeypatch.setattr(create, "check_quotas", lambda *_: QuotaCheck((judged(Verdict.FITS),)))


@pytest.fixture
def aws() -> Iterator[tuple[AwsClient, StubbedCalls]]:
    with stubbed_client() as both:
        yield both
        both[1].assert_done()


def described(status: str = "Pending", instance_type: str = "ml.t2.medium", **more: Any) -> dict[str, Any]:
    known = {"NotebookInstanceName": "lab", "NotebookInstanceArn": LAB, "NotebookInstanceStatus": status}
    return {**known, "InstanceType": instance_type, "CreationTime": NOW, "LastModifiedTime": NOW, **more}


def is_not_there(script: StubbedCalls) -> None:
    script.add_refusal("sagemaker", "describe_notebook_instance", "ValidationException", "RecordNotFound")


def is_there(script: StubbedCalls, status: str = "Pending", **more: Any) -> None:
    script.add_answer("sagemaker", "describe_notebook_instance", described(status, **more))


def has_role(script: StubbedCalls, *, policy: bool = True) -> None:
    script.add_answer("iam", "get_role", {"Role": role_response(NOTEBOOK_ROLE_NAME)}, {"RoleName": NOTEBOOK_ROLE_NAME})
    named = {"RoleName": NOTEBOOK_ROLE_NAME, "PolicyName": NOTEBOOK_ROLE_NAME}
    if policy:
        script.add_answer("iam", "get_role_policy", {**named, "PolicyDocument": "{}"}, named)
    else:
        script.add_refusal("iam", "get_role_policy", "NoSuchEntity", "The role policy cannot be found.")


def run(client: AwsClient, spec: NotebookSpec = WISH) -> tuple[CreateResult, list[FlowEvent], list[float]]:
    told: list[FlowEvent] = []
    slept: list[float] = []
    clock = Clock(lambda: NOW, slept.append)
    return create.create_notebook(client, plan_notebook(client, spec, ME, NOW), clock, told.append), told, slept


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
    done, told, slept = run(client)
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
    assert run(client)[0].plan.role == RolePlan(ARN)


def test_a_run_that_ended_between_role_and_rights_is_completed(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script, policy=False)
    script.add_answer("iam", "put_role_policy", {})
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run(client)[0].plan.role == RolePlan(ARN, attaches_policy=True)


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
    done, *_ = run(client)
    [error] = done.errors
    assert (done.outcome, error.exit) == (CreateOutcome.REFUSED, ExitCode.AWS_ERROR)
    assert "--role ARN" in error.problem.hint


def test_a_given_role_is_not_looked_for_elsewhere(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    script.add_refusal("iam", "get_role", "AccessDenied", "not authorized to perform: iam:GetRole")
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run(client, GIVEN)[0].plan.role == RolePlan(str(GIVEN.role))


@pytest.mark.parametrize(
    ("verdict", "exit", "hint"),
    [
        (
            Verdict.SHORT,
            ExitCode.REFUSED,
            "opskit quotas increase ml.t2.medium --for notebook --to 2 --region us-east-1",
        ),
        (Verdict.PENDING, ExitCode.REFUSED, "opskit quotas wait ml.t2.medium --for notebook --to 2 --region us-east-1"),
        (Verdict.NOT_OFFERED, ExitCode.REFUSED, "no increase helps"),
        (Verdict.UNKNOWN, ExitCode.PARTIAL, "--no-guard"),
    ],
)
def test_where_there_is_no_room_nothing_is_made(
    aws: tuple[AwsClient, StubbedCalls], monkeypatch: pytest.MonkeyPatch, verdict: Verdict, exit: ExitCode, hint: str
) -> None:
    client, script = aws
    monkeypatch.setattr(create, "check_quotas", lambda *_: QuotaCheck((judged(verdict),)))
    is_not_there(script)
    has_role(script)
    done, *_ = run(client)
    [error] = done.errors
    assert (done.outcome, error.exit, error.problem.hint) == (CreateOutcome.REFUSED, exit, error.problem.hint)
    assert hint in error.problem.hint


def test_a_full_total_refuses_and_is_what_to_ask_for(
    aws: tuple[AwsClient, StubbedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, script = aws
    total = judged(Verdict.SHORT, Requirement(None, Workload.NOTEBOOK, explicit=False))
    monkeypatch.setattr(create, "check_quotas", lambda *_: QuotaCheck((total, judged(Verdict.FITS))))
    is_not_there(script)
    has_role(script)
    assert "quotas increase total --for notebook --to 2" in run(client)[0].errors[0].problem.hint


@pytest.mark.parametrize(
    ("there", "wish", "outcome", "code"),
    [
        (described("InService"), WISH, CreateOutcome.EXISTS, None),
        (described("Stopped", "ml.m5.large"), NotebookSpec("lab", type_explicit=False), CreateOutcome.EXISTS, None),
        (described("InService", "ml.m5.large"), WISH, CreateOutcome.REFUSED, "name-taken"),
        (described("Deleting"), WISH, CreateOutcome.REFUSED, "being-deleted"),
        (described("Failed", FailureReason="no capacity"), WISH, CreateOutcome.EXISTS, "notebook-failed"),
    ],
)
def test_what_is_there_already_is_never_made_twice(
    aws: tuple[AwsClient, StubbedCalls],
    there: dict[str, Any],
    wish: NotebookSpec,
    outcome: CreateOutcome,
    code: str | None,
) -> None:
    client, script = aws
    script.add_answer("sagemaker", "describe_notebook_instance", there)
    if outcome is CreateOutcome.EXISTS:
        script.add_answer("sagemaker", "list_tags", {"Tags": [{"Key": "opskit:owner", "Value": ME.name}]})
    done, *_ = run(client, wish)
    assert (done.outcome, [opskit_error.problem.code for opskit_error in done.errors]) == (
        outcome,
        [code] if code else [],
    )


def test_a_colleagues_notebook_of_that_name_is_no_notebook_of_ones_own(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script, "InService")
    tags = [{"Key": "opskit:owner", "Value": "ada"}]
    script.add_answer("sagemaker", "list_tags", {"Tags": tags}, {"ResourceArn": LAB, "MaxResults": 100})
    [error] = run(client)[0].errors
    assert (error.exit, error.problem.code) == (ExitCode.REFUSED, "name-taken")
    assert "belongs to ada (tag opskit:owner)" in error.problem.message


@pytest.mark.parametrize("tags", [[], [{"Key": "opskit:made-by", "Value": "opskit notebook create"}], None])
def test_one_that_says_nobodys_name_is_shown_as_it_is(
    aws: tuple[AwsClient, StubbedCalls], tags: list[dict[str, str]] | None
) -> None:
    client, script = aws
    is_there(script, "InService")
    if tags is None:
        script.add_refusal("sagemaker", "list_tags", "AccessDeniedException", "no")
    else:
        script.add_answer("sagemaker", "list_tags", {"Tags": tags})
    assert run(client)[0].outcome is CreateOutcome.EXISTS


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
    done, *_ = run(client, replace(WISH, role_boundary=boundary))
    assert done.outcome is CreateOutcome.CREATED
    assert boundary in describe_rights(done.plan)


def test_a_policy_that_refuses_the_tag_is_said_with_the_way_out(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    said = f"User: {ME.name} is not authorized to perform: sagemaker:AddTags on resource: {LAB} because no …"
    script.add_refusal("sagemaker", "create_notebook_instance", "AccessDeniedException", said)
    is_not_there(script)
    [error] = run(client)[0].errors
    assert "--no-owner: it writes no tag opskit:owner" in error.problem.hint


def test_no_owner_leaves_opskits_tags_out_and_never_the_users(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    asked = {
        "NotebookInstanceName": "lab",
        "InstanceType": "ml.t2.medium",
        "RoleArn": ARN,
        "VolumeSizeInGB": 5,
        "DefaultCodeRepository": WISH.git,
        "Tags": [{"Key": "team", "Value": "blue"}],
    }
    script.add_refusal("sagemaker", "create_notebook_instance", "AccessDeniedException", "no")
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB}, asked)
    is_there(script)
    plan = plan_notebook(client, WISH, replace(ME, untagged=True), NOW)
    done = create.create_notebook(client, plan, Clock(lambda: NOW, lambda _: None), lambda _: None)
    assert done.outcome is CreateOutcome.CREATED


def test_a_lost_answer_is_looked_up(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    script.add_refusal("sagemaker", "create_notebook_instance", "InternalFailure", "oops", 500)
    is_not_there(script)
    is_there(script)
    is_there(script)
    assert run(client)[0].outcome is CreateOutcome.CREATED
    assert [entry.outcome for entry in journal.journal_entries(datetime.min.replace(tzinfo=UTC))] == ["done"]


def test_one_that_stays_lost_is_unknown(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    script.add_refusal("sagemaker", "create_notebook_instance", "InternalFailure", "oops", 500)
    for _ in range(3):
        is_not_there(script)
    assert run(client)[0].outcome is CreateOutcome.UNKNOWN


def test_awss_own_refusal_is_explained(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    said = (
        "The account-level service limit 'ml.t2.medium for notebook instance usage' is 0 NotebookInstances, with "
        "current utilization of 0 NotebookInstances and a request delta of 1 NotebookInstances. Please contact …"
    )
    script.add_refusal("sagemaker", "create_notebook_instance", "ResourceLimitExceeded", said)
    is_not_there(script)
    [error] = run(client)[0].errors
    assert error.exit is ExitCode.REFUSED
    assert "opskit quotas increase ml.t2.medium --for notebook --to 1" in error.problem.hint


@pytest.mark.parametrize(
    ("statuses", "ends", "problem"),
    [
        (["Pending", "Pending", "InService"], "InService", None),
        (["Pending", "Failed"], "Failed", "AWS has none of these instances free now"),
        (["Stopped", None, "Pending", "InService"], "InService", None),
        (["Pending", *["Stopping"] * 20], "Stopping", "notebook start lab"),
    ],
)
def test_waiting_ends_with_service_or_with_the_reason(
    aws: tuple[AwsClient, StubbedCalls], statuses: list[str | None], ends: str, problem: str | None
) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    script.add_answer("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    for status in [*statuses, *statuses[-1:]] if problem else statuses:
        if status is None:
            is_not_there(script)
        else:
            is_there(script, status, **({"FailureReason": "Insufficient capacity."} if status == "Failed" else {}))
    done, *_ = run(client)
    done = wait_until_running(client, done, Clock(lambda: NOW, lambda _: None), lambda _: None)
    assert done.notebook is not None
    assert done.notebook.status == ends
    hints: list[Problem] = [aws_error.problem for aws_error in done.errors if isinstance(aws_error, AwsError)]
    assert bool(hints) is bool(problem)
    assert all(str(problem) in each.hint for each in hints)
