"""What endpoints, notebooks, Studio and clusters use of their quotas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from opskit.core.model import Unknown, Workload
from opskit.quotas.rules.requirements import SERVERLESS_CONCURRENCY, SERVERLESS_ENDPOINTS
from tests.fakes.fake_aws import DENIED, FakeAws, Fault
from tests.unit.quotas.test_usage import (
    GONE,
    NO_CONFIG,
    THEN,
    counted_types,
    in_use_of,
    running_job,
    stub_training_jobs,
)

UNTOLD = Unknown("AWS did not report the MaxConcurrency of some running resources", "bad-answer")


def stub_endpoint(aws: FakeAws, told: dict[str, Any] | Fault, config: dict[str, Any] | Fault) -> None:
    more = {"EndpointArn": "arn:a", "CreationTime": THEN, "LastModifiedTime": THEN, "EndpointStatus": "InService"}
    aws.running["ListEndpoints"] = lambda _: {"Endpoints": [{"EndpointName": "e", **more}]}
    aws.running["DescribeEndpoint"] = lambda _: (
        told if isinstance(told, Fault) else {"EndpointName": "e", "EndpointConfigName": "c", **more, **told}
    )
    aws.running["DescribeEndpointConfig"] = lambda _: (
        config if isinstance(config, Fault) else {"EndpointConfigName": "c", **config}
    )


def endpoint_variant(name: str = "v", **more: Any) -> dict[str, Any]:
    return {"VariantName": name, **more}


PLAN = {"ProductionVariants": [endpoint_variant(InstanceType="ml.m4.xlarge", InitialInstanceCount=3)]}


@pytest.mark.parametrize(
    ("told", "config", "expected"),
    [
        (
            {"ProductionVariants": [endpoint_variant(CurrentInstanceCount=2, DesiredInstanceCount=2)]},
            PLAN,
            {"ml.m4.xlarge": 2},
        ),
        (
            {"ProductionVariants": [endpoint_variant(CurrentInstanceCount=2, DesiredInstanceCount=5)]},
            PLAN,
            {"ml.m4.xlarge": 5},
        ),
        ({"ProductionVariants": [endpoint_variant(CurrentInstanceCount=0, DesiredInstanceCount=0)]}, PLAN, {}),
        # while it is made, AWS may not name its variants yet
        ({"EndpointStatus": "Creating"}, PLAN, {"ml.m4.xlarge": 3}),
        # one that failed holds what still runs
        ({"EndpointStatus": "Failed"}, PLAN, {}),
        (
            {
                "EndpointStatus": "Failed",
                "ProductionVariants": [endpoint_variant(CurrentInstanceCount=1, DesiredInstanceCount=3)],
            },
            PLAN,
            {"ml.m4.xlarge": 1},
        ),
        # serverless holds none
        (
            {
                "ProductionVariants": [
                    endpoint_variant(CurrentServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 5})
                ]
            },
            {"ProductionVariants": [endpoint_variant(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 5})]},
            {},
        ),
        # shadow variants and a deployment on its way hold theirs beside it
        (
            {
                "ProductionVariants": [endpoint_variant(CurrentInstanceCount=1)],
                "ShadowProductionVariants": [endpoint_variant("s", CurrentInstanceCount=2)],
                "PendingDeploymentSummary": {
                    "EndpointConfigName": "d",
                    "ProductionVariants": [endpoint_variant(InstanceType="ml.c5.large", CurrentInstanceCount=4)],
                },
            },
            {**PLAN, "ShadowProductionVariants": [endpoint_variant("s", InstanceType="ml.g5.xlarge")]},
            {"ml.m4.xlarge": 1, "ml.g5.xlarge": 2, "ml.c5.large": 4},
        ),
        (Fault(400, "ValidationException", 'Could not find endpoint "arn:e".'), PLAN, {}),
    ],
)
def test_usage_an_endpoint_holds_what_its_variants_run(
    fake_aws: FakeAws, told: dict[str, Any] | Fault, config: dict[str, Any], expected: Mapping[str, int]
) -> None:
    stub_endpoint(fake_aws, told, config)
    assert counted_types(Workload.ENDPOINT) == expected


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("config", [NO_CONFIG, DENIED, GONE])
def test_usage_an_endpoint_whose_configuration_cannot_be_read_is_a_ceiling_for_every_type(
    fake_aws: FakeAws, config: Fault
) -> None:
    stub_endpoint(fake_aws, {"ProductionVariants": [endpoint_variant(CurrentInstanceCount=2)]}, config)
    in_use = in_use_of(Workload.ENDPOINT)
    assert in_use.incomplete is None
    assert (in_use.count(None), in_use.ceiling(None)) == (2, 2)
    assert (in_use.count("ml.m4.xlarge"), in_use.ceiling("ml.m4.xlarge")) == (0, 2)


@pytest.mark.parametrize("told", [{}, {"ProductionVariants": [endpoint_variant()]}])
def test_usage_what_an_endpoint_in_service_has_is_not_what_it_began_with(
    fake_aws: FakeAws, told: dict[str, Any]
) -> None:
    """It may have scaled since; where AWS does not tell to what, nobody knows."""
    stub_endpoint(fake_aws, told, PLAN)
    in_use = in_use_of(Workload.ENDPOINT)
    assert in_use.incomplete is not None or in_use.ceiling("ml.m4.xlarge") is None


@pytest.mark.parametrize(
    ("config", "concurrency"),
    [
        ({"MemorySizeInMB": 1024, "MaxConcurrency": 5}, 5),
        ({"MemorySizeInMB": 1024}, UNTOLD),
    ],
)
def test_usage_a_concurrency_that_is_not_told_is_not_0(
    fake_aws: FakeAws, config: dict[str, int], concurrency: int | Unknown
) -> None:
    stub_endpoint(fake_aws, {"ProductionVariants": [endpoint_variant(CurrentServerlessConfig=config)]}, PLAN)
    in_use = in_use_of(Workload.ENDPOINT)
    assert in_use.others == {SERVERLESS_ENDPOINTS: 1, SERVERLESS_CONCURRENCY: concurrency}


def test_usage_pools_and_what_a_deployment_is_still_to_get(fake_aws: FakeAws) -> None:
    pools = [
        {"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 2},
        {"InstanceType": "ml.g6.xlarge", "CurrentInstanceCount": 1},
    ]
    told = endpoint_variant(CurrentInstanceCount=3, DesiredInstanceCount=5, InstancePools=pools)
    stub_endpoint(fake_aws, {"ProductionVariants": [told]}, {"ProductionVariants": [endpoint_variant()]})
    in_use = in_use_of(Workload.ENDPOINT)
    assert in_use.incomplete is None
    assert (in_use.count("ml.g5.xlarge"), in_use.ceiling("ml.g5.xlarge"), in_use.count(None)) == (2, 4, 5)


@pytest.mark.parametrize(
    ("status", "has_pools", "planned", "in_use", "is_minimum"),
    [
        ("InService", False, 3, 1, False),
        ("InService", True, 3, 1, False),
        ("Creating", False, 3, 3, False),
        ("Creating", True, 3, 3, False),
        ("Updating", False, None, 1, True),
        ("Updating", True, None, 1, True),
        ("Rebalancing", True, None, 1, True),
        ("Deleting", True, None, 1, False),
        ("Failed", True, 3, 1, False),
    ],
)
def test_usage_what_a_changing_variant_is_to_have_is_what_it_began_with_or_unknown(
    fake_aws: FakeAws, status: str, has_pools: bool, planned: int | None, in_use: int, is_minimum: bool
) -> None:
    pools = [{"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 1}] if has_pools else []
    told = endpoint_variant(CurrentInstanceCount=1, InstancePools=pools)
    plan = endpoint_variant(InstanceType="ml.g5.xlarge", InitialInstanceCount=planned)
    stub_endpoint(fake_aws, {"EndpointStatus": status, "ProductionVariants": [told]}, {"ProductionVariants": [plan]})
    counted = in_use_of(Workload.ENDPOINT)
    assert (counted.count(None), counted.incomplete is not None) == (in_use, is_minimum)


def test_usage_a_pool_without_its_number_leaves_a_minimum(fake_aws: FakeAws) -> None:
    pools = [{"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 2}, {"InstanceType": "ml.g6.xlarge"}]
    stub_endpoint(fake_aws, {"ProductionVariants": [endpoint_variant(InstancePools=pools)]}, {"ProductionVariants": []})
    assert in_use_of(Workload.ENDPOINT).incomplete is not None


def test_usage_serverless_variants_take_up_concurrency(fake_aws: FakeAws) -> None:
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 5}
    told = {
        "ProductionVariants": [endpoint_variant(CurrentServerlessConfig=serverless)],
        "PendingDeploymentSummary": {
            "EndpointConfigName": "d",
            "ProductionVariants": [endpoint_variant(DesiredServerlessConfig={**serverless, "MaxConcurrency": 9})],
        },
    }
    stub_endpoint(fake_aws, told, {"ProductionVariants": [endpoint_variant(ServerlessConfig=serverless)]})
    in_use = in_use_of(Workload.ENDPOINT)
    assert in_use.by_type == {}
    assert in_use.others == {SERVERLESS_ENDPOINTS: 1, SERVERLESS_CONCURRENCY: 14}


def test_usage_stopped_notebooks_are_what_the_total_may_count_besides(fake_aws: FakeAws) -> None:
    told = {"NotebookInstanceArn": "arn:a", "InstanceType": "ml.t3.medium"}
    statuses = ["InService", "Stopped", "Stopped", "SomethingNew"]
    listed = [{**told, "NotebookInstanceName": f"n{at}", "NotebookInstanceStatus": s} for at, s in enumerate(statuses)]
    fake_aws.running["ListNotebookInstances"] = lambda _: {"NotebookInstances": listed}
    in_use = in_use_of(Workload.NOTEBOOK)
    assert in_use.incomplete is None
    assert (in_use.count(None), in_use.ceiling(None)) == (2, 4)
    assert (in_use.count("ml.t3.medium"), in_use.ceiling("ml.t3.medium")) == (2, 2)


def test_usage_jobs_in_a_training_plan_are_counted_and_named(fake_aws: FakeAws) -> None:
    planned = running_job("p")
    planned["ResourceConfig"] = {**planned["ResourceConfig"], "TrainingPlanArn": "arn:plan"}
    stub_training_jobs(fake_aws, listed=["a", "p"], indexed=[running_job("a"), planned], real=[])
    in_use = in_use_of(Workload.TRAINING)
    assert (in_use.count("ml.m4.xlarge"), in_use.in_plans) == (2, {"ml.m4.xlarge": 1})


def test_usage_a_job_that_waits_for_the_first_type_with_capacity_may_take_any(fake_aws: FakeAws) -> None:
    waiting = running_job("w")
    waiting["ResourceConfig"] = {
        "VolumeSizeInGB": 1,
        "InstancePreferences": [
            {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
            {"InstanceType": "ml.m4.xlarge", "InstanceCount": 3},
        ],
    }
    stub_training_jobs(fake_aws, listed=["w"], indexed=[waiting], real=[])
    in_use = in_use_of(Workload.TRAINING)
    assert in_use.incomplete is None
    assert (in_use.count("ml.m4.xlarge"), in_use.ceiling("ml.m4.xlarge"), in_use.count(None)) == (0, 3, 3)


def test_usage_a_job_that_may_take_a_type_of_which_the_number_is_not_told_may_take_more(fake_aws: FakeAws) -> None:
    waiting = running_job("w")
    preferences = [{"InstanceType": "ml.g5.xlarge", "InstanceCount": 2}, {"InstanceType": "ml.m4.xlarge"}]
    waiting["ResourceConfig"] = {"VolumeSizeInGB": 1, "InstancePreferences": preferences}
    stub_training_jobs(fake_aws, listed=["w"], indexed=[waiting], real=[])
    in_use = in_use_of(Workload.TRAINING)
    assert (in_use.count(None), in_use.incomplete is not None) == (2, True)


def test_usage_apps_of_every_kind_fill_the_total_of_studio(fake_aws: FakeAws) -> None:
    kinds = ["JupyterLab", "JupyterServer", "CodeEditor", "SomethingNew"]
    spec = {"ResourceSpec": {"InstanceType": "ml.t3.medium"}}
    apps = [{"AppType": kind, "AppName": "a", "DomainId": "d", "Status": "InService", **spec} for kind in kinds]
    fake_aws.running["ListApps"] = lambda _: {"Apps": [*apps, {**apps[0], "Status": "Deleted"}]}
    in_use = in_use_of(Workload.STUDIO_JUPYTERLAB)
    assert (in_use.count("ml.t3.medium"), in_use.count(None)) == (1, 4)


@pytest.mark.parametrize("status", ["InService", "Creating", "Updating", "OutOfService"])
def test_usage_an_endpoint_of_which_nothing_is_told_is_not_one_that_holds_nothing(
    fake_aws: FakeAws, status: str
) -> None:
    stub_endpoint(fake_aws, {"EndpointStatus": status}, NO_CONFIG)
    missing = in_use_of(Workload.ENDPOINT).incomplete
    assert missing is not None
    assert "endpoint e" in missing.reason


def test_usage_a_variant_that_nobody_counts_is_no_single_instance(fake_aws: FakeAws) -> None:
    stub_endpoint(
        fake_aws,
        {"ProductionVariants": [endpoint_variant()]},
        {"ProductionVariants": [endpoint_variant(InstanceType="ml.m4.xlarge")]},
    )
    assert in_use_of(Workload.ENDPOINT).incomplete is not None


def test_usage_notebooks_hold_an_instance_unless_they_are_off(fake_aws: FakeAws) -> None:
    statuses = ["InService", "Pending", "Stopping", "Updating", "InMaintenance", "Stopped", "Failed", "Deleting"]
    found = [
        {
            "NotebookInstanceName": status,
            "NotebookInstanceArn": "arn:a",
            "NotebookInstanceStatus": status,
            "InstanceType": "ml.t2.medium",
        }
        for status in statuses
    ]
    pages = {"": (found[:5], "more"), "more": (found[5:], None)}

    def listed(asked: Mapping[str, Any]) -> dict[str, Any]:
        page, token = pages[asked.get("NextToken", "")]
        return {"NotebookInstances": page, **({"NextToken": token} if token else {})}

    fake_aws.running["ListNotebookInstances"] = listed
    assert counted_types(Workload.NOTEBOOK) == {"ml.t2.medium": 5}


def test_usage_apps_are_counted_by_kind(fake_aws: FakeAws) -> None:
    def app(instance_type: str, status: str = "InService", **more: Any) -> dict[str, Any]:
        return {
            "DomainId": "d-1",
            "UserProfileName": "u",
            "AppName": "a",
            "AppType": instance_type,
            "Status": status,
            **more,
        }

    typed: dict[str, Any] = {"ResourceSpec": {"InstanceType": "ml.t3.medium"}}
    apps = [app("JupyterLab", **typed), app("JupyterLab"), app("JupyterLab", "Deleted"), app("CodeEditor", **typed)]
    fake_aws.running["ListApps"] = lambda _: {"Apps": [*apps, app("Canvas", **typed)]}
    fake_aws.running["DescribeApp"] = lambda _: app("JupyterLab", ResourceSpec={"InstanceType": "ml.m5.large"})
    assert counted_types(Workload.STUDIO_JUPYTERLAB) == {"ml.t3.medium": 1, "ml.m5.large": 1}
    assert counted_types(Workload.STUDIO_CODEEDITOR) == {"ml.t3.medium": 1}


def test_usage_clusters_hold_their_groups(fake_aws: FakeAws) -> None:
    summary = {"ClusterName": "c", "ClusterArn": "arn:a", "CreationTime": THEN, "ClusterStatus": "InService"}
    groups = [
        {"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "CurrentCount": 1, "TargetCount": 3},
        {"InstanceGroupName": "b", "InstanceTypeDetails": [{"InstanceType": "ml.c5.large", "CurrentCount": 2}]},
    ]
    fake_aws.running["ListClusters"] = lambda _: {"ClusterSummaries": [summary]}
    fake_aws.running["DescribeCluster"] = lambda _: {**summary, "InstanceGroups": groups}
    assert counted_types(Workload.CLUSTER) == {"ml.m5.large": 3, "ml.c5.large": 2}


@pytest.mark.parametrize(
    "told",
    [{}, {"InstanceGroups": [{"InstanceGroupName": "a", "InstanceType": "ml.m5.large"}]}],
)
def test_usage_a_cluster_whose_instances_are_not_told_does_not_hold_none(
    fake_aws: FakeAws, told: dict[str, Any]
) -> None:
    summary = {"ClusterName": "c", "ClusterArn": "arn:a", "CreationTime": THEN, "ClusterStatus": "InService"}
    fake_aws.running["ListClusters"] = lambda _: {"ClusterSummaries": [summary]}
    fake_aws.running["DescribeCluster"] = lambda _: {**summary, **told}
    assert in_use_of(Workload.CLUSTER).incomplete is not None
