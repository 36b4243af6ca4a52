"""A notebook is made once, and only where quota and name leave room for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, ExitCode, Problem
from opskit.core.model import Requirement, Workload
from opskit.notebooks.flows import create
from opskit.notebooks.flows.create import CreateOutcome, plan_notebook, wait_until_running
from opskit.notebooks.render.create import create_result
from opskit.notebooks.rules.create_request import NotebookSpec
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.model import Verdict
from opskit.state import journal
from tests.fakes.created_notebooks import (
    ARN,
    LAB,
    ME,
    NOW,
    WISH,
    described,
    has_role,
    headroom,
    is_not_there,
    is_there,
    run_create,
)
from tests.fakes.stubbed_client import StubbedCalls

pytestmark = pytest.mark.usefixtures("roomy_account")


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
    monkeypatch.setattr(create, "check_quotas", lambda *_: QuotaCheck((headroom(verdict),)))
    is_not_there(script)
    has_role(script)
    done, *_ = run_create(client)
    [error] = done.errors
    assert (done.outcome, error.exit, error.problem.hint) == (CreateOutcome.REFUSED, exit, error.problem.hint)
    assert hint in error.problem.hint


def test_a_full_total_refuses_and_is_what_to_ask_for(
    aws: tuple[AwsClient, StubbedCalls], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, script = aws
    total = headroom(Verdict.SHORT, Requirement(None, Workload.NOTEBOOK, explicit=False))
    monkeypatch.setattr(create, "check_quotas", lambda *_: QuotaCheck((total, headroom(Verdict.FITS))))
    is_not_there(script)
    has_role(script)
    assert "quotas increase total --for notebook --to 2" in run_create(client)[0].errors[0].problem.hint


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
    done, *_ = run_create(client, wish)
    assert (done.outcome, [opskit_error.problem.code for opskit_error in done.errors]) == (
        outcome,
        [code] if code else [],
    )


def test_a_colleagues_notebook_of_that_name_is_no_notebook_of_ones_own(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script, "InService")
    tags = [{"Key": "opskit:owner", "Value": "ada"}]
    script.add_answer("sagemaker", "list_tags", {"Tags": tags}, {"ResourceArn": LAB, "MaxResults": 100})
    [error] = run_create(client)[0].errors
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
    done = run_create(client)[0]
    assert done.outcome is CreateOutcome.EXISTS
    result = create_result(done)
    assert (result.data["notebooks"][0]["existing_owner_unknown_because"] is not None) is (tags is None)
    assert any("Whose it is is not known" in note for note in result.notes) is (tags is None)


def test_a_policy_that_refuses_the_tag_is_said_with_the_way_out(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    said = f"User: {ME.name} is not authorized to perform: sagemaker:AddTags on resource: {LAB} because no …"
    script.add_refusal("sagemaker", "create_notebook_instance", "AccessDeniedException", said)
    is_not_there(script)
    [error] = run_create(client)[0].errors
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
    assert run_create(client)[0].outcome is CreateOutcome.CREATED
    assert [entry.outcome for entry in journal.journal_entries(datetime.min.replace(tzinfo=UTC))] == ["done"]


def test_one_that_stays_lost_is_unknown(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    has_role(script)
    script.add_refusal("sagemaker", "create_notebook_instance", "InternalFailure", "oops", 500)
    for _ in range(3):
        is_not_there(script)
    assert run_create(client)[0].outcome is CreateOutcome.UNKNOWN


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
    [error] = run_create(client)[0].errors
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
    done, *_ = run_create(client)
    done = wait_until_running(client, done, Clock(lambda: NOW, lambda _: None), lambda _: None)
    assert done.notebook is not None
    assert done.notebook.status == ends
    hints: list[Problem] = [aws_error.problem for aws_error in done.errors if isinstance(aws_error, AwsError)]
    assert bool(hints) is bool(problem)
    assert all(str(problem) in each.hint for each in hints)
