"""Which role SageMaker works with: the named one, our own, or the only one; never a guess among several."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from opskit.aws.roles import SeveralRoles, find_execution_role
from opskit.core.exceptions import AccessDenied, AwsError, ExitCode, UsageError
from tests.fakes.stubbed_client import ACCOUNT, stubbed_client

ARN = f"arn:aws:iam::{ACCOUNT}:role"


def role_response(
    name: str, service: Any = "sagemaker.amazonaws.com", path: str = "/", effect: str = "Allow"
) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {
        "Path": path,
        "RoleName": name,
        "RoleId": "AROA1234567890123456",
        "Arn": f"{ARN}{path}{name}",
        "CreateDate": "2024-01-01T00:00:00Z",
        "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": statement}),
    }


def role_listing(roles: list[dict[str, Any]]) -> dict[str, Any]:
    """A listing on one page."""
    return {"Roles": roles, "IsTruncated": False}


def test_the_only_role_that_trusts_sagemaker() -> None:
    roles = [
        role_response("web", "ec2.amazonaws.com"),
        role_response("exec", ["lambda.amazonaws.com", "sagemaker.amazonaws.com"], "/s/"),
    ]
    with stubbed_client() as (client, script):
        page = {"Roles": roles[:1], "IsTruncated": True, "Marker": "m"}
        script.add_answer("iam", "list_roles", page, {"MaxItems": 200})
        script.add_answer("iam", "list_roles", role_listing(roles[1:]), {"MaxItems": 200, "Marker": "m"})
        assert find_execution_role(client).arn == f"{ARN}/s/exec"


def test_our_own_role_with_its_path() -> None:
    with stubbed_client(f"arn:aws:sts::{ACCOUNT}:assumed-role/exec/SageMaker") as (client, script):
        script.add_answer(
            "iam", "get_role", {"Role": role_response("exec", path="/service-role/")}, {"RoleName": "exec"}
        )
        assert find_execution_role(client).arn == f"{ARN}/service-role/exec"


def test_our_own_role_is_not_used_when_sagemaker_may_not() -> None:
    with stubbed_client(f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/me") as (client, script):
        script.add_answer("iam", "get_role", {"Role": role_response("admin", "ec2.amazonaws.com")})
        script.add_answer("iam", "list_roles", role_listing([role_response("exec")]))
        assert find_execution_role(client).arn == f"{ARN}/exec"


@pytest.mark.parametrize(
    ("code", "is_passed_over"), [("AccessDenied", True), ("NoSuchEntity", True), ("ServiceFailure", False)]
)
def test_no_other_role_is_taken_because_our_own_could_not_be_read_just_now(code: str, is_passed_over: bool) -> None:
    with stubbed_client(f"arn:aws:sts::{ACCOUNT}:assumed-role/own/me") as (client, script):
        script.add_refusal("iam", "get_role", code, "no")
        if is_passed_over:
            script.add_answer("iam", "list_roles", role_listing([role_response("exec")]))
            assert find_execution_role(client).arn == f"{ARN}/exec"
        else:
            with pytest.raises(AwsError) as caught:
                find_execution_role(client)
            assert caught.value.aws_code == code  # it has listed no roles to choose another from


def test_no_role_is_said() -> None:
    roles = [role_response("web", "ec2.amazonaws.com"), role_response("no", effect="Deny")]
    with stubbed_client() as (client, script):
        script.add_answer("iam", "list_roles", role_listing(roles))
        with pytest.raises(UsageError) as caught:
            find_execution_role(client)
    assert caught.value.problem.code == "no-role"
    assert "--role" in caught.value.problem.hint


CONSOLE_ROLE = "AmazonSageMaker-ExecutionRole-20260101T000000"
CONSOLE_ROLES = [f"{CONSOLE_ROLE}1", f"{CONSOLE_ROLE}2"]


def test_of_several_the_only_one_that_the_console_made_is_taken_and_said() -> None:
    roles = [role_response("a"), role_response(CONSOLE_ROLE, path="/service-role/"), role_response("z")]
    with stubbed_client() as (client, script):
        script.add_answer("iam", "list_roles", role_listing(roles))
        found = find_execution_role(client)
    assert found.arn == f"{ARN}/service-role/{CONSOLE_ROLE}"
    assert found.reason == "of 3 that SageMaker may assume, it is the only AmazonSageMaker-ExecutionRole-*"


@pytest.mark.parametrize(
    ("names", "used", "order"),
    [
        (["a", "b", "c"], {"b": 2, "c": 5}, ["c", "b", "a"]),
        (["a", "b"], {}, ["a", "b"]),
        # among several of the console's the others are no candidates
        (
            ["a", f"{CONSOLE_ROLE}1", f"{CONSOLE_ROLE}2"],
            {f"{CONSOLE_ROLE}2": 9},
            [f"{CONSOLE_ROLE}2", f"{CONSOLE_ROLE}1"],
        ),
    ],
)
def test_several_are_listed_last_used_first_and_none_is_taken(
    names: list[str], used: dict[str, int], order: list[str]
) -> None:
    candidates = sorted(order)
    with stubbed_client() as (client, _):
        answers: dict[str, Any] = {"list_roles": role_listing([role_response(name) for name in names])}
        asked: list[str] = []

        def read(service: str, operation: str, **params: Any) -> Any:
            if operation == "list_roles":
                return answers[operation]
            name = params["RoleName"]
            asked.append(name)
            if name == "a":
                raise AwsError("unreachable", "no route")
            last = {"RoleLastUsed": {"LastUsedDate": datetime(2026, 1, used[name], tzinfo=UTC)}} if name in used else {}
            return {"Role": {**role_response(name), **last}}

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(type(client), "read", lambda self, *where, **params: read(*where, **params))
            with pytest.raises(SeveralRoles) as caught:
                find_execution_role(client)
    assert sorted(asked) == candidates
    assert caught.value.candidates == tuple(f"{ARN}/{name}" for name in order)
    assert caught.value.exit == ExitCode.USAGE
    assert caught.value.problem.code == "several-roles"
    assert "--role" in caught.value.problem.hint
    assert ("last used first" in caught.value.problem.message) == bool(used)
    for name, day in used.items():
        assert f"{ARN}/{name} (last used 2026-01-{day:02})" in caught.value.problem.message


SERVICE_LINKED = ("AWSServiceRoleForAmazonSageMakerNotebooks", "/aws-service-role/sagemaker.amazonaws.com/")


def service_linked() -> dict[str, Any]:
    return role_response(SERVICE_LINKED[0], path=SERVICE_LINKED[1])


def test_a_service_linked_role_is_no_candidate() -> None:
    with stubbed_client() as (client, script):
        script.add_answer(
            "iam", "list_roles", role_listing([service_linked(), role_response("exec", path="/service-role/")])
        )
        assert find_execution_role(client).arn == f"{ARN}/service-role/exec"


@pytest.mark.parametrize(
    ("name", "path"), [SERVICE_LINKED, ("AWSServiceRoleForTomorrow", "/"), ("x", "/aws-service-role/y/")]
)
def test_where_only_a_service_has_a_role_there_is_none(name: str, path: str) -> None:
    with stubbed_client() as (client, script):
        script.add_answer("iam", "list_roles", role_listing([role_response(name, path=path)]))
        with pytest.raises(UsageError) as caught:
            find_execution_role(client)
    assert caught.value.problem.code == "no-role"


@pytest.mark.parametrize(
    "named", [SERVICE_LINKED[0], f"{ARN}{SERVICE_LINKED[1]}{SERVICE_LINKED[0]}", f"{ARN}/aws-service-role/y/x"]
)
def test_a_named_role_that_cannot_be_passed_is_refused_without_a_call(named: str) -> None:
    with stubbed_client() as (client, script):
        with pytest.raises(UsageError, match="service-linked") as caught:
            find_execution_role(client, named)
        script.assert_done()
    assert "--role" in caught.value.problem.hint


def test_making_a_notebook_does_not_make_the_choice_of_a_role_unclear() -> None:
    with stubbed_client() as (client, script):
        roles = [role_response("opskit-notebook"), service_linked(), role_response("exec")]
        script.add_answer("iam", "list_roles", role_listing(roles))
        assert find_execution_role(client).arn == f"{ARN}/exec"


def test_the_role_for_notebooks_trains_where_there_is_no_other() -> None:
    with stubbed_client() as (client, script):
        script.add_answer("iam", "list_roles", role_listing([service_linked(), role_response("opskit-notebook")]))
        assert find_execution_role(client).arn == f"{ARN}/opskit-notebook"


def test_on_a_notebook_of_opskits_its_role_is_our_own() -> None:
    with stubbed_client(f"arn:aws:sts::{ACCOUNT}:assumed-role/opskit-notebook/SageMaker") as (client, script):
        script.add_answer(
            "iam", "get_role", {"Role": role_response("opskit-notebook")}, {"RoleName": "opskit-notebook"}
        )
        assert find_execution_role(client).arn == f"{ARN}/opskit-notebook"


def test_roles_that_may_not_be_listed_ask_for_a_name() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("iam", "list_roles", "AccessDenied", "no", 403)
        with pytest.raises(AccessDenied) as caught:
            find_execution_role(client)
    assert "--role" in caught.value.problem.hint


@pytest.mark.parametrize("named", ["exec", f"{ARN}/exec"])
def test_a_named_role_is_looked_at(named: str) -> None:
    with stubbed_client() as (client, script):
        script.add_answer("iam", "get_role", {"Role": role_response("exec")}, {"RoleName": "exec"})
        assert find_execution_role(client, named).arn == f"{ARN}/exec"


def test_a_named_arn_that_may_not_be_looked_at_is_taken_at_its_word() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("iam", "get_role", "AccessDenied", "no", 403)
        assert find_execution_role(client, f"{ARN}/exec").arn == f"{ARN}/exec"


def test_a_named_role_that_sagemaker_may_not_assume_is_refused() -> None:
    with stubbed_client() as (client, script):
        script.add_answer("iam", "get_role", {"Role": role_response("web", "ec2.amazonaws.com")})
        with pytest.raises(UsageError, match="may not assume"):
            find_execution_role(client, "web")


def test_a_named_role_that_is_not_there() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("iam", "get_role", "NoSuchEntity", "not found", 404)
        with pytest.raises(UsageError, match="no role 'gone'"):
            find_execution_role(client, "gone")
        with pytest.raises(UsageError, match="not a role ARN"):
            find_execution_role(client, f"arn:aws:iam::{ACCOUNT}:user/me")
