"""What AWS allows the caller: reads are tried, the rest is asked of IAM's simulator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from opskit.access.rules.conditions import SIMULATED_CONTEXT
from opskit.access.rules.grants import Grant, required_grants
from opskit.access.rules.policy import Scope, example_arn
from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.gather import gather, gather_all
from opskit.aws.session import CallerIdentity
from opskit.core.aws_names import TRAINING_LOG_GROUP
from opskit.core.exceptions import AccessDenied, AwsError
from opskit.core.model import Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.increases.reads import NO_SUPPORT_PLAN

# The name of nothing: where IAM allows the look, AWS answers that there is no such thing.
_NONEXISTENT_NAME = "opskit-looks-whether-it-may"
_ONE: Mapping[str, Any] = {"MaxResults": 1}
_QUOTAS: Mapping[str, Any] = {"ServiceCode": "sagemaker", **_ONE}
_QUOTA: Mapping[str, Any] = {"ServiceCode": "sagemaker", "QuotaCode": "L-00000000"}

PROBES: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "account:ListRegions": ("account", "list_regions", _ONE),
    "ec2:DescribeRegions": ("ec2", "describe_regions", {"AllRegions": False}),
    "iam:GetRole": ("iam", "get_role", {"RoleName": _NONEXISTENT_NAME}),
    "iam:ListRoles": ("iam", "list_roles", {"MaxItems": 1}),
    "logs:DescribeLogStreams": (
        "logs",
        "describe_log_streams",
        {"logGroupName": TRAINING_LOG_GROUP, "limit": 1},
    ),
    "resourcegroupstaggingapi:GetResources": ("resourcegroupstaggingapi", "get_resources", {"ResourcesPerPage": 1}),
    "pricing:GetProducts": ("pricing", "get_products", {"ServiceCode": "AmazonSageMaker", **_ONE}),
    "service-quotas:GetAWSDefaultServiceQuota": ("service-quotas", "get_aws_default_service_quota", _QUOTA),
    "service-quotas:GetServiceQuota": ("service-quotas", "get_service_quota", _QUOTA),
    "service-quotas:ListAWSDefaultServiceQuotas": ("service-quotas", "list_aws_default_service_quotas", _QUOTAS),
    "service-quotas:ListServiceQuotas": ("service-quotas", "list_service_quotas", _QUOTAS),
    "service-quotas:ListRequestedServiceQuotaChangeHistory": (
        "service-quotas",
        "list_requested_service_quota_change_history",
        _QUOTAS,
    ),
    "service-quotas:ListRequestedServiceQuotaChangeHistoryByQuota": (
        "service-quotas",
        "list_requested_service_quota_change_history_by_quota",
        {**_QUOTA, **_ONE},
    ),
    "support:DescribeCases": ("support", "describe_cases", {"maxResults": 10}),
    "support:DescribeServices": ("support", "describe_services", {"language": "en"}),
    "sagemaker:Search": ("sagemaker", "search", {"Resource": "TrainingJob", **_ONE}),
    **{
        f"sagemaker:List{word}": ("sagemaker", f"list_{operation}", _ONE)
        for word, operation in {
            "Apps": "apps",
            "Clusters": "clusters",
            "EndpointConfigs": "endpoint_configs",
            "Endpoints": "endpoints",
            "Models": "models",
            "NotebookInstances": "notebook_instances",
            "ProcessingJobs": "processing_jobs",
            "TrainingJobs": "training_jobs",
            "TransformJobs": "transform_jobs",
        }.items()
    },
    **{
        f"sagemaker:Describe{word}": ("sagemaker", f"describe_{operation}", {f"{word}Name": _NONEXISTENT_NAME})
        for word, operation in {
            "Cluster": "cluster",
            "Endpoint": "endpoint",
            "EndpointConfig": "endpoint_config",
            "Model": "model",
            "NotebookInstance": "notebook_instance",
            "ProcessingJob": "processing_job",
            "TrainingJob": "training_job",
            "TransformJob": "transform_job",
        }.items()
    },
}
"""Reads that cost nothing and show nothing, by the call they try."""

# An endpoint that does not know an operation says nothing about the permission for it.
_NO_SUCH_OPERATION = ("UnknownOperationException", "InvalidAction", "UnknownOperation")
# Without these the simulator denies what a policy allows under a condition: it knows no request.
_CONTEXT = [
    {
        "ContextKeyName": key,
        "ContextKeyValues": list(values),
        "ContextKeyType": "stringList" if key.endswith("TagKeys") else "string",
    }
    for key, values in SIMULATED_CONTEXT.items()
]


def probe_permissions(client: AwsClient) -> dict[str, bool | Unknown]:
    """Whether each look was allowed. ``support:DescribeServices`` is also unread where there is no plan."""
    answers = gather_all([partial(_probe, client, *probe) for probe in PROBES.values()], max_workers=len(PROBES))
    return dict(zip(PROBES, answers, strict=True))


def _probe(client: AwsClient, service: str, operation: str, params: Mapping[str, Any]) -> bool | Unknown:
    try:
        client.read(service, operation, **params)
    except AccessDenied:
        return False
    except AwsError as failure:
        if failure.aws_code == NO_SUPPORT_PLAN:
            return Unknown(failure.problem.message, NO_SUPPORT_PLAN)
        # AWS checks permissions before it looks the resource up: "no such resource" means that the call was allowed.
        answered = failure.problem.code == "aws-refused" and not failure.transient
        return True if answered and failure.aws_code not in _NO_SUCH_OPERATION else unknown_from_error(failure)
    return True


def simulate_grants(
    client: AwsClient, identity: CallerIdentity, grants: Iterable[Grant], scope: Scope
) -> dict[Grant, bool | Unknown]:
    """What IAM's simulator says of each permission, on a resource of the kind that opskit would touch."""
    by_resource: dict[str, list[Grant]] = {}
    for grant in grants:
        by_resource.setdefault(example_arn(grant, identity.account, scope), []).append(grant)
    try:
        principal = _policy_source(client, identity)
        asks = [partial(_simulate_resource, client, principal, on, each) for on, each in by_resource.items()]
        answers = gather_all(asks)
    except AwsError as failure:
        return dict.fromkeys((grant for each in by_resource.values() for grant in each), unknown_from_error(failure))
    return {grant: answer for part in answers for grant, answer in part.items()}


def _simulate_resource(client: AwsClient, principal: str, on: str, grants: list[Grant]) -> dict[Grant, bool | Unknown]:
    names = sorted({grant.action for grant in grants})
    which = {"PolicySourceArn": principal, "ActionNames": names, "ResourceArns": [on], "ContextEntries": _CONTEXT}
    pages = client.paginate("iam", "simulate_principal_policy", **which)
    results = [each for page in pages for each in page["EvaluationResults"]]
    decisions = {each.get("EvalActionName"): each.get("EvalDecision") for each in results}
    unanswered = Unknown("IAM's policy simulator did not answer for it")
    return {
        grant: unanswered if (said := decisions.get(grant.action)) is None else said == "allowed" for grant in grants
    }


def _policy_source(client: AwsClient, identity: CallerIdentity) -> str:
    """Whose policies count."""
    principal_kind, _, name = identity.arn.split(":", 5)[-1].partition("/")
    if principal_kind != "assumed-role":
        return identity.arn
    # A session's are its role's. Its ARN lacks the role's path, which the simulator asks for, so IAM tells the whole
    # one.
    response = client.read("iam", "get_role", RoleName=name.split("/")[0])
    with parse_errors_as_aws(client, "iam:GetRole"):
        return str(response["Role"]["Arn"])


@dataclass(frozen=True)
class PermissionReport:
    """What is known of the caller's permissions, and whether the account's Support plan lets it use that API."""

    answers: Mapping[Grant, bool | Unknown]
    support_plan: bool | Unknown


def read_permissions(
    client: AwsClient, identity: CallerIdentity, wanted: frozenset[Grant], scope: Scope
) -> PermissionReport:
    """Whether the caller has these permissions: tried where trying is harmless, else simulated. The account's root
    may do everything.
    """
    harmless = required_grants(PROBES) & wanted
    rest = frozenset() if identity.arn.endswith(":root") else wanted - harmless
    probed, told = gather(partial(probe_permissions, client), partial(simulate_grants, client, identity, rest, scope))
    answers = {grant: answer for call, answer in probed.items() for grant in required_grants([call]) if grant in wanted}
    answers = {grant: True if _lacks_support_plan(answer) else answer for grant, answer in answers.items()}
    plan = probed["support:DescribeServices"]
    return PermissionReport(dict.fromkeys(wanted, True) | answers | told, _support_plan_state(plan))


def _support_plan_state(answer: bool | Unknown) -> bool | Unknown:
    if answer is False:
        return Unknown("you may not ask: support:DescribeServices is denied", "denied")
    return False if _lacks_support_plan(answer) else answer


def _lacks_support_plan(answer: bool | Unknown) -> bool:
    """Whether nothing but the account's plan stood in the way, which no permission can mend."""
    return isinstance(answer, Unknown) and answer.code == NO_SUPPORT_PLAN
