"""A notebook is made once, with a role made once, and only where quota and name leave room for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from opskit.aws import Door
from opskit.decide.headroom import QuotaCheck
from opskit.decide.notebook_role import ROLE_NAME
from opskit.decide.notebook_wish import NotebookWish
from opskit.errors import AwsFailure, ExitCode, Problem
from opskit.flows import create_notebook as flow
from opskit.flows.clock import Clock
from opskit.flows.create_notebook import CreateOutcome, Creation, RolePlan, awaited, plan_notebook
from opskit.flows.events import Event, Remark
from opskit.model import Demand, Headroom, Price, Usage, Verdict
from opskit.state import journal
from tests.unit.observe.test_roles import role
from tests.unit.stubbed import ACCOUNT, Script, scripted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE_NAME}"
LAB = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:notebook-instance/lab"
ASSUME = f"Could not assume role {ARN}. Please ensure that the role exists and allows principal …"
WISH = NotebookWish("lab", git="https://github.com/udacity/course", tags={"team": "blue"})
GIVEN = NotebookWish("lab", role=f"arn:aws:iam::{ACCOUNT}:role/mine")
TYPE = Demand("ml.t2.medium", Usage.NOTEBOOK)


def judged(verdict: Verdict, demand: Demand = TYPE) -> Headroom:
    name = "ml.t2.medium for notebook instance usage" if demand.instance_type else "Total number of notebook instances"
    return Headroom("us-east-1", demand, name, "L-1", 1, 0, 1, 0, verdict, "1 of 1 in use")


@pytest.fixture(autouse=True)
def around(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "read_price", lambda *_: Price(Decimal("0.0464"), "the test"))
    monkeypatch.setattr(flow, "check_quotas", lambda *_: QuotaCheck((judged(Verdict.FITS),)))


@pytest.fixture
def aws() -> Iterator[tuple[Door, Script]]:
    with scripted() as both:
        yield both
        both[1].is_played()


def described(status: str = "Pending", kind: str = "ml.t2.medium", **more: Any) -> dict[str, Any]:
    known = {"NotebookInstanceName": "lab", "NotebookInstanceArn": LAB, "NotebookInstanceStatus": status}
    return {**known, "InstanceType": kind, "CreationTime": NOW, "LastModifiedTime": NOW, **more}


def is_not_there(script: Script) -> None:
    script.refuses("sagemaker", "describe_notebook_instance", "ValidationException", "RecordNotFound")


def is_there(script: Script, status: str = "Pending", **more: Any) -> None:
    script.answers("sagemaker", "describe_notebook_instance", described(status, **more))


def has_role(script: Script, *, policy: bool = True) -> None:
    script.answers("iam", "get_role", {"Role": role(ROLE_NAME)}, {"RoleName": ROLE_NAME})
    named = {"RoleName": ROLE_NAME, "PolicyName": ROLE_NAME}
    if policy:
        script.answers("iam", "get_role_policy", {**named, "PolicyDocument": "{}"}, named)
    else:
        script.refuses("iam", "get_role_policy", "NoSuchEntity", "The role policy cannot be found.")


def run(door: Door, wish: NotebookWish = WISH) -> tuple[Creation, list[Event], list[float]]:
    told: list[Event] = []
    slept: list[float] = []
    clock = Clock(lambda: NOW, slept.append)
    return flow.create_notebook(door, plan_notebook(door, wish, NOW), clock, told.append), told, slept


def test_the_first_time_a_role_is_made_then_the_notebook(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    script.refuses("iam", "get_role", "NoSuchEntity", "no such role", 404)
    script.answers("iam", "create_role", {"Role": role(ROLE_NAME)})
    script.answers("iam", "put_role_policy", {})
    expected = {
        "NotebookInstanceName": "lab",
        "InstanceType": "ml.t2.medium",
        "RoleArn": ARN,
        "VolumeSizeInGB": 5,
        "DefaultCodeRepository": "https://github.com/udacity/course",
        "Tags": [
            {"Key": "opskit:made-by", "Value": "opskit notebook create"},
            {"Key": "team", "Value": "blue"},
        ],
    }
    script.refuses("sagemaker", "create_notebook_instance", "ValidationException", ASSUME)
    is_not_there(script)
    script.answers("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB}, expected)
    is_there(script)
    done, told, slept = run(door)
    assert done.outcome is CreateOutcome.CREATED
    assert done.plan.role == RolePlan(ARN, makes=True, permits=True)
    assert any(isinstance(each, Remark) and "does not know the new role yet" in each.text for each in told)
    assert 2.0 in slept
    actions = [(entry.action, entry.outcome) for entry in journal.entries(datetime.min.replace(tzinfo=UTC))]
    assert actions == [
        ("create role", "done"),
        ("put role policy", "done"),
        ("create notebook", "refused"),
        ("create notebook", "done"),
    ]


def test_the_second_time_the_role_is_found_by_its_name(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    has_role(script)
    script.answers("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run(door)[0].plan.role == RolePlan(ARN)


def test_a_run_that_ended_between_role_and_rights_is_completed(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    has_role(script, policy=False)
    script.answers("iam", "put_role_policy", {})
    script.answers("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run(door)[0].plan.role == RolePlan(ARN, permits=True)


@pytest.mark.parametrize("denied", ["get_role", "create_role", "put_role_policy"])
def test_without_the_right_to_make_a_role_nothing_is_made_and_the_flag_is_named(
    aws: tuple[Door, Script], denied: str
) -> None:
    door, script = aws
    is_not_there(script)
    if denied == "get_role":
        script.refuses("iam", "get_role", "AccessDenied", "not authorized")
    else:
        script.refuses("iam", "get_role", "NoSuchEntity", "no such role", 404)
        if denied == "create_role":
            script.refuses("iam", "create_role", "AccessDenied", "not authorized to perform: iam:CreateRole")
            script.refuses("iam", "get_role", "NoSuchEntity", "no such role", 404)
        else:
            script.answers("iam", "create_role", {"Role": role(ROLE_NAME)})
            script.refuses("iam", "put_role_policy", "AccessDenied", "not authorized")
            script.refuses("iam", "get_role_policy", "AccessDenied", "not authorized")
    done, *_ = run(door)
    [error] = done.errors
    assert (done.outcome, error.exit) == (CreateOutcome.REFUSED, ExitCode.AWS)
    assert "--role ARN" in error.problem.hint


def test_a_given_role_is_not_looked_for_elsewhere(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    script.refuses("iam", "get_role", "AccessDenied", "not authorized to perform: iam:GetRole")
    script.answers("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    assert run(door, GIVEN)[0].plan.role == RolePlan(str(GIVEN.role))


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
        (Verdict.UNKNOWN, ExitCode.PARTLY, "--no-guard"),
    ],
)
def test_where_there_is_no_room_nothing_is_made(
    aws: tuple[Door, Script], monkeypatch: pytest.MonkeyPatch, verdict: Verdict, exit: ExitCode, hint: str
) -> None:
    door, script = aws
    monkeypatch.setattr(flow, "check_quotas", lambda *_: QuotaCheck((judged(verdict),)))
    is_not_there(script)
    has_role(script)
    done, *_ = run(door)
    [error] = done.errors
    assert (done.outcome, error.exit, error.problem.hint) == (CreateOutcome.REFUSED, exit, error.problem.hint)
    assert hint in error.problem.hint


def test_a_full_total_refuses_and_is_what_to_ask_for(aws: tuple[Door, Script], monkeypatch: pytest.MonkeyPatch) -> None:
    door, script = aws
    total = judged(Verdict.SHORT, Demand(None, Usage.NOTEBOOK, named=False))
    monkeypatch.setattr(flow, "check_quotas", lambda *_: QuotaCheck((total, judged(Verdict.FITS))))
    is_not_there(script)
    has_role(script)
    assert "quotas increase total --for notebook --to 2" in run(door)[0].errors[0].problem.hint


@pytest.mark.parametrize(
    ("there", "wish", "outcome", "code"),
    [
        (described("InService"), WISH, CreateOutcome.EXISTS, None),
        (described("Stopped", "ml.m5.large"), NotebookWish("lab", type_named=False), CreateOutcome.EXISTS, None),
        (described("InService", "ml.m5.large"), WISH, CreateOutcome.REFUSED, "name-taken"),
        (described("Deleting"), WISH, CreateOutcome.REFUSED, "being-deleted"),
        (described("Failed", FailureReason="no capacity"), WISH, CreateOutcome.EXISTS, "notebook-failed"),
    ],
)
def test_what_is_there_already_is_never_made_twice(
    aws: tuple[Door, Script], there: dict[str, Any], wish: NotebookWish, outcome: CreateOutcome, code: str | None
) -> None:
    door, script = aws
    script.answers("sagemaker", "describe_notebook_instance", there)
    done, *_ = run(door, wish)
    assert (done.outcome, [each.problem.code for each in done.errors]) == (outcome, [code] if code else [])


def test_a_lost_answer_is_looked_up(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    has_role(script)
    script.refuses("sagemaker", "create_notebook_instance", "InternalFailure", "oops", 500)
    is_not_there(script)
    is_there(script)
    is_there(script)
    assert run(door)[0].outcome is CreateOutcome.CREATED
    assert [entry.outcome for entry in journal.entries(datetime.min.replace(tzinfo=UTC))] == ["done"]


def test_one_that_stays_lost_is_unknown(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    has_role(script)
    script.refuses("sagemaker", "create_notebook_instance", "InternalFailure", "oops", 500)
    for _ in range(3):
        is_not_there(script)
    assert run(door)[0].outcome is CreateOutcome.UNKNOWN


def test_awss_own_refusal_is_explained(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    has_role(script)
    said = (
        "The account-level service limit 'ml.t2.medium for notebook instance usage' is 0 NotebookInstances, with "
        "current utilization of 0 NotebookInstances and a request delta of 1 NotebookInstances. Please contact …"
    )
    script.refuses("sagemaker", "create_notebook_instance", "ResourceLimitExceeded", said)
    is_not_there(script)
    [error] = run(door)[0].errors
    assert error.exit is ExitCode.REFUSED
    assert "opskit quotas increase ml.t2.medium --for notebook --to 1" in error.problem.hint


@pytest.mark.parametrize(
    ("statuses", "ends", "problem"),
    [
        (["Pending", "Pending", "InService"], "InService", None),
        (["Pending", "Failed"], "Failed", "AWS has none of these instances free now"),
        (["Stopping"], "Stopping", "notebook start lab"),
    ],
)
def test_waiting_ends_with_service_or_with_the_reason(
    aws: tuple[Door, Script], statuses: list[str], ends: str, problem: str | None
) -> None:
    door, script = aws
    is_not_there(script)
    has_role(script)
    script.answers("sagemaker", "create_notebook_instance", {"NotebookInstanceArn": LAB})
    is_there(script)
    for status in [*statuses, *statuses[-1:]] if problem else statuses:
        is_there(script, status, **({"FailureReason": "Insufficient capacity."} if status == "Failed" else {}))
    done, *_ = run(door)
    done = awaited(door, done, Clock(lambda: NOW, lambda _: None), lambda _: None)
    assert done.notebook is not None
    assert done.notebook.status == ends
    hints: list[Problem] = [each.problem for each in done.errors if isinstance(each, AwsFailure)]
    assert bool(hints) is bool(problem)
    assert all(str(problem) in each.hint for each in hints)
