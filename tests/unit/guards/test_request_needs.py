"""What requests to SageMaker need: instances, how long, and what they do not tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from opskit.guards.rules.operations import judge_request
from opskit.guards.rules.request_model import RequestNeeds
from tests.fakes.described_resources import DAY, M5, describe


def judged(operation: str, request: Mapping[str, Any]) -> RequestNeeds:
    return judge_request(operation, request, describe, lambda: False)


def told(needs: RequestNeeds) -> list[tuple[str, str, int, int, int | None]]:
    """The needs as type, usage, count at once, count that is paid for, and seconds."""
    return [
        (need.instance_type, need.workload.value, need.count, need.billed_count, need.seconds) for need in needs.needs
    ]


ONE = {"InstanceType": M5, "InstanceCount": 1, "VolumeSizeInGB": 1}
HOUR = {"MaxRuntimeInSeconds": 3600}
TRAINED = {"ResourceConfig": {**ONE, "InstanceCount": 2}, "StoppingCondition": HOUR}
TUNED = {"TrainingJobDefinition": TRAINED}


def limits(**values: int) -> dict[str, Any]:
    return {"HyperParameterTuningJobConfig": {"ResourceLimits": values}, **TUNED}


CASES: list[tuple[str, str, dict[str, Any], list[tuple[str, str, int, int, int | None]]]] = [
    ("a day is AWS's default", "CreateTrainingJob", {"ResourceConfig": ONE}, [(M5, "training", 1, 1, DAY)]),
    ("what it names", "CreateTrainingJob", TRAINED, [(M5, "training", 2, 2, 3600)]),
    (
        "spot has a quota of its own, and waiting costs nothing",
        "CreateTrainingJob",
        {
            **TRAINED,
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 7200},
        },
        [(M5, "spot-training", 2, 2, 60)],
    ),
    (
        "each group",
        "CreateTrainingJob",
        {
            "ResourceConfig": {
                "InstanceGroups": [
                    {"InstanceGroupName": "a", "InstanceType": M5, "InstanceCount": 2},
                    {"InstanceGroupName": "b", "InstanceType": "ml.g5.xlarge", "InstanceCount": 3},
                ]
            },
            "StoppingCondition": HOUR,
        },
        [(M5, "training", 2, 2, 3600), ("ml.g5.xlarge", "training", 3, 3, 3600)],
    ),
    (
        "every type of a list of preferences",
        "CreateTrainingJob",
        {
            "ResourceConfig": {
                "InstancePreferences": [
                    {"InstanceType": M5, "InstanceCount": 2},
                    {"InstanceType": "ml.c5.xlarge", "InstanceCount": 4},
                ]
            },
            "StoppingCondition": HOUR,
        },
        [(M5, "training", 2, 2, 3600), ("ml.c5.xlarge", "training", 4, 4, 3600)],
    ),
    (
        "a warm pool",
        "CreateTrainingJob",
        {**TRAINED, "ResourceConfig": {**ONE, "KeepAlivePeriodInSeconds": 1800}},
        [(M5, "training", 1, 1, 3600), (M5, "warm-pool", 1, 1, 1800)],
    ),
    (
        "rules of one's own count as processing, built-in ones cost nothing",
        "CreateTrainingJob",
        {
            **TRAINED,
            "DebugRuleConfigurations": [
                {"RuleConfigurationName": "mine", "InstanceType": "ml.t3.medium"},
                {"RuleConfigurationName": "built-in"},
            ],
        },
        [(M5, "training", 2, 2, 3600), ("ml.t3.medium", "processing", 1, 1, 3600)],
    ),
    (
        "what a training plan has paid for",
        "CreateTrainingJob",
        {"ResourceConfig": {**ONE, "TrainingPlanArn": "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p"}},
        [],
    ),
    (
        "processing",
        "CreateProcessingJob",
        {"ProcessingResources": {"ClusterConfig": {**ONE, "InstanceCount": 3}}, "StoppingCondition": HOUR},
        [(M5, "processing", 3, 3, 3600)],
    ),
    (
        "a transform has no end",
        "CreateTransformJob",
        {"TransformResources": {"InstanceType": M5, "InstanceCount": 2}},
        [(M5, "transform", 2, 2, None)],
    ),
    (
        "tuning: in parallel for the quota, all jobs for the money",
        "CreateHyperParameterTuningJob",
        limits(MaxParallelTrainingJobs=3, MaxNumberOfTrainingJobs=10),
        [(M5, "training", 6, 20, 3600)],
    ),
    (
        "tuning that its own time ends earlier",
        "CreateHyperParameterTuningJob",
        limits(MaxParallelTrainingJobs=3, MaxNumberOfTrainingJobs=10, MaxRuntimeInSeconds=7200),
        [(M5, "training", 6, 6, 7200)],
    ),
    (
        "tuning without a number of jobs has no end",
        "CreateHyperParameterTuningJob",
        limits(MaxParallelTrainingJobs=3),
        [(M5, "training", 6, 6, None)],
    ),
    ("an endpoint", "CreateEndpoint", {"EndpointConfigName": "one"}, [(M5, "endpoint", 2, 2, None)]),
    (
        "a shadow variant",
        "CreateEndpoint",
        {"EndpointConfigName": "shadow"},
        [(M5, "endpoint", 2, 2, None), ("ml.c5.large", "endpoint", 1, 1, None)],
    ),
    (
        "every pool",
        "CreateEndpoint",
        {"EndpointConfigName": "pools"},
        [(M5, "endpoint", 3, 3, None), ("ml.c5.large", "endpoint", 3, 3, None)],
    ),
    ("what it may scale to", "CreateEndpoint", {"EndpointConfigName": "scaling"}, [(M5, "endpoint", 1, 4, None)]),
    (
        "blue/green: a second fleet beside the first",
        "UpdateEndpoint",
        {"EndpointName": "e", "EndpointConfigName": "one"},
        [(M5, "endpoint", 2, 2, None)],
    ),
    (
        "what the endpoint has scaled to is kept",
        "UpdateEndpoint",
        {"EndpointName": "e", "EndpointConfigName": "one", "RetainAllVariantProperties": True},
        [(M5, "endpoint", 5, 5, None)],
    ),
    (
        "rolling: a batch at a time",
        "UpdateEndpoint",
        {
            "EndpointName": "e",
            "EndpointConfigName": "one",
            "DeploymentConfig": {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    "WaitIntervalInSeconds": 0,
                }
            },
        },
        [(M5, "endpoint", 1, 2, None)],
    ),
    (
        "more of a variant",
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "a", "DesiredInstanceCount": 6}]},
        [(M5, "endpoint", 4, 4, None)],
    ),
    (
        "less of a variant",
        "UpdateEndpointWeightsAndCapacities",
        {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "a", "DesiredInstanceCount": 1}]},
        [],
    ),
    (
        "copies on an endpoint that may grow",
        "CreateInferenceComponent",
        {"EndpointName": "grows", "InferenceComponentName": "i"},
        [(M5, "endpoint", 3, 3, None)],
    ),
    (
        "copies on an endpoint that stays as it is",
        "CreateInferenceComponent",
        {"EndpointName": "e", "InferenceComponentName": "i"},
        [],
    ),
    ("a notebook", "CreateNotebookInstance", {"InstanceType": M5}, [(M5, "notebook", 1, 1, None)]),
    (
        "a notebook that was stopped",
        "StartNotebookInstance",
        {"NotebookInstanceName": "n"},
        [("ml.t3.medium", "notebook", 1, 1, None)],
    ),
    ("a notebook that is only renamed", "UpdateNotebookInstance", {"NotebookInstanceName": "n", "RoleArn": "r"}, []),
    (
        "a notebook with a larger volume",
        "UpdateNotebookInstance",
        {"NotebookInstanceName": "n", "VolumeSizeInGB": 50},
        [("ml.t3.medium", "notebook", 0, 0, None)],
    ),
    (
        "an app",
        "CreateApp",
        {"AppType": "JupyterLab", "ResourceSpec": {"InstanceType": M5}},
        [(M5, "studio-jupyterlab", 1, 1, None)],
    ),
    (
        "an app with its space's type",
        "CreateApp",
        {"AppType": "JupyterLab", "DomainId": "d", "SpaceName": "s"},
        [("ml.t3.large", "studio-jupyterlab", 1, 1, None)],
    ),
    ("a free app", "CreateApp", {"AppType": "JupyterServer"}, []),
    (
        "a cluster",
        "CreateCluster",
        {"InstanceGroups": [{"InstanceGroupName": "g", "InstanceType": M5, "InstanceCount": 4}]},
        [(M5, "cluster", 4, 4, None)],
    ),
    (
        "what a cluster has already",
        "UpdateCluster",
        {"ClusterName": "c", "InstanceGroups": [{"InstanceGroupName": "g", "InstanceType": M5, "InstanceCount": 5}]},
        [(M5, "cluster", 2, 2, None)],
    ),
    (
        "nodes in batches",
        "BatchAddClusterNodes",
        {"ClusterName": "c", "NodesToAdd": [{"InstanceGroupName": "g", "IncrementTargetCountBy": 2}]},
        [(M5, "cluster", 2, 2, None)],
    ),
    (
        "a pool that is kept longer",
        "UpdateTrainingJob",
        {"TrainingJobName": "j", "ResourceConfig": {"KeepAlivePeriodInSeconds": 600}},
        [(M5, "warm-pool", 0, 2, 600)],
    ),
    (
        "what validates a model package",
        "CreateModelPackage",
        {
            "ValidationSpecification": {
                "ValidationProfiles": [
                    {"TransformJobDefinition": {"TransformResources": {"InstanceType": M5, "InstanceCount": 1}}}
                ]
            }
        },
        [(M5, "transform", 1, 1, None)],
    ),
    (
        "a schedule has no end",
        "StartMonitoringSchedule",
        {"MonitoringScheduleName": "s"},
        [(M5, "processing", 1, 1, None)],
    ),
    ("a feature group that is billed by request", "CreateFeatureGroup", {}, []),
]


@pytest.mark.parametrize(("operation", "request_", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_instances_that_a_request_needs(
    operation: str, request_: dict[str, Any], expected: list[tuple[str, str, int, int, int | None]]
) -> None:
    needs = judged(operation, request_)
    assert told(needs) == expected
    assert needs.unknowns == ()


UNKNOWN: list[tuple[str, dict[str, Any], str]] = [
    ("CreateTrainingJob", {"ResourceConfig": {"InstanceCount": 1}}, "ResourceConfig.InstanceType"),
    ("CreateTrainingJob", {"ServerlessJobConfig": {"JobType": "FineTuning"}}, "ServerlessJobConfig"),
    ("CreateTrainingJob", {"ResourceConfig": {**ONE, "InstanceCount": "$.n"}}, "ResourceConfig.InstanceCount"),
    ("CreateTransformJob", {"TransformResources": {"InstanceType": M5}}, "TransformResources.InstanceCount"),
    ("CreateEndpoint", {"EndpointConfigName": "gone"}, "CreateEndpoint"),
    (
        "CreateEndpoint",
        {"EndpointConfigName": "provisioned"},
        "endpoint configuration provisioned.ProductionVariants[0].ServerlessConfig.ProvisionedConcurrency",
    ),
    ("CreateApp", {"AppType": "RStudioServerPro"}, "AppType"),
    ("CreateDomain", {"DomainSettings": {"RStudioServerProDomainSettings": {}}}, "DomainSettings"),
    ("CreateFeatureGroup", {"ThroughputConfig": {"ThroughputMode": "Provisioned"}}, "ThroughputConfig"),
    (
        "BatchAddClusterNodes",
        {"ClusterName": "c", "NodesToAdd": [{"InstanceGroupName": "x", "IncrementTargetCountBy": 2}]},
        "NodesToAdd[0].InstanceGroupName",
    ),
]


@pytest.mark.parametrize(("operation", "request_", "source"), UNKNOWN, ids=[f"{u[0]} {u[2]}" for u in UNKNOWN])
def test_what_a_request_does_not_tell_is_unknown(operation: str, request_: dict[str, Any], source: str) -> None:
    needs = judged(operation, request_)
    assert [unknown.source for unknown in needs.unknowns] == [source]
    assert needs.needs == ()


def test_each_need_says_where_it_stands_in_the_request() -> None:
    needs = judged("CreateTrainingJob", CASES[3][2])
    assert [need.source for need in needs.needs] == [
        "ResourceConfig.InstanceGroups[0]",
        "ResourceConfig.InstanceGroups[1]",
    ]


def test_preferences_are_alternatives_and_groups_are_not() -> None:
    assert {need.choice for need in judged("CreateTrainingJob", CASES[4][2]).needs} == {
        "ResourceConfig.InstancePreferences"
    }
    assert {need.choice for need in judged("CreateTrainingJob", CASES[3][2]).needs} == {""}


NUMBERS = {"CurrentInstanceCount", "DesiredInstanceCount", "CurrentCount", "TargetCount", "InstanceCount"}


def describe_without_numbers(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What AWS describes, without how many instances run, as of what is being made."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(inner) for key, inner in value.items() if key not in NUMBERS}
        return [strip(inner) for inner in value] if isinstance(value, list) else value

    return dict(strip(describe(operation, params)))


@pytest.mark.parametrize(
    "case",
    [
        "what the endpoint has",
        "more of a variant",
        "copies on an endpoint that may grow",
        "what a cluster",
        "a pool that is kept longer",
    ],
)
def test_instances_of_which_aws_tells_no_number_are_not_none(case: str) -> None:
    (found,) = [each for each in CASES if each[0].startswith(case)]
    needs = judge_request(found[1], found[2], describe_without_numbers, lambda: False)
    assert (needs.needs, len(needs.unknowns)) == ((), 1)
