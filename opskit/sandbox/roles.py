"""The execution role a job or model names: SageMaker refuses one that it cannot assume."""

from __future__ import annotations

from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError, ParamValidationError
from werkzeug.wrappers import Request, Response

from opskit.sandbox.faults import invalid
from opskit.sandbox.world import Place, World

_PRINCIPAL = "sagemaker.amazonaws.com"


def check_role(world: World, place: Place, arn: str | None) -> None:
    """Raise AWS's ValidationException where the role does not exist or does not trust SageMaker."""
    if arn is None:
        return
    account, _, path = arn.split(":", 4)[4].partition(":")
    if account != place.account:
        raise invalid(f"RoleArn: Cross-account pass role is not allowed. {arn}")
    if not _trusts(world, place, path.rpartition("/")[2]):
        raise invalid(
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            f"'{_PRINCIPAL}' to assume the role."
        )


def _trusts(world: World, place: Place, name: str) -> bool:
    try:
        role = world.client("iam", place).get_role(RoleName=name)["Role"]
    except ParamValidationError:  # no role can have such a name
        return False
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchEntity", "ValidationError"):
            return False
        raise
    return _PRINCIPAL in str(role["AssumeRolePolicyDocument"])


def simulate_policy(request: Request, place: Place) -> Response:
    """IAM's SimulatePrincipalPolicy, which moto lacks and the SageMaker SDK asks: all is allowed, as it is here."""
    query = dict(parse_qsl(request.get_data(as_text=True)))
    actions = [text for name, text in query.items() if name.startswith("ActionNames.member.")]
    results = "".join(_allowed(action) for action in actions)
    body = (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        f"<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{results}"
        "</EvaluationResults></SimulatePrincipalPolicyResult>"
        f"<ResponseMetadata><RequestId>{uuid4()}</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
    )
    return Response(body, content_type="text/xml")


def _allowed(action: str) -> str:
    return (
        f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>*</EvalResourceName>"
        "<EvalDecision>allowed</EvalDecision><MatchedStatements/><MissingContextValues/></member>"
    )
