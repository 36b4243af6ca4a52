"""Whether AWS allows something: an answer of any kind is a yes, a refusal a no, and silence neither."""

from __future__ import annotations

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opskit.access.reads.permissions import PROBES, _probe, simulate_grants
from opskit.access.rules.grants import required_grants
from opskit.access.rules.policy import Scope
from opskit.aws.session import CallerIdentity
from opskit.core.model import Unknown
from tests.fakes.stubbed_client import ACCOUNT, REGION, stubbed_client

ROLE = f"arn:aws:iam::{ACCOUNT}:role/deep/down/ops"
STOP = next(iter(required_grants(["sagemaker:StopNotebookInstance"])))
SCOPE = Scope((REGION,), "ours")


@pytest.mark.parametrize("call", PROBES)
def test_every_look_is_a_call_that_aws_understands(call: str) -> None:
    service, operation, params = PROBES[call]
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
    with stubbed_client() as (client, script):
        script.add_refusal("sagemaker", "describe_model", code, "so it is", status)
        told = _probe(client, *PROBES["sagemaker:DescribeModel"])
    assert isinstance(told, Unknown) if answer is None else told is answer


def test_a_sessions_policies_are_its_roles() -> None:
    with stubbed_client() as (client, script):
        role = {"Path": "/", "RoleName": "ops", "RoleId": "AROAIOSFODNN7EXAMPLE", "Arn": ROLE, "CreateDate": 0}
        script.add_answer("iam", "get_role", {"Role": role}, {"RoleName": "ops"})
        decided = {"EvalActionName": STOP.action, "EvalDecision": "implicitDeny"}
        script.add_answer("iam", "simulate_principal_policy", {"EvaluationResults": [decided], "IsTruncated": False})
        identity = CallerIdentity(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/ada")
        assert simulate_grants(client, identity, [STOP], SCOPE) == {STOP: False}
        script.assert_done()


def test_without_the_simulator_nobody_knows() -> None:
    with stubbed_client() as (client, script):
        script.add_refusal("iam", "simulate_principal_policy", "AccessDenied", "not you", 403)
        told = simulate_grants(client, CallerIdentity(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me"), [STOP], SCOPE)
    answer = told[STOP]
    assert isinstance(answer, Unknown)
    assert "iam:SimulatePrincipalPolicy" in answer.reason
