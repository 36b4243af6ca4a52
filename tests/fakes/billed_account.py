"""An account with one of each kind of what bills in SageMaker, as AWS lists and describes it; and a price list."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.fake_aws import FakeAws, Fault
from tests.fakes.price_answers import price_list

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
GONE = Fault(400, "ValidationException", "Could not find it.")
Answer = Callable[[Mapping[str, Any]], dict[str, Any] | Fault]


def ago(hours: float) -> float:
    """So many hours before now, as JSON has it."""
    return (NOW - hours * HOUR).timestamp()


def notebook(name: str, status: str, hours: float, gigabytes: int) -> dict[str, Any]:
    """A notebook instance that was last changed so many hours ago, and made the day before."""
    return {
        "NotebookInstanceName": name,
        "NotebookInstanceArn": f"{ARN}:notebook-instance/{name}",
        "NotebookInstanceStatus": status,
        "InstanceType": "ml.t3.medium",
        "CreationTime": ago(hours + 24),
        "LastModifiedTime": ago(hours),
        "VolumeSizeInGB": gigabytes,
    }


def endpoint(name: str, hours: float, *variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An endpoint that was made so many hours ago, with what its variants say of themselves."""
    return {
        "EndpointName": name,
        "EndpointArn": f"{ARN}:endpoint/{name}",
        "EndpointConfigName": name,
        "EndpointStatus": "InService",
        "CreationTime": ago(hours),
        "LastModifiedTime": ago(hours),
        "ProductionVariants": list(variants),
        **more,
    }


def variant(name: str, count: int) -> dict[str, Any]:
    """What an endpoint says of a variant on instances: not on which."""
    return {"VariantName": name, "CurrentInstanceCount": count, "DesiredInstanceCount": count}


def planned(name: str, instance_type: str, count: int = 1) -> dict[str, Any]:
    """What a configuration says of a variant on instances."""
    return {"VariantName": name, "ModelName": "m", "InstanceType": instance_type, "InitialInstanceCount": count}


def job(kind: str, name: str, hours: float, **more: Any) -> dict[str, Any]:
    """A job of a kind (``Training``) that began so many hours ago."""
    return {
        f"{kind}JobName": name,
        f"{kind}JobArn": f"{ARN}:{kind.lower()}-job/{name}",
        f"{kind}JobStatus": "InProgress",
        "CreationTime": ago(hours),
        f"{kind}StartTime": ago(hours),
        **more,
    }


M5 = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 8}
NOTEBOOKS = [notebook("lab", "InService", 10, 100), notebook("old-lab", "Stopped", 100, 50)]
ENDPOINTS = [
    endpoint("live", 20, variant("a", 2), variant("b", 1), ShadowProductionVariants=[variant("s", 1)]),
    endpoint("queue", 3, variant("a", 1)),
    endpoint("warm", 5, {"VariantName": "a", "CurrentServerlessConfig": {**SERVERLESS, "ProvisionedConcurrency": 4}}),
    endpoint("by-request", 5, {"VariantName": "a", "CurrentServerlessConfig": SERVERLESS}),
    endpoint("orphan", 5, variant("a", 1)),
    endpoint("dead", 5, EndpointStatus="Failed"),
]
CONFIGS: dict[str, dict[str, Any]] = {
    "live": {
        "ProductionVariants": [planned("a", "ml.m5.xlarge"), planned("b", "ml.g5.xlarge")],
        "ShadowProductionVariants": [planned("s", "ml.m5.xlarge")],
    },
    "queue": {"ProductionVariants": [planned("a", "ml.m5.xlarge")], "AsyncInferenceConfig": {"OutputConfig": {}}},
    "warm": {"ProductionVariants": [{"VariantName": "a", "ServerlessConfig": SERVERLESS}]},
    "by-request": {"ProductionVariants": [{"VariantName": "a", "ServerlessConfig": SERVERLESS}]},
}
TRAINING = [
    job("Training", "fit", 2, ResourceConfig=M5, SecondaryStatus="Training", EnableManagedSpotTraining=False),
    job("Training", "spot", 2, ResourceConfig=M5, SecondaryStatus="Training", EnableManagedSpotTraining=True),
    job(
        "Training",
        "kept-warm",
        5,
        ResourceConfig=M5,
        EnableManagedSpotTraining=False,
        TrainingJobStatus="Completed",
        TrainingEndTime=ago(1),
        WarmPoolStatus={"Status": "Available"},
    ),
    job(
        "Training",
        "ended",
        9,
        ResourceConfig=M5,
        EnableManagedSpotTraining=False,
        TrainingJobStatus="Completed",
    ),
]
TRANSFORM = [job("Transform", "score", 4, TransformResources=M5)]
HYPER = "HyperParameterTuning"
TUNING = [
    job(HYPER, "tune", 3, Strategy="Bayesian", TrainingJobStatusCounters={}, ObjectiveStatusCounters={}),
    job(HYPER, "tuned", 9, HyperParameterTuningJobStatus="Completed", Strategy="Bayesian"),
]
AUTOML = [job("AutoML", "auto", 3, AutoMLJobSecondaryStatus="Starting", LastModifiedTime=ago(1))]
LABELING = [job("Labeling", "label", 3, LabelCounters={}, WorkteamArn="arn:w", LastModifiedTime=ago(1))]
APPS: list[dict[str, Any]] = [
    {"DomainId": "d-1", "SpaceName": "ada-space", "AppType": "JupyterLab", "AppName": "default"}
    | {"Status": "InService", "CreationTime": ago(6), "ResourceSpec": {"InstanceType": "ml.t3.medium"}},
    {"DomainId": "d-1", "SpaceName": "code-space", "AppType": "CodeEditor", "AppName": "default"}
    | {"Status": "InService", "CreationTime": ago(7)},  # its type is in its description alone
    {"DomainId": "d-1", "UserProfileName": "grace", "AppType": "JupyterServer", "AppName": "default"}
    | {"Status": "InService", "CreationTime": ago(8), "ResourceSpec": {"InstanceType": "system"}},
    {"DomainId": "d-1", "UserProfileName": "grace", "AppType": "Canvas", "AppName": "default"}
    | {"Status": "InService", "CreationTime": ago(8), "ResourceSpec": {"InstanceType": "system"}},
    {"DomainId": "d-1", "SpaceName": "off-space", "AppType": "JupyterLab", "AppName": "default"}
    | {"Status": "Deleted", "CreationTime": ago(9)},
]


def space(name: str, gigabytes: int) -> dict[str, Any]:
    """A space with a volume, made 50 hours ago."""
    storage = {"EbsStorageSettings": {"EbsVolumeSizeInGb": gigabytes}}
    return {
        "DomainId": "d-1",
        "SpaceName": name,
        "Status": "InService",
        "CreationTime": ago(50),
        "SpaceSettingsSummary": {"AppType": "JupyterLab", "SpaceStorageSettings": storage},
        "OwnershipSettingsSummary": {"OwnerUserProfileName": name.partition("-")[0]},
    }


SPACES = [space("ada-space", 5), space("code-space", 5), space("off-space", 100)]
CLUSTER = {
    "ClusterName": "hyper",
    "ClusterArn": f"{ARN}:cluster/hyper",
    "ClusterStatus": "InService",
    "CreationTime": ago(11),
    "InstanceGroups": [
        {"InstanceGroupName": "a", "InstanceType": "ml.p4d.24xlarge", "CurrentCount": 2, "TargetCount": 4},
        {"InstanceGroupName": "b", "InstanceType": "ml.p5.48xlarge", "CurrentCount": 9, "TrainingPlanArn": "arn:plan"},
    ],
}
SERVER = {"TrackingServerName": "mlflow", "TrackingServerArn": f"{ARN}:mlflow-tracking-server/mlflow"}
SERVERS: list[dict[str, Any]] = [
    {**SERVER, "CreationTime": ago(12), "TrackingServerStatus": "Started", "IsActive": "Active"},
    {**SERVER, "TrackingServerName": "off", "TrackingServerStatus": "Stopped", "IsActive": "Inactive"},
]
APP = {"Arn": f"{ARN}:mlflow-app/tracking", "Name": "tracking", "CreationTime": ago(13)}
MLFLOW_APPS: list[dict[str, Any]] = [{**APP, "Status": "Created"}, {**APP, "Name": "gone", "Status": "Deleted"}]
PARTNER_APP: dict[str, Any] = {"Arn": f"{ARN}:partner-app/app-1", "Name": "comet", "Type": "comet"}
PARTNER_APPS = [{**PARTNER_APP, "Status": "Available", "CreationTime": ago(14)}]
PLAN = {"TrainingPlanArn": f"{ARN}:training-plan/plan", "TrainingPlanName": "plan", "StartTime": ago(15)}
PLANS: list[dict[str, Any]] = [
    {**PLAN, "Status": "Active", "UpfrontFee": "1000.00", "CurrencyCode": "USD"},
    {**PLAN, "TrainingPlanName": "next", "Status": "Scheduled", "UpfrontFee": "5", "CurrencyCode": "USD"},
]
RULE = {
    "TrainingJobArn": f"{ARN}:training-job/fit",
    "AppSpecification": {"ImageUri": "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"},
}
PROCESSING = [
    job("Processing", "clean", 4, ProcessingResources={"ClusterConfig": M5}),
    job("Processing", "fit-ProfilerReport", 2, ProcessingResources={"ClusterConfig": M5}, **RULE),
]


TAGS = {
    f"{ARN}:endpoint/live": {"owner": "ada", "team": "search"},
    f"{ARN}:notebook-instance/lab": {"opskit:keep": "thesis", "opskit:owner": "grace"},
}
JOB_TAGS = {f"{ARN}:transform-job/score": {"CreatedBy": "linus"}}
"""What ListTags tells; of the tagging API nobody asks for jobs."""


def trail_event(name: str, hours: float, who: str, request: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An event of CloudTrail's that is so many hours old."""
    identity = {"type": "IAMUser", "arn": f"arn:aws:iam::123456789012:user/{who}"}
    told = {"eventName": name, "userIdentity": identity, "requestParameters": request, **more}
    return {"EventName": name, "EventTime": ago(hours), "Username": who, "CloudTrailEvent": json.dumps(told)}


EVENTS = [
    trail_event("CreateEndpoint", 1, "mallory", {"endpointName": "queue"}, errorCode="AccessDenied"),
    trail_event("CreateEndpoint", 3, "bob", {"endpointName": "queue"}),
    trail_event("CreateEndpoint", 900, "earlier", {"endpointName": "queue"}),
    trail_event("CreateEndpoint", 20, "not-ada", {"endpointName": "live"}),
    trail_event("CreateProcessingJob", 4, "carol", {"processingJobName": "clean"}),
    trail_event("CreateNotebookInstance", 124, "dora", {"notebookInstanceName": "old-lab"}),
]


def _look_up_events(asked: Mapping[str, Any]) -> dict[str, Any]:
    """One event a page, the newest first."""
    (attribute,) = asked["LookupAttributes"]
    found = [
        event
        for event in EVENTS
        if event["EventName"] == attribute["AttributeValue"] and event["EventTime"] >= asked["StartTime"]
    ]
    at = int(asked.get("NextToken") or 0)
    more = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
    return {"Events": found[at : at + 1], **more}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags in AWS's shape."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def serve_billed_account(aws: FakeAws) -> None:
    """Let an AWS answer with the account. Search knows nothing yet: its index lags."""
    aws.running |= billed_answers()


def billed_answers() -> dict[str, Answer]:
    """What the account answers, by operation."""
    described = {each["EndpointName"]: each for each in ENDPOINTS}
    return {
        "GetProducts": price_list,
        "GetResources": lambda _: {
            "ResourceTagMappingList": [
                {"ResourceARN": arn.replace("live", "LIVE"), "Tags": tag_list(tags)} for arn, tags in TAGS.items()
            ],
            "PaginationToken": "",
        },
        "ListTags": lambda asked: {"Tags": tag_list((TAGS | JOB_TAGS).get(asked["ResourceArn"], {}))},
        "LookupEvents": _look_up_events,
        "ListNotebookInstances": _listing("NotebookInstances", NOTEBOOKS, without="VolumeSizeInGB"),
        "DescribeNotebookInstance": _description("NotebookInstanceName", NOTEBOOKS),
        "ListEndpoints": _listing("Endpoints", ENDPOINTS, without="ProductionVariants"),
        "DescribeEndpoint": lambda asked: described[asked["EndpointName"]],
        "DescribeEndpointConfig": _describe_config,
        **_job_answers("Training", TRAINING),
        **_job_answers("Transform", TRANSFORM),
        **_job_answers("Processing", PROCESSING),
        **_job_answers(HYPER, TUNING),
        "ListAutoMLJobs": _listing("AutoMLJobSummaries", AUTOML, without="-"),
        "DescribeAutoMLJobV2": _description("AutoMLJobName", AUTOML),
        "ListLabelingJobs": _listing("LabelingJobSummaryList", LABELING, without="-"),
        "DescribeLabelingJob": _description("LabelingJobName", LABELING),
        "ListApps": _listing("Apps", APPS, without="-"),
        "DescribeApp": lambda asked: {**APPS[1], "ResourceSpec": {"InstanceType": "ml.t3.medium"}},
        "ListSpaces": _listing("Spaces", SPACES, without="-"),
        "ListClusters": _listing("ClusterSummaries", [CLUSTER], without="InstanceGroups"),
        "DescribeCluster": lambda _: CLUSTER,
        "ListMlflowTrackingServers": _listing("TrackingServerSummaries", SERVERS, without="-"),
        "ListMlflowApps": _listing("Summaries", MLFLOW_APPS, without="-"),
        "ListPartnerApps": _listing("Summaries", PARTNER_APPS, without="-"),
        "ListTrainingPlans": _listing("TrainingPlanSummaries", PLANS, without="-"),
    }


def _job_answers(kind: str, jobs: list[dict[str, Any]]) -> dict[str, Answer]:
    newest = sorted(jobs, key=lambda each: -each["CreationTime"])
    return {
        f"List{kind}Jobs": _listing(f"{kind}JobSummaries", newest, without="ResourceConfig"),
        f"Describe{kind}Job": _description(f"{kind}JobName", jobs),
    }


def _listing(key: str, entries: list[dict[str, Any]], without: str) -> Answer:
    return lambda asked: {key: [{name: each[name] for name in each if name != without} for each in entries]}


def _description(key: str, entries: list[dict[str, Any]]) -> Answer:
    return lambda asked: next((each for each in entries if each[key] == asked[key]), GONE)


def _describe_config(asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
    name = asked["EndpointConfigName"]
    if name not in CONFIGS:
        return Fault(400, "ValidationException", 'Could not find endpoint configuration "arn:x".')
    return {"EndpointConfigName": name, "EndpointConfigArn": f"arn:{name}", "CreationTime": ago(999), **CONFIGS[name]}
