"""The execution role a job or model names: SageMaker refuses one that it cannot assume; and AWS's managed policies that
people who use SageMaker attach to roles, such as AmazonSageMakerFullAccess.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError, ParamValidationError
from moto.iam import models
from moto.iam.aws_managed_policies import aws_managed_policies_data
from werkzeug.wrappers import Request, Response

from opskit.sandbox.account.permissions import Permissions, RequiredPermission
from opskit.sandbox.errors import validation_error
from opskit.sandbox.state import AccountRegion, SandboxState

_LOADED_POLICIES = re.compile(
    r"AmazonSageMaker.*|AmazonS3.*|CloudWatch.*|AmazonEC2ContainerRegistry.*|ServiceQuotas.*|AmazonSNS.*|IAM.*|"
    r"AWSSupport.*|AWSPriceList.*|AdministratorAccess|PowerUserAccess|ReadOnlyAccess|ViewOnlyAccess|SecurityAudit"
)


@cache
def load_managed_policies() -> None:
    """Let every account of moto's have these policies; all 1,582 would hold 20 MB an account."""
    # moto reads its file of them anew for each of the six partitions of each account, which takes 0.1 s an account.
    backend: Any = models.IAMBackend
    backend._init_aws_policies = _managed_policies  # noqa: SLF001


def _managed_policies(backend: models.IAMBackend) -> list[models.ManagedPolicy]:
    """The managed policies of one account. Nobody reads those of the partitions for China and governments."""
    if backend.partition != "aws":
        return []
    make: Any = models.AWSManagedPolicy
    owner = {"account_id": backend.account_id, "region": backend.region_name}
    return [make(name, **owner, **contents) for name, contents in _read_policies().items()]


@cache
def _read_policies() -> dict[str, dict[str, Any]]:
    return {
        name: {
            "default_version_id": policy["DefaultVersionId"],
            "path": policy["Path"],
            "document": json.dumps(policy["Document"]),
            "create_date": datetime.fromisoformat(policy["CreateDate"]),
            "update_date": datetime.fromisoformat(policy["UpdateDate"]),
        }
        for name, policy in json.loads(aws_managed_policies_data).items()
        if _LOADED_POLICIES.fullmatch(name)
    }


_PRINCIPAL = "sagemaker.amazonaws.com"
# Such roles are a service's own: whoever has one trusted by SageMaker cannot pass it to SageMaker all the same.
_SERVICE_LINKED = "role/aws-service-role/"


def check_role(state: SandboxState, account_region: AccountRegion, arn: str | None) -> None:
    """Raise AWS's ValidationException where the role does not exist or does not trust SageMaker."""
    if arn is None:
        return
    # arn:aws:iam::ACCOUNT:role/PATH/NAME
    account, _, path = arn.split(":", 4)[4].partition(":")
    if account != account_region.account:
        raise validation_error(f"RoleArn: Cross-account pass role is not allowed. {arn}")
    if path.startswith(_SERVICE_LINKED) or not _trusts_sagemaker(state, account_region, path.rpartition("/")[2]):
        raise validation_error(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            f"'{_PRINCIPAL}' to assume the role."
        )


def _trusts_sagemaker(state: SandboxState, account_region: AccountRegion, name: str) -> bool:
    try:
        role = state.client("iam", account_region).get_role(RoleName=name)["Role"]
    except ParamValidationError:
        # No role can have such a name.
        return False
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchEntity", "ValidationError"):
            return False
        raise
    return _PRINCIPAL in str(role["AssumeRolePolicyDocument"])


def role_boundary(state: SandboxState, name: str, account_region: AccountRegion) -> str | None:
    """The permissions boundary of a role; None where it has none, or there is no such role."""
    try:
        role = state.client("iam", account_region).get_role(RoleName=name)["Role"]
    except (ClientError, ParamValidationError):
        return None
    boundary: str | None = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return boundary


def simulate_principal_policy(permissions: Permissions, request: Request) -> Response:
    """IAM's SimulatePrincipalPolicy, which moto lacks and the SageMaker SDK asks: any principal may do what callers
    of the sandbox may.
    """
    query = dict(parse_qsl(request.get_data(as_text=True)))
    context = _context_entries(query)
    actions, resources = (_list_members(query, name) for name in ("ActionNames", "ResourceArns"))
    results = "".join(
        _decision_xml(action, resource, allowed=permissions.is_allowed(RequiredPermission(action, resource, context)))
        for action in actions
        for resource in resources or ["*"]
    )
    body = (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{results}"
        "</EvaluationResults></SimulatePrincipalPolicyResult>"
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
    )
    return Response(body, content_type="text/xml")


def _context_entries(query: dict[str, str]) -> dict[str, list[str]]:
    """The condition keys that a simulation is told: ``ContextEntries.member.1.ContextKeyName`` and its values."""
    names = {key.removesuffix(".ContextKeyName"): value for key, value in query.items() if ".ContextKeyName" in key}
    return {name: _list_members(query, f"{entry}.ContextKeyValues") for entry, name in names.items()}


def _list_members(query: dict[str, str], name: str) -> list[str]:
    return [value for key, value in query.items() if key.startswith(f"{name}.member.")]


def _decision_xml(action: str, resource: str, *, allowed: bool) -> str:
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}"
        f"</EvalResourceName><EvalDecision>{'allowed' if allowed else 'implicitDeny'}</EvalDecision>"
        "<MatchedStatements/><MissingContextValues/></member>"
    )
