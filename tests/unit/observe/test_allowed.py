"""Whether AWS allows something: an answer of any kind is a yes, a refusal a no, and silence neither."""

from __future__ import annotations

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opskit.aws import Caller
from opskit.decide.policy import Scope, grants_of
from opskit.model import Unread
from opskit.observe.allowed import LOOKS, _try, simulated
from tests.unit.stubbed import ACCOUNT, REGION, scripted

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deep/down/ops"
STOP = next(iter(grants_of(["sagemaker:StopNotebookInstance"])))
SCOPE = Scope((REGION,), "ours")


@pytest.mark.parametrize("call", LOOKS)
def test_every_look_is_a_call_that_aws_understands(call: str) -> None:
    service, operation, params = LOOKS[call]
    name = call.partition(":")[2]
    shape = get_session().get_service_model(service).operation_model(name).input_shape
    validate_parameters(params, shape)
    assert name.lower() == operation.replace("_", "")


@pytest.mark.parametrize(
    ("code", "status", "answer"),
    [
        ("RecordNotFound", 400, True),
        ("ValidationException", 400, True),
        ("AccessDeniedException", 400, False),
        ("UnknownOperationException", 400, None),
        ("ExpiredTokenException", 400, None),
    ],
)
def test_a_refusal_for_another_reason_is_a_yes(code: str, status: int, answer: bool | None) -> None:
    with scripted() as (door, script):
        script.refuses("sagemaker", "describe_model", code, "so it is", status)
        told = _try(door, *LOOKS["sagemaker:DescribeModel"])
    assert isinstance(told, Unread) if answer is None else told is answer


def test_a_sessions_policies_are_its_roles() -> None:
    with scripted() as (door, script):
        role = {"Path": "/", "RoleName": "ops", "RoleId": "AROAIOSFODNN7EXAMPLE", "Arn": ROLE, "CreateDate": 0}
        script.answers("iam", "get_role", {"Role": role}, {"RoleName": "ops"})
        decided = {"EvalActionName": STOP.action, "EvalDecision": "implicitDeny"}
        script.answers("iam", "simulate_principal_policy", {"EvaluationResults": [decided], "IsTruncated": False})
        caller = Caller(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/ada")
        assert simulated(door, caller, [STOP], SCOPE) == {STOP: False}
        script.is_played()


def test_without_the_simulator_nobody_knows() -> None:
    with scripted() as (door, script):
        script.refuses("iam", "simulate_principal_policy", "AccessDenied", "not you", 403)
        told = simulated(door, Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me"), [STOP], SCOPE)
    answer = told[STOP]
    assert isinstance(answer, Unread)
    assert "iam:SimulatePrincipalPolicy" in answer.because
