"""Requests as public examples have them: their types, numbers and shapes, each with the verdict that was found by hand,
in an account with room for four of everything.
"""

from __future__ import annotations

from typing import Any

ROLE = "arn:aws:iam::111122223333:role/service-role/AmazonSageMaker-ExecutionRole"
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
