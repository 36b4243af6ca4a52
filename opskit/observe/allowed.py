"""What AWS allows the caller: reads are tried, the rest is asked of IAM's simulator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from opskit.aws import Caller, Door, side_by_side
from opskit.decide.policy import Grant, Scope, grants_of, sample
from opskit.errors import AwsFailure, Denied
from opskit.model import Unread
from opskit.observe.bad_answers import understood
from opskit.observe.quotas import unread

_NOBODY = "opskit-looks-whether-it-may"
"""The name of nothing: where IAM allows the look, AWS answers that there is no such thing."""
_ONE: Mapping[str, Any] = {"MaxResults": 1}
_QUOTAS: Mapping[str, Any] = {"ServiceCode": "sagemaker", **_ONE}
_QUOTA: Mapping[str, Any] = {"ServiceCode": "sagemaker", "QuotaCode": "L-00000000"}

LOOKS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "account:ListRegions": ("account", "list_regions", _ONE),
    "ec2:DescribeRegions": ("ec2", "describe_regions", {"AllRegions": False}),
    "iam:GetRole": ("iam", "get_role", {"RoleName": _NOBODY}),
    "iam:ListRoles": ("iam", "list_roles", {"MaxItems": 1}),
    "logs:DescribeLogStreams": (
        "logs",
        "describe_log_streams",
        {"logGroupName": "/aws/sagemaker/TrainingJobs", "limit": 1},
    ),
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
        f"sagemaker:Describe{word}": ("sagemaker", f"describe_{operation}", {f"{word}Name": _NOBODY})
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

_NO_SUCH_OPERATION = ("UnknownOperationException", "InvalidAction", "UnknownOperation")
_PASSED = {
    "ContextKeyName": "iam:PassedToService",
    "ContextKeyValues": ["sagemaker.amazonaws.com"],
    "ContextKeyType": "string",
}
NO_PLAN = "SubscriptionRequiredException"


def tried(door: Door) -> dict[str, bool | Unread]:
    """Whether each look was allowed. ``support:DescribeServices`` is also unread where there is no plan."""
    answers = side_by_side([partial(_try, door, *look) for look in LOOKS.values()], most=len(LOOKS))
    return dict(zip(LOOKS, answers, strict=True))


def _try(door: Door, service: str, operation: str, params: Mapping[str, Any]) -> bool | Unread:
    try:
        door.read(service, operation, **params)
    except Denied:
        return False
    except AwsFailure as failure:
        if failure.aws_code == NO_PLAN:
            return Unread(failure.problem.message, NO_PLAN)
        answered = failure.problem.code == "aws-refused" and not failure.passing
        return True if answered and failure.aws_code not in _NO_SUCH_OPERATION else unread(failure)
    return True


def simulated(door: Door, caller: Caller, grants: Iterable[Grant], scope: Scope) -> dict[Grant, bool | Unread]:
    """What IAM's simulator says of each permission, on a resource of the kind that opskit would touch."""
    by_resource: dict[str, list[Grant]] = {}
    for grant in grants:
        by_resource.setdefault(sample(grant, caller.account, scope), []).append(grant)
    try:
        principal = _principal(door, caller)
        asks = [partial(_simulate, door, principal, on, each) for on, each in by_resource.items()]
        told = side_by_side(asks)
    except AwsFailure as failure:
        return dict.fromkeys((grant for each in by_resource.values() for grant in each), unread(failure))
    return {grant: answer for part in told for grant, answer in part.items()}


def _simulate(door: Door, principal: str, on: str, grants: list[Grant]) -> dict[Grant, bool | Unread]:
    names = sorted({grant.action for grant in grants})
    which = {"PolicySourceArn": principal, "ActionNames": names, "ResourceArns": [on], "ContextEntries": [_PASSED]}
    pages = door.pages("iam", "simulate_principal_policy", **which)
    results = [each for page in pages for each in page["EvaluationResults"]]
    said = {each.get("EvalActionName"): each.get("EvalDecision") for each in results}
    silence = Unread("IAM's simulator said nothing of it")
    return {grant: said[grant.action] == "allowed" if grant.action in said else silence for grant in grants}


def _principal(door: Door, caller: Caller) -> str:
    """Whose policies count: a session's are its role's, whose whole ARN only IAM knows."""
    kind, _, name = caller.arn.split(":", 5)[-1].partition("/")
    if kind != "assumed-role":
        return caller.arn
    answer = door.read("iam", "get_role", RoleName=name.split("/")[0])
    with understood(door, "iam:GetRole"):
        return str(answer["Role"]["Arn"])


@dataclass(frozen=True)
class Allowed:
    """What is known of the caller's permissions, and whether the account's Support plan lets it use that API."""

    answers: Mapping[Grant, bool | Unread]
    support_plan: bool | Unread


def allowed(door: Door, caller: Caller, wanted: frozenset[Grant], scope: Scope) -> Allowed:
    """Whether the caller has these permissions: tried where trying is harmless, else simulated. The account's root
    may do everything.
    """
    harmless = grants_of(LOOKS) & wanted
    rest = frozenset() if caller.arn.endswith(":root") else wanted - harmless
    looks, told = side_by_side([partial(tried, door), partial(simulated, door, caller, rest, scope)])
    answers = {grant: answer for call, answer in looks.items() for grant in grants_of([call]) if grant in wanted}
    answers = {grant: True if _lacks_plan(answer) else answer for grant, answer in answers.items()}
    plan = looks["support:DescribeServices"]
    return Allowed(dict.fromkeys(wanted, True) | answers | told, _plan(plan))


def _plan(look: bool | Unread) -> bool | Unread:
    if look is False:
        return Unread("you may not ask: support:DescribeServices is denied", "denied")
    return False if _lacks_plan(look) else look


def _lacks_plan(look: bool | Unread) -> bool:
    """Whether nothing but the account's plan stood in the way, which no permission can mend."""
    return isinstance(look, Unread) and look.code == NO_PLAN
