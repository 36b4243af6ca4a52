"""What --deny names is refused as AWS refuses it, whatever protocol it is asked in; nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from opskit.sandbox.account.permissions import Permissions, RequiredPermission
from opskit.sandbox.server import Sandbox, run_sandbox
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server

ME = "arn:aws:iam::123456789012:user/default_user"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole-20240101T120000"
DENIED = (
    "sagemaker:CreatePresignedNotebookInstanceUrl",
    "sagemaker:InvokeEndpoint",
    "sagemaker:AddTags",
    "servicequotas:List*",
    "ec2:*",
    "iam:PassRole",
    "iam:ListRoles",
    "cloudwatch:GetMetricData",
    "s3:PutObject",
    "s3:ListBucket",
    "sts:*",
)


@pytest.fixture(scope="module")
@starts_server
def denying_sandbox() -> Iterator[Sandbox]:
    with run_sandbox(tidy_options(denied=DENIED)) as running:
        yield running


def _notebook_params(**more: Any) -> dict[str, Any]:
    return {"NotebookInstanceName": "n", "InstanceType": "ml.t2.medium", "RoleArn": ROLE, **more}


Use = Callable[[Any], Any]

REFUSED: list[tuple[str, Use, str, str, str]] = [
    (
        "sagemaker",
        lambda client: client.create_presigned_notebook_instance_url(NotebookInstanceName="n"),
        "AccessDeniedException",
        "sagemaker:CreatePresignedNotebookInstanceUrl",
        "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/n",
    ),
    (
        "sagemaker",
        lambda client: client.create_notebook_instance(**_notebook_params()),
        "AccessDeniedException",
        "iam:PassRole",
        ROLE,
    ),
    (
        "sagemaker",
        lambda client: client.create_notebook_instance(**_notebook_params(Tags=[{"Key": "a", "Value": "b"}])),
        "AccessDeniedException",
        "sagemaker:AddTags",
        "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/n",
    ),
    (
        "sagemaker-runtime",
        lambda client: client.invoke_endpoint(EndpointName="e", Body=b"x" * 2**20),
        "AccessDeniedException",
        "sagemaker:InvokeEndpoint",
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e",
    ),
    (
        "service-quotas",
        lambda client: client.list_service_quotas(ServiceCode="sagemaker"),
        "AccessDeniedException",
        "servicequotas:ListServiceQuotas",
        "*",
    ),
    (
        "cloudwatch",
        lambda client: client.get_metric_data(MetricDataQueries=[], StartTime=0, EndTime=1),
        "AccessDeniedException",
        "cloudwatch:GetMetricData",
        "*",
    ),
    ("iam", lambda client: client.list_roles(), "AccessDenied", "iam:ListRoles", "*"),
    ("ec2", lambda client: client.describe_regions(), "UnauthorizedOperation", "ec2:DescribeRegions", "*"),
    (
        "s3",
        lambda client: client.put_object(Bucket="bucket", Key="k/l", Body=b"x" * 2**20),
        "AccessDenied",
        "s3:PutObject",
        "arn:aws:s3:::bucket/k/l",
    ),
    (
        "s3",
        lambda client: client.list_objects_v2(Bucket="bucket"),
        "AccessDenied",
        "s3:ListBucket",
        "arn:aws:s3:::bucket",
    ),
]


@pytest.mark.parametrize(("service", "use", "code", "action", "resource"), REFUSED)
def test_what_is_denied_is_refused_in_awss_words(
    service: str, use: Use, code: str, action: str, resource: str, denying_sandbox: Sandbox, account_of: Any
) -> None:
    with pytest.raises(ClientError) as refused:
        use(account_of(denying_sandbox).client(service))
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["Error"]["Message"].removeprefix(
        "You are not authorized to perform this operation. "
    ) == (
        f"User: {ME} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )


def test_what_is_not_denied_is_done(denying_sandbox: Sandbox, account_of: Any) -> None:
    me = account_of(denying_sandbox)
    assert me.client("sts").get_caller_identity()["Arn"] == ME, "AWS lets nobody be denied this"
    assert me.client("sagemaker").list_notebook_instances()["NotebookInstances"] == []
    quota = me.client("service-quotas").get_service_quota(ServiceCode="sagemaker", QuotaCode="L-A373146E")
    assert quota["Quota"]["QuotaCode"] == "L-A373146E"


def test_the_policy_simulator_says_the_same(denying_sandbox: Sandbox, account_of: Any) -> None:
    asked = {"ActionNames": ["s3:PutObject", "s3:getobject"], "ResourceArns": ["arn:aws:s3:::a", "arn:aws:s3:::b"]}
    results = account_of(denying_sandbox).client("iam").simulate_principal_policy(PolicySourceArn=ROLE, **asked)
    told = [
        (one["EvalActionName"], one["EvalResourceName"], one["EvalDecision"]) for one in results["EvaluationResults"]
    ]
    assert told == [
        ("s3:PutObject", "arn:aws:s3:::a", "implicitDeny"),
        ("s3:PutObject", "arn:aws:s3:::b", "implicitDeny"),
        ("s3:getobject", "arn:aws:s3:::a", "allowed"),
        ("s3:getobject", "arn:aws:s3:::b", "allowed"),
    ]


def test_an_action_has_no_case() -> None:
    assert not Permissions(("SageMaker:list*",)).is_allowed(RequiredPermission("sagemaker:ListModels", "*"))
    assert Permissions().is_allowed(RequiredPermission("sagemaker:ListModels", "*"))


def test_a_role_made_as_courses_do_can_be_passed(fresh_account: Any) -> None:
    mine = fresh_account.other()
    iam = mine.client("iam")
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": %s}]}'
    trusted = trust % '{"Service": "sagemaker.amazonaws.com"}'
    role = iam.create_role(RoleName="course", AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="course", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    attached = iam.list_attached_role_policies(RoleName="course")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AmazonSageMakerFullAccess"]
    with pytest.raises(ClientError, match="ResourceLimitExceeded"):  # past the check of the role
        mine.client("sagemaker").create_notebook_instance(**_notebook_params(RoleArn=role))
