"""Requests and plans as public examples have them: their types, numbers and shapes, each with the verdict that was
found by hand, in an account with room for four of everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opskit.core.model import Requirement, Workload
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.requirements import quota_name_for
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import Entry, FakeAws

ROLE = "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole"
LIMITS = {"Longest run time for a training job": 432000, "Longest run time for a processing job": 432000}
Needs = list[tuple[str, str, int]]


def job(resources: dict[str, Any], seconds: int | None = 86400, **members: Any) -> dict[str, Any]:
    ends = {} if seconds is None else {"StoppingCondition": {"MaxRuntimeInSeconds": seconds}}
    return {
        "TrainingJobName": "job",
        "RoleArn": ROLE,
        "ResourceConfig": {"VolumeSizeInGB": 50, **resources},
        **ends,
        **members,
    }


def one(instance_type: str, count: int = 1, **members: Any) -> dict[str, Any]:
    return {"InstanceType": instance_type, "InstanceCount": count, **members}


def endpoint(*variants: dict[str, Any], **members: Any) -> list[dict[str, Any]]:
    """Model, configuration and endpoint, as most notebooks make them one after the other."""
    named = [{"VariantName": f"variant{index}", "ModelName": "model", **each} for index, each in enumerate(variants)]
    config = {"EndpointConfigName": "config", "ProductionVariants": named, **members}
    return [
        {"CreateModel": {"ModelName": "model", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "image"}}},
        {"CreateEndpointConfig": config},
        {"CreateEndpoint": {"EndpointName": "endpoint", "EndpointConfigName": "config"}},
    ]


def variant(instance_type: str, count: int = 1, **members: Any) -> dict[str, Any]:
    return {"InstanceType": instance_type, "InitialInstanceCount": count, "InitialVariantWeight": 1, **members}


def tuning(most: int, at_once: int, definition: dict[str, Any] | None) -> dict[str, Any]:
    config = {
        "Strategy": "Bayesian",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": at_once},
    }
    request = {"HyperParameterTuningJobName": "tuning", "HyperParameterTuningJobConfig": config}
    return request if definition is None else {**request, "TrainingJobDefinition": definition}


def processing(instance_type: str, count: int = 1, seconds: int | None = None) -> dict[str, Any]:
    cluster = {**one(instance_type, count), "VolumeSizeInGB": 30}
    ends = {} if seconds is None else {"StoppingCondition": {"MaxRuntimeInSeconds": seconds}}
    return {"ProcessingJobName": "job", "RoleArn": ROLE, "ProcessingResources": {"ClusterConfig": cluster}, **ends}


def cluster(*groups: dict[str, Any]) -> dict[str, Any]:
    return {"ClusterName": "hyperpod", "InstanceGroups": [{"ExecutionRole": ROLE, **group} for group in groups]}


SCALED = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 4}
TO_ZERO = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 3}
PLAN = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/p5-plan"
RULE = {"RuleConfigurationName": "loss", "RuleEvaluatorImage": "image", "InstanceType": "ml.t3.medium"}
SCHEDULE = {
    "MonitoringScheduleName": "schedule",
    "MonitoringScheduleConfig": {
        "ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"},
        "MonitoringJobDefinition": {"MonitoringResources": {"ClusterConfig": one("ml.m5.xlarge", VolumeSizeInGB=20)}},
    },
}
AB_TEST = endpoint(variant("ml.m4.xlarge"), variant("ml.m4.xlarge"))
SHADOW = endpoint(variant("ml.m5.xlarge"), ShadowProductionVariants=[{"VariantName": "s", **variant("ml.m5.xlarge")}])

# What it is, its operation (None: the requests name theirs), the request, the exit code, what it needs.
REQUESTS: list[tuple[str, str | None, Any, int, Needs]] = [
    (
        "xgboost of a state machine",
        "CreateTrainingJob",
        job(one("ml.m5.large"), 600),
        0,
        [("ml.m5.large", "training", 1)],
    ),
    (
        "an algorithm of the marketplace on spot",
        "CreateTrainingJob",
        job(one("ml.m5.24xlarge", VolumeSizeInGB=200), EnableManagedSpotTraining=True),
        0,
        [("ml.m5.24xlarge", "spot-training", 1)],
    ),
    (
        "a warm pool of P5",
        "CreateTrainingJob",
        job(one("ml.p5.48xlarge", VolumeSizeInGB=1024, KeepAlivePeriodInSeconds=1800)),
        0,
        [("ml.p5.48xlarge", "training", 1), ("ml.p5.48xlarge", "warm-pool", 1)],
    ),
    (
        "Trainium, two instances, kept warm",
        "CreateTrainingJob",
        job(one("ml.trn2.48xlarge", 2, KeepAlivePeriodInSeconds=300)),
        0,
        [("ml.trn2.48xlarge", "training", 2), ("ml.trn2.48xlarge", "warm-pool", 2)],
    ),
    (
        "kept warm for an hour, without a run time",
        "CreateTrainingJob",
        job(one("ml.g5.12xlarge", KeepAlivePeriodInSeconds=3600), None),
        0,
        [("ml.g5.12xlarge", "training", 1), ("ml.g5.12xlarge", "warm-pool", 1)],
    ),
    (
        "no warm pool, said with 0",
        "CreateTrainingJob",
        job(one("ml.m5.xlarge", KeepAlivePeriodInSeconds=0)),
        0,
        [("ml.m5.xlarge", "training", 1)],
    ),
    (
        "a heterogeneous cluster",
        "CreateTrainingJob",
        job(
            {
                "InstanceGroups": [
                    {"InstanceGroupName": "data", **one("ml.c5.18xlarge", 2)},
                    {"InstanceGroupName": "dnn", **one("ml.p4d.24xlarge")},
                ]
            }
        ),
        0,
        [("ml.c5.18xlarge", "training", 2), ("ml.p4d.24xlarge", "training", 1)],
    ),
    (
        "data parallel on eight machines",
        "CreateTrainingJob",
        job(one("ml.p3.16xlarge", 8)),
        3,
        [("ml.p3.16xlarge", "training", 8)],
    ),
    (
        "a debugger rule of its own",
        "CreateTrainingJob",
        job(one("ml.p3.8xlarge"), DebugRuleConfigurations=[RULE]),
        0,
        [("ml.p3.8xlarge", "training", 1), ("ml.t3.medium", "processing", 1)],
    ),
    (
        "a built-in rule, which is free",
        "CreateTrainingJob",
        job(
            one("ml.p3.8xlarge"), ProfilerRuleConfigurations=[{"RuleConfigurationName": "r", "RuleEvaluatorImage": "i"}]
        ),
        0,
        [("ml.p3.8xlarge", "training", 1)],
    ),
    (
        "five days and a second",
        "CreateTrainingJob",
        job(one("ml.m5.xlarge"), 432001),
        3,
        [("ml.m5.xlarge", "training", 1)],
    ),
    ("instances of a training plan", "CreateTrainingJob", job(one("ml.p5.48xlarge", 16, TrainingPlanArn=PLAN)), 0, []),
    (
        "five hundred trials on spot, ten at once",
        "CreateHyperParameterTuningJob",
        tuning(500, 10, job(one("ml.m5.large"), EnableManagedSpotTraining=True)),
        3,
        [("ml.m5.large", "spot-training", 10)],
    ),
    (
        "twenty trials, three at once",
        "CreateHyperParameterTuningJob",
        tuning(20, 3, job(one("ml.m5.xlarge"))),
        0,
        [("ml.m5.xlarge", "training", 3)],
    ),
    ("a tuning whose training is left out", "CreateHyperParameterTuningJob", tuning(20, 3, None), 5, []),
    (
        "scikit-learn processing",
        "CreateProcessingJob",
        processing("ml.m5.xlarge"),
        0,
        [("ml.m5.xlarge", "processing", 1)],
    ),
    (
        "Spark on two machines",
        "CreateProcessingJob",
        processing("ml.m5.xlarge", 2, 1200),
        0,
        [("ml.m5.xlarge", "processing", 2)],
    ),
    (
        "a batch transform",
        "CreateTransformJob",
        {"TransformJobName": "job", "ModelName": "model", "TransformResources": one("ml.m4.xlarge")},
        0,
        [("ml.m4.xlarge", "transform", 1)],
    ),
    (
        "asynchronous inference",
        None,
        endpoint(variant("ml.g4dn.xlarge"), AsyncInferenceConfig={}),
        0,
        [("ml.g4dn.xlarge", "endpoint", 1)],
    ),
    ("an endpoint with a GPU", None, endpoint(variant("ml.g5.2xlarge")), 0, [("ml.g5.2xlarge", "endpoint", 1)]),
    ("two variants for a test", None, AB_TEST, 0, [("ml.m4.xlarge", "endpoint", 1), ("ml.m4.xlarge", "endpoint", 1)]),
    ("a shadow variant", None, SHADOW, 0, [("ml.m5.xlarge", "endpoint", 1), ("ml.m5.xlarge", "endpoint", 1)]),
    (
        "inference components, up to four instances",
        None,
        endpoint({**variant("ml.g6.xlarge"), "ManagedInstanceScaling": SCALED}),
        0,
        [("ml.g6.xlarge", "endpoint", 1)],
    ),
    (
        "scale to zero",
        None,
        endpoint({**variant("ml.m5.large"), "ManagedInstanceScaling": TO_ZERO}),
        0,
        [("ml.m5.large", "endpoint", 1)],
    ),
    (
        "six instances behind an endpoint",
        None,
        endpoint(variant("ml.m5.large", 6)),
        3,
        [("ml.m5.large", "endpoint", 6)],
    ),
    (
        "weights alone",
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "a", "DesiredWeight": 25}]},
        0,
        [],
    ),
    (
        "a notebook of a team with a GPU",
        "CreateNotebookInstance",
        {"NotebookInstanceName": "ds-bob", "InstanceType": "ml.g4dn.xlarge", "RoleArn": ROLE, "VolumeSizeInGB": 100},
        0,
        [("ml.g4dn.xlarge", "notebook", 1)],
    ),
    (
        "a notebook for a demonstration",
        "CreateNotebookInstance",
        {"NotebookInstanceName": "demo", "InstanceType": "ml.t2.medium", "RoleArn": ROLE, "VolumeSizeInGB": 5},
        0,
        [("ml.t2.medium", "notebook", 1)],
    ),
    (
        "a Studio app",
        "CreateApp",
        {
            "DomainId": "d",
            "SpaceName": "s",
            "AppType": "JupyterLab",
            "AppName": "default",
            "ResourceSpec": {"InstanceType": "ml.t3.medium"},
        },
        0,
        [("ml.t3.medium", "studio-jupyterlab", 1)],
    ),
    (
        "ten P4 for HyperPod",
        "CreateCluster",
        cluster({"InstanceGroupName": "testgroup", **one("ml.p4d.24xlarge", 10)}),
        3,
        [("ml.p4d.24xlarge", "cluster", 10)],
    ),
    (
        "HyperPod in a training plan, with a controller beside it",
        "CreateCluster",
        cluster(
            {"InstanceGroupName": "controller", **one("ml.m5.xlarge")},
            {"InstanceGroupName": "workers", **one("ml.p5.48xlarge", 4), "TrainingPlanArn": PLAN},
        ),
        0,
        [("ml.m5.xlarge", "cluster", 1)],
    ),
    (
        "members in lower case, as a page has them",
        "CreateCluster",
        cluster({"instanceGroupName": "workers", "instanceType": "ml.p4d.24xlarge", "InstanceCount": 2}),
        5,
        [],
    ),
    ("a monitoring schedule", "CreateMonitoringSchedule", SCHEDULE, 0, [("ml.m5.xlarge", "processing", 1)]),
    ("AutoML", "CreateAutoMLJobV2", {"AutoMLJobName": "a", "RoleArn": ROLE}, 5, []),
    ("labels", "CreateLabelingJob", {"LabelingJobName": "l", "RoleArn": ROLE}, 5, []),
]


def parameter(name: str, default: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Integer" if isinstance(default, int) else "String", "DefaultValue": default}


def get(name: str) -> dict[str, str]:
    return {"Get": f"Parameters.{name}"}


def abalone_step(name: str, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


PROCESSED = {"Get": "Steps.Preprocess.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}
TRAINED = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
SCORE = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "mse.value"}}
PIPELINE = {
    "Version": "2020-12-01",
    "Parameters": [
        parameter("ProcessingCount", 1),
        parameter("ProcessingType", "ml.m5.xlarge"),
        parameter("TrainingType", "ml.m5.xlarge"),
    ],
    "Steps": [
        abalone_step(
            "Preprocess",
            "Processing",
            {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceType": get("ProcessingType"), "InstanceCount": get("ProcessingCount")}
                }
            },
        ),
        abalone_step(
            "Train",
            "Training",
            {
                "ResourceConfig": {"InstanceType": get("TrainingType"), "InstanceCount": 1},
                "InputDataConfig": [{"DataSource": PROCESSED}],
            },
        ),
        abalone_step(
            "Evaluate",
            "Processing",
            {
                "ProcessingResources": {"ClusterConfig": one("ml.m5.xlarge")},
                "ProcessingInputs": [{"S3Input": {"S3Uri": TRAINED}}],
            },
        ),
        abalone_step(
            "MSECond",
            "Condition",
            {
                "Conditions": [{"Type": "LessThanOrEqualTo", "LeftValue": SCORE, "RightValue": 6.0}],
                "IfSteps": [
                    abalone_step("Register", "RegisterModel", {"ModelPackageGroupName": "abalone"}),
                    abalone_step("Create", "Model", {"ExecutionRoleArn": ROLE}),
                    abalone_step("Transform", "Transform", {"TransformResources": one("ml.m5.xlarge")}),
                ],
                "ElseSteps": [],
            },
        ),
    ],
}
LMI = """
Parameters:
  InstanceType: {Type: String, Default: ml.g5.2xlarge}
  InitialInstanceCount: {Type: Number, Default: 1}
  MaxInstanceCount: {Type: Number, Default: 4}
Resources:
  Model:
    Type: AWS::SageMaker::Model
    Properties:
      ModelName: !Sub "${AWS::StackName}-model"
      PrimaryContainer: {Image: !Sub "763104351884.dkr.ecr.${AWS::Region}.amazonaws.com/djl-inference:0.28.0-lmi"}
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      EndpointConfigName: !Sub "${AWS::StackName}-config"
      ProductionVariants:
        - VariantName: AllTraffic
          ModelName: !GetAtt Model.ModelName
          InstanceType: !Ref InstanceType
          InitialInstanceCount: !Ref InitialInstanceCount
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: !GetAtt Config.EndpointConfigName}
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    Properties:
      MaxCapacity: !Ref MaxInstanceCount
      MinCapacity: !Ref InitialInstanceCount
      ServiceNamespace: sagemaker
"""
STAGES = """
Parameters:
  Stage: {Type: String, AllowedValues: [dev, stg, prod], Default: dev}
  InstanceType: {Type: String, Default: ml.m5.xlarge}
Mappings:
  StageMap:
    dev: {Count: 1}
    stg: {Count: 2}
    prod: {Count: 6}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - ModelName: model
          InitialInstanceCount: !FindInMap [StageMap, !Ref Stage, Count]
          InstanceType: !Ref InstanceType
          VariantName: AllTraffic
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: !GetAtt Config.EndpointConfigName}
  Lab:
    Type: AWS::SageMaker::NotebookInstance
    Condition: IsProd
    Properties: {InstanceType: ml.t3.medium, RoleArn: role}
"""
SERVERLESS = """
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {VariantName: AllTraffic, ModelName: m, ServerlessConfig: {MaxConcurrency: 20, MemorySizeInMB: 2048}}
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: !Ref Config}
"""
JSON_TEMPLATE = {
    "Mappings": {"RegionMap": {"us-east-1": {"NullTransformer": "image"}}},
    "Resources": {
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["EndpointConfig", "EndpointConfigName"]}},
        },
        "EndpointConfig": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        **variant("ml.t2.large"),
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "VariantName": {"Fn::GetAtt": ["Model", "ModelName"]},
                    }
                ]
            },
        },
        # The function lacks an argument, which is none of the guard's business.
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"PrimaryContainer": {"Image": {"Fn::FindInMap": ["AWS::Region", "NullTransformer"]}}},
        },
    },
}


def task(action: str, parameters: dict[str, Any], following: str | None) -> dict[str, Any]:
    goes_on: dict[str, Any] = {"End": True} if following is None else {"Next": following}
    return {"Type": "Task", "Resource": f"arn:aws:states:::sagemaker:{action}", "Parameters": parameters, **goes_on}


MACHINE = {
    "StartAt": "TrainJob",
    "States": {
        "TrainJob": task("createTrainingJob.sync", job(one("ml.m5.large"), 600), "Model"),
        "Model": task("createModel", {"ModelName.$": "$.name", "ExecutionRoleArn": ROLE}, "Config"),
        "Config": task(
            "createEndpointConfig",
            {"EndpointConfigName": "churn", "ProductionVariants": [variant("ml.t2.medium", VariantName="v")]},
            "Endpoint",
        ),
        "Endpoint": task("createEndpoint", {"EndpointName.$": "$.name", "EndpointConfigName": "churn"}, None),
    },
}
CHOICE = {
    "StartAt": "CheckTuningEnabled",
    "States": {
        "CheckTuningEnabled": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.tune", "BooleanEquals": True, "Next": "Tune"}],
            "Default": "Train",
        },
        "Tune": task("createHyperParameterTuningJob.sync", tuning(20, 3, job(one("ml.m5.2xlarge"))), None),
        "Train": task("createTrainingJob.sync", job({"InstanceType.$": "$.type", "InstanceCount": 1}), None),
    },
}


def planned(kind: str, name: str, after: dict[str, Any], unknown: dict[str, Any] | None = None) -> dict[str, Any]:
    change = {"actions": ["create"], "before": None, "after": after, "after_unknown": unknown or {}}
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "change": change}


FRAUD = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "resource_changes": [
        planned("aws_sagemaker_notebook_instance", "n", {"name": "n", "instance_type": "ml.t2.medium"}),
        planned(
            "aws_sagemaker_endpoint_configuration",
            "c",
            {
                "name": "fraud",
                "production_variants": [
                    {"variant_name": "v", "instance_type": "ml.m5.large", "initial_instance_count": 1}
                ],
            },
        ),
        planned("aws_sagemaker_endpoint", "e", {"name": "fraud", "endpoint_config_name": "fraud"}),
    ],
}
LATER = {
    "format_version": "1.2",
    "terraform_version": "1.11.4",
    "resource_changes": [
        planned("aws_sagemaker_notebook_instance", "n", {"name": "n"}, {"instance_type": True}),
    ],
}

PLANS: list[tuple[str, Any, tuple[str, ...], int, Needs]] = [
    ("an LLM with autoscaling", LMI, (), 0, [("ml.g5.2xlarge", "endpoint", 1)]),
    ("a template's first stage", STAGES, (), 0, [("ml.m5.xlarge", "endpoint", 1)]),
    (
        "a template's last stage",
        STAGES,
        ("--parameter", "Stage=prod"),
        3,
        [("ml.m5.xlarge", "endpoint", 6), ("ml.t3.medium", "notebook", 1)],
    ),
    ("a serverless endpoint of 20 at once", SERVERLESS, (), 3, []),
    ("a template in JSON", JSON_TEMPLATE, (), 0, [("ml.t2.large", "endpoint", 1)]),
    (
        "the pipeline of the SDK's first example",
        PIPELINE,
        (),
        0,
        [
            ("ml.m5.xlarge", "processing", 1),
            ("ml.m5.xlarge", "training", 1),
            ("ml.m5.xlarge", "processing", 1),
            ("ml.m5.xlarge", "transform", 1),
        ],
    ),
    (
        "the same with other values",
        PIPELINE,
        ("--parameter", "ProcessingCount=5"),
        3,
        [
            ("ml.m5.xlarge", "processing", 5),
            ("ml.m5.xlarge", "training", 1),
            ("ml.m5.xlarge", "processing", 1),
            ("ml.m5.xlarge", "transform", 1),
        ],
    ),
    (
        "train, and deploy what was trained",
        MACHINE,
        (),
        0,
        [("ml.m5.large", "training", 1), ("ml.t2.medium", "endpoint", 1)],
    ),
    ("a type that the input names", CHOICE, (), 5, [("ml.m5.2xlarge", "training", 3)]),
    ("Terraform, all known", FRAUD, (), 0, [("ml.m5.large", "endpoint", 1), ("ml.t2.medium", "notebook", 1)]),
    ("Terraform, known after apply", LATER, (), 5, []),
]


@pytest.fixture
def guard_file(
    fake_aws: FakeAws, no_backoff: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., CliResult]]:
    """`opskit guard --from` in an account with room for four of everything, of newer types too."""
    names = dict(bundled_codes())
    newer = {name: f"L-{index:08d}" for index, name in enumerate(_newer_names()) if name not in names}
    fake_aws.quotas = [Entry(name, code, LIMITS.get(name, 4), 1) for name, code in {**names, **newer}.items()]

    def run(document: Any, *words: str) -> CliResult:
        file = tmp_path / "plan"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return run_opskit(capsys, "guard", "--from", str(file), *words, "-o", "json")

    yield run


def _newer_names() -> Iterator[str]:
    every = [needs for *_, needs in REQUESTS] + [needs for *_, needs in PLANS]
    for instance_type, workload, count in [need for needs in every for need in needs]:
        yield quota_name_for(Requirement(instance_type, Workload(workload), count))


def needed(ran: CliResult) -> Needs:
    return [(need["instance_type"], need["usage"], need["count"]) for need in ran.data["needs"]]


@pytest.mark.parametrize(
    ("operation", "request_", "code", "needs"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS]
)
def test_requests(
    guard_file: Callable[..., CliResult], operation: str | None, request_: Any, code: int, needs: Needs
) -> None:
    ran = guard_file(request_, *(("--operation", operation) if operation else ()))
    assert (ran.code, sorted(needed(ran))) == (code, sorted(needs)), ran.out


@pytest.mark.parametrize(("plan", "words", "code", "needs"), [row[1:] for row in PLANS], ids=[row[0] for row in PLANS])
def test_plans(
    guard_file: Callable[..., CliResult], plan: Any, words: tuple[str, ...], code: int, needs: Needs
) -> None:
    ran = guard_file(plan, *words)
    assert (ran.code, sorted(needed(ran))) == (code, sorted(needs)), ran.out


def test_there_are_as_many_as_were_promised() -> None:
    assert len(REQUESTS) >= 30
    assert len(PLANS) >= 10
