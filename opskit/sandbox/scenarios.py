"""The accounts a sandbox can start as: what their quotas are worth, what runs there, what AWS would allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from opskit.sandbox.state import ACCOUNT, AccountRegion, SandboxState, UsageResource

ROLE_NAME = "AmazonSageMaker-ExecutionRole-20240101T120000"
_ROLE_PATH = "/service-role/"
SERVICE_LINKED_ROLE = "AWSServiceRoleForAmazonSageMakerNotebooks"
_SERVICE_LINKED_PATH = "/aws-service-role/sagemaker.amazonaws.com/"


class NotebookKind(StrEnum):
    """What a notebook instance does at the start."""

    IDLE = "idle"
    """A kernel did nothing for hours."""
    BUSY = "busy"
    """A cell is running."""
    KEPT = "kept"
    """Idle, and tagged to be kept."""
    TERMINAL = "terminal"
    """Only a terminal is open, with a silent command in it."""
    EMPTY = "empty"
    """There is neither kernel nor terminal."""
    STARTING = "starting"
    """There is a kernel that no client ever connected to."""
    NO_TERMINALS = "no-terminals"
    """Idle, in a Jupyter whose terminals are switched off."""
    JOB_COMPUTES = "job-computes"
    """Idle, but for a job begun with setsid and nohup, which computes."""
    JOB_POLLS = "job-polls"
    """The same, but the job looks for something twice a second."""
    JOB_SLEEPS = "job-sleeps"
    """The same, but the job sleeps."""
    STOPPED = "stopped"
    """There is no process."""
    RECORD = "record"
    """It is said to be InService, but without a Jupyter: what only has to be counted costs no memory."""


def execution_role_arn(account: str) -> str:
    """The role that a scenario's own jobs and notebooks run as."""
    return f"arn:aws:iam::{account}:role{_ROLE_PATH}{ROLE_NAME}"


@dataclass(frozen=True)
class NotebookSeed:
    """A notebook instance that exists at the start."""

    name: str
    instance_type: str = "ml.t2.medium"
    kind: NotebookKind = NotebookKind.IDLE
    tags: tuple[tuple[str, str], ...] = ()
    region: str = "us-east-1"
    idle_for: timedelta = timedelta(hours=5)

    @property
    def resource(self) -> UsageResource:
        return UsageResource.NOTEBOOK_INSTANCE


@dataclass(frozen=True)
class RecordSeed:
    """A job or endpoint said to be running at the start: listed, described and counted, but with no process."""

    resource: UsageResource
    name: str
    instance_type: str
    count: int = 1
    region: str = "us-east-1"
    running_for: timedelta = timedelta(hours=3)


@dataclass(frozen=True)
class VariantSeed:
    """A variant as it is now; its configuration has one instance and the weight 1."""

    name: str = "AllTraffic"
    count: int = 1
    weight: float = 1.0


@dataclass(frozen=True)
class EndpointSeed:
    """An endpoint in service since ``made_ago``, last invoked at the times ``invoked_ago``. ``serves``: a model is
    behind it, and it really predicts; else what only has to be looked at costs no memory. ``is_scaled``: Application
    Auto Scaling scales its first variant. ``provisioned``: it is serverless, with so many provisioned calls at once;
    None: it has instances. ``has_components``: its models are inference components.
    """

    name: str
    instance_type: str = "ml.m4.xlarge"
    variants: tuple[VariantSeed, ...] = (VariantSeed(),)
    tags: tuple[tuple[str, str], ...] = ()
    region: str = "us-east-1"
    made_ago: timedelta = timedelta(days=40)
    invoked_ago: tuple[timedelta, ...] = ()
    serves: bool = False
    is_scaled: bool = False
    provisioned: int | None = None
    is_asynchronous: bool = False
    has_components: bool = False

    @property
    def resource(self) -> UsageResource:
        return UsageResource.ENDPOINT


@dataclass(frozen=True)
class CallSeed:
    """What the account's own people made by a call of SageMaker's (boto3's name for it)."""

    operation: str
    params: Mapping[str, Any]


Seed = NotebookSeed | RecordSeed | EndpointSeed


@dataclass(frozen=True)
class Scenario:
    """One kind of account. Quota values stand in ``data/values.csv`` under the scenario's name.

    ``open_per_region`` and ``open_per_account`` are how many increase requests may be open at once; an increase
    to more than ``automatic_up_to`` needs a support case, one to more than ``denied_above`` is denied.
    ``early`` names the quotas whose applied value rises while the request still reads CASE_OPENED.
    """

    name: str
    region: str = "us-east-1"
    seeds: tuple[Seed, ...] = ()
    calls: tuple[CallSeed, ...] = ()
    open_per_region: int = 2
    open_per_account: int = 20
    automatic_up_to: float = 20
    denied_above: float = 1000
    early: frozenset[str] = frozenset({"ml.m4.xlarge for transform job usage"})

    def seeded_account_regions(self) -> list[AccountRegion]:
        """Where something stands at the start."""
        return [AccountRegion(ACCOUNT, seed.region) for seed in self.seeds]

    def create_resources(self, state: SandboxState) -> None:
        """Make what the account has at the start: its roles, then each seed by the service that owns it.

        Raises:
            LookupError: no service said (in ``state.seeders``) that it can make a seed's resource.
        """
        _create_roles(state, AccountRegion(ACCOUNT, self.region))
        for seed in self.seeds:
            state.seeders[seed.resource](AccountRegion(ACCOUNT, seed.region), seed)
        sagemaker = state.client("sagemaker", AccountRegion(ACCOUNT, self.region))
        for call in self.calls:
            getattr(sagemaker, call.operation)(**call.params)


def _create_roles(state: SandboxState, account_region: AccountRegion) -> None:
    """The execution role that the console makes, and the service-linked one that SageMaker made for itself when
    somebody opened Studio: it trusts the same principal and stands in the same list, and nobody can pass it on.
    """
    iam = state.client("iam", account_region)
    if any(role["RoleName"] == ROLE_NAME for role in iam.list_roles(PathPrefix=_ROLE_PATH)["Roles"]):
        # Made by another sandbox of this process: what moto keeps is the process's.
        return
    for_studio = ("For the files of Studio", ["elasticfilesystem:*"])
    _create_role(iam, SERVICE_LINKED_ROLE, _SERVICE_LINKED_PATH, *for_studio)
    allowed = ["sagemaker:*", "s3:*", "logs:*", "cloudwatch:*", "ecr:*", "iam:GetRole", "iam:PassRole"]
    _create_role(iam, ROLE_NAME, _ROLE_PATH, "SageMaker execution role", allowed)


def _create_role(iam: Any, name: str, path: str, description: str, allowed: list[str]) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    grant = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
    trusted, granted = (json.dumps({"Version": "2012-10-17", "Statement": [statement]}) for statement in (trust, grant))
    iam.create_role(Path=path, RoleName=name, AssumeRolePolicyDocument=trusted, Description=description)
    iam.put_role_policy(RoleName=name, PolicyName=f"{name}-Policy", PolicyDocument=granted)


def create_member_resources(state: SandboxState, account: str, number: int) -> None:
    """What an account of an organization has at the start: by its number, notebooks and endpoints in one Region or two.
    There is no process behind them, since there may be hundreds; the models of the endpoints are in S3.
    """
    _create_roles(state, AccountRegion(account, "us-east-1"))
    for region in ("us-east-1", "eu-west-1")[: 1 + number % 2]:
        for at in range(number % 4):
            seed: Seed = NotebookSeed(f"member-{number:03}-{at}", kind=NotebookKind.RECORD, region=region)
            state.seeders[seed.resource](AccountRegion(account, region), seed)
        if number % 3 == 0:
            seed = EndpointSeed(f"live-{number:03}", region=region)
            state.seeders[seed.resource](AccountRegion(account, region), seed)


# One of each state that a notebook of the course is found in.
_CLASSROOM_SEEDS: tuple[Seed, ...] = (
    NotebookSeed("course-idle", kind=NotebookKind.IDLE),
    NotebookSeed("course-busy", kind=NotebookKind.BUSY),
    NotebookSeed("course-kept", kind=NotebookKind.KEPT, tags=(("opskit:keep", "thesis deadline"),)),
    NotebookSeed("course-terminal", kind=NotebookKind.TERMINAL),
    NotebookSeed("course-stopped", kind=NotebookKind.STOPPED),
)

_FULL_SEEDS: tuple[Seed, ...] = (
    RecordSeed(UsageResource.TRAINING_JOB, "churn-nightly-1", "ml.m4.xlarge"),
    RecordSeed(UsageResource.TRAINING_JOB, "churn-nightly-2", "ml.m4.xlarge"),
    RecordSeed(UsageResource.TRAINING_JOB, "ranking-2024", "ml.m5.xlarge", count=2),
    RecordSeed(UsageResource.TRANSFORM_JOB, "churn-scores", "ml.m4.xlarge"),
    RecordSeed(UsageResource.ENDPOINT, "churn-live", "ml.m4.xlarge"),
    NotebookSeed("team-a", kind=NotebookKind.RECORD),
    NotebookSeed("team-b", kind=NotebookKind.RECORD),
    NotebookSeed("team-c", kind=NotebookKind.RECORD),
)

_DAY = timedelta(days=1)
# One of each state that an endpoint is found in; the first two really predict.
_ENDPOINT_SEEDS: tuple[Seed, ...] = (
    EndpointSeed("prices-idle", invoked_ago=(21 * _DAY,), tags=(("team", "shop"),), serves=True),
    EndpointSeed(
        "prices-ab",
        variants=(VariantSeed("A", 2, 0.75), VariantSeed("B", 1, 0.25)),
        tags=(("team", "shop"), ("opskit:owner", "ann")),
        serves=True,
        is_scaled=True,
    ),
    EndpointSeed("prices-busy", invoked_ago=(timedelta(minutes=10), 2 * _DAY, 9 * _DAY)),
    EndpointSeed("prices-kept", tags=(("opskit:keep", "demo for the board"),)),
    EndpointSeed("prices-live", tags=(("env", "prod"),)),
    EndpointSeed("prices-new", made_ago=timedelta(hours=1)),
)

_ROLE = execution_role_arn(ACCOUNT)
_BUCKET = "s3://sagemaker-us-east-1-123456789012"
_LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:opskit"


def _space_call(name: str, owner: str, gigabytes: int, app_type: str) -> CallSeed:
    storage = {"EbsStorageSettings": {"EbsVolumeSizeInGb": gigabytes}}
    params = {
        "DomainId": "d-sandbox",
        "SpaceName": name,
        "SpaceSettings": {"AppType": app_type, "SpaceStorageSettings": storage},
        "OwnershipSettings": {"OwnerUserProfileName": owner},
        "SpaceSharingSettings": {"SharingType": "Private"},
    }
    return CallSeed("create_space", params)


def _app_call(space: str, app_type: str) -> CallSeed:
    names = {"DomainId": "d-sandbox", "SpaceName": space, "AppType": app_type, "AppName": "default"}
    return CallSeed("create_app", {**names, "ResourceSpec": {"InstanceType": "ml.t3.medium"}})


def _component_call(name: str, megabytes: int) -> CallSeed:
    needs = {"NumberOfCpuCoresRequired": 2, "MinMemoryRequiredInMb": megabytes}
    params = {
        "InferenceComponentName": name,
        "EndpointName": "shared",
        "VariantName": "AllTraffic",
        "Specification": {"ModelName": "shared", "ComputeResourceRequirements": needs},
        "RuntimeConfig": {"CopyCount": 1},
    }
    return CallSeed("create_inference_component", params)


# One of each kind of what bills, as records: nothing runs behind them.
_BILL_SEEDS: tuple[Seed, ...] = (
    NotebookSeed("lab", kind=NotebookKind.RECORD, tags=(("owner", "ada"),)),
    NotebookSeed("lab-kept", kind=NotebookKind.RECORD, tags=(("opskit:keep", "thesis"), ("team", "vision"))),
    NotebookSeed("lab-off", kind=NotebookKind.STOPPED),
    RecordSeed(UsageResource.TRAINING_JOB, "fit", "ml.m5.xlarge", count=2),
    RecordSeed(UsageResource.TRANSFORM_JOB, "score", "ml.m4.xlarge"),
    RecordSeed(UsageResource.PROCESSING_JOB, "clean", "ml.m5.xlarge"),
    EndpointSeed("forgotten", made_ago=30 * _DAY, invoked_ago=(29 * _DAY,), tags=(("created-by", "grace"),)),
    EndpointSeed("live", variants=(VariantSeed("A", 2), VariantSeed("B", 1)), invoked_ago=(timedelta(minutes=5),)),
    EndpointSeed("on-demand", provisioned=2),
    EndpointSeed("overnight", is_asynchronous=True),
    EndpointSeed("shared", has_components=True),
)
_BILL_CALLS: tuple[CallSeed, ...] = (
    _space_call("ada-lab", "ada", 20, "JupyterLab"),
    _app_call("ada-lab", "JupyterLab"),
    _space_call("bob-code", "bob", 5, "CodeEditor"),
    _app_call("bob-code", "CodeEditor"),
    _space_call("left-behind", "carol", 100, "JupyterLab"),
    _component_call("summaries", 6_144),
    _component_call("translations", 2_048),
    CallSeed(
        "create_mlflow_tracking_server",
        {"TrackingServerName": "experiments", "ArtifactStoreUri": f"{_BUCKET}/mlflow", "RoleArn": _ROLE},
    ),
    CallSeed("create_mlflow_app", {"Name": "tracking", "ArtifactStoreUri": f"{_BUCKET}/mlflow", "RoleArn": _ROLE}),
    CallSeed(
        "create_partner_app",
        {"Name": "comet", "Type": "comet", "ExecutionRoleArn": _ROLE, "Tier": "small", "AuthType": "IAM"},
    ),
    CallSeed(
        "create_labeling_job",
        {
            "LabelingJobName": "label",
            "LabelAttributeName": "class",
            "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": f"{_BUCKET}/manifest"}}},
            "OutputConfig": {"S3OutputPath": f"{_BUCKET}/labels"},
            "RoleArn": _ROLE,
            "HumanTaskConfig": {
                "WorkteamArn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:workteam/private-crowd/team",
                "UiConfig": {"UiTemplateS3Uri": f"{_BUCKET}/ui"},
                "PreHumanTaskLambdaArn": _LAMBDA,
                "TaskTitle": "Label",
                "TaskDescription": "Label pictures",
                "NumberOfHumanWorkersPerDataObject": 1,
                "TaskTimeLimitInSeconds": 600,
                "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": _LAMBDA},
            },
        },
    ),
    CallSeed(
        "create_cluster",
        {
            "ClusterName": "hyper",
            "InstanceGroups": [
                {
                    "InstanceGroupName": "workers",
                    "InstanceType": "ml.m5.xlarge",
                    "InstanceCount": 2,
                    "ThreadsPerCore": 1,
                    "ExecutionRole": _ROLE,
                    "LifeCycleConfig": {"SourceS3Uri": f"{_BUCKET}/lifecycle", "OnCreate": "on_create.sh"},
                }
            ],
        },
    ),
)

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("fresh"),
        Scenario("classroom", seeds=_CLASSROOM_SEEDS),
        Scenario("full", seeds=_FULL_SEEDS),
        Scenario("endpoints", seeds=_ENDPOINT_SEEDS),
        Scenario("bill", seeds=_BILL_SEEDS, calls=_BILL_CALLS),
    )
}
