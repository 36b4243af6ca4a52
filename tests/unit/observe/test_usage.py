"""What is in use, counted from what AWS lists, describes, and sometimes withholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from benchmarks.small_aws import BROKEN, DENIED, Fault, SmallAws
from opskit.aws import connect
from opskit.model import InUse, Usage
from opskit.observe.usage import count_in_use

GONE = Fault(400, "ValidationException", "Requested resource not found.")
NO_CONFIG = Fault(400, "ValidationException", 'Could not find endpoint configuration "arn:c".')
THEN = 1.7e9


def used(usage: Usage) -> InUse:
    return count_in_use(connect().door("us-east-1"), [usage])[usage]


def counted(usage: Usage) -> Mapping[str, int]:
    in_use = used(usage)
    assert in_use.missing is None
    return in_use.by_type


def job(name: str, status: str = "InProgress", **more: Any) -> dict[str, Any]:
    config = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    told = {"TrainingJobName": name, "TrainingJobStatus": status, "ResourceConfig": config}
    return {**told, "EnableManagedSpotTraining": False, **more}


def unsaid(job: dict[str, Any], *members: str) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in members}


def pool(name: str, status: str = "Available", **more: Any) -> dict[str, Any]:
    """A job that has ended and keeps its instances warm, or did."""
    return job(name, "Completed", WarmPoolStatus={"Status": status}, **more)


def train(
    aws: SmallAws,
    *,
    listed: list[str],
    indexed: list[dict[str, Any]],
    real: list[dict[str, Any]],
    pools: list[str] | None = None,
) -> None:
    """Training jobs as the listing, the search index and the jobs themselves tell of them; ``pools`` as the listing
    tells of those whose pool is available.
    """
    jobs = {each["TrainingJobName"]: each for each in real}

    def summaries(asked: Mapping[str, Any]) -> dict[str, Any]:
        names = listed if asked.get("StatusEquals") == "InProgress" else []
        names = (pools or []) if asked.get("WarmPoolStatusEquals") == "Available" else names
        more = {"TrainingJobArn": "arn:a", "CreationTime": THEN, "TrainingJobStatus": "InProgress"}
        return {"TrainingJobSummaries": [{"TrainingJobName": name, **more} for name in names]}

    aws.running["ListTrainingJobs"] = summaries
    aws.running["Search"] = lambda _: {"Results": [{"TrainingJob": each} for each in indexed]}
    aws.running["DescribeTrainingJob"] = lambda asked: jobs.get(asked["TrainingJobName"], GONE)


def test_nothing_runs(small_aws: SmallAws) -> None:
    for usage in Usage:
        assert counted(usage) == {}


def test_only_what_is_asked_for_is_looked_at(small_aws: SmallAws) -> None:
    counted(Usage.NOTEBOOK)
    assert [called for called, _ in small_aws.calls] == ["ListNotebookInstances"]


def test_jobs_that_listing_and_index_agree_on_need_no_third_look(small_aws: SmallAws) -> None:
    train(small_aws, listed=["a", "b"], indexed=[job("a"), job("b")], real=[])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 2}
    assert small_aws.count("DescribeTrainingJob") == 0


def test_a_job_the_index_does_not_know_yet_is_asked_itself(small_aws: SmallAws) -> None:
    train(small_aws, listed=["a", "new"], indexed=[job("a")], real=[job("new")])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 2}


def test_a_job_the_index_still_thinks_running_does_not_count(small_aws: SmallAws) -> None:
    train(small_aws, listed=["a"], indexed=[job("a"), job("over")], real=[job("over", "Completed")])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 1}


def test_a_job_that_is_stopping_still_holds_its_instances(small_aws: SmallAws) -> None:
    train(small_aws, listed=[], indexed=[job("a", "Stopping")], real=[job("a", "Stopping")])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 1}


def test_a_job_that_goes_meanwhile_is_no_failure(small_aws: SmallAws) -> None:
    train(small_aws, listed=["gone"], indexed=[], real=[])
    assert counted(Usage.TRAINING) == {}


@pytest.mark.usefixtures("impatient")
def test_without_search_every_job_is_asked(small_aws: SmallAws) -> None:
    train(small_aws, listed=["a", "b"], indexed=[], real=[job("a"), job("b")])
    small_aws.fault = lambda called, _: DENIED if called == "Search" else None
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 2}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("closed", ["ListTrainingJobs", "DescribeTrainingJob"])
@pytest.mark.parametrize("fault", [DENIED, BROKEN])
def test_what_cannot_be_seen_leaves_a_floor_and_a_reason(small_aws: SmallAws, closed: str, fault: Fault) -> None:
    train(small_aws, listed=["a", "new"], indexed=[job("a")], real=[job("new")])
    small_aws.fault = lambda called, _: fault if called == closed else None
    in_use = used(Usage.TRAINING)
    assert in_use.missing is not None
    assert closed in in_use.missing.because
    assert in_use.of("ml.m4.xlarge") <= 1


def test_spot_and_groups_are_told_apart(small_aws: SmallAws) -> None:
    groups = [
        {"InstanceType": "ml.c5.large", "InstanceCount": 2, "InstanceGroupName": "a"},
        {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "InstanceGroupName": "b"},
    ]
    mixed = job("mixed", ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1})
    train(small_aws, listed=["mixed", "spot"], indexed=[mixed, job("spot", EnableManagedSpotTraining=True)], real=[])
    assert counted(Usage.TRAINING) == {"ml.c5.large": 2, "ml.p3.2xlarge": 1}
    assert counted(Usage.SPOT_TRAINING) == {"ml.m4.xlarge": 1}


def test_a_job_of_a_type_nobody_tells_counts_in_the_total_and_is_said(small_aws: SmallAws) -> None:
    train(small_aws, listed=["a"], indexed=[job("a", ResourceConfig={"VolumeSizeInGB": 1})], real=[])
    in_use = used(Usage.TRAINING)
    assert in_use.of(None) == 1
    assert in_use.missing is not None


@pytest.mark.parametrize("member", ["EnableManagedSpotTraining", "ResourceConfig", "TrainingJobStatus"])
def test_what_the_index_leaves_out_of_a_job_the_job_is_asked_for(small_aws: SmallAws, member: str) -> None:
    real = job("spot", EnableManagedSpotTraining=True)
    train(small_aws, listed=["spot"], indexed=[unsaid(real, member)], real=[real])
    assert counted(Usage.SPOT_TRAINING) == {"ml.m4.xlarge": 1}
    assert counted(Usage.TRAINING) == {}


def test_a_job_that_never_says_whether_it_is_spot_leaves_that_count_a_floor(small_aws: SmallAws) -> None:
    told = unsaid(job("old"), "EnableManagedSpotTraining")  # as AWS told them in 2018
    train(small_aws, listed=["old"], indexed=[told], real=[told])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 1}
    missing = used(Usage.SPOT_TRAINING).missing
    assert missing is not None
    assert "EnableManagedSpotTraining" in missing.because


def test_instances_that_nobody_counts_are_no_single_one(small_aws: SmallAws) -> None:
    train(small_aws, listed=["a"], indexed=[job("a", ResourceConfig={"InstanceType": "ml.m4.xlarge"})], real=[])
    assert used(Usage.TRAINING).missing is not None


@pytest.mark.parametrize(
    ("usage", "word", "resources"),
    [
        (Usage.TRANSFORM, "TransformJob", lambda config: {"TransformResources": config}),
        (Usage.PROCESSING, "ProcessingJob", lambda config: {"ProcessingResources": {"ClusterConfig": config}}),
    ],
)
def test_jobs_without_an_index_are_asked_one_by_one(
    small_aws: SmallAws, usage: Usage, word: str, resources: Any
) -> None:
    states = {"a": "InProgress", "b": "Stopping", "over": "InProgress"}
    real = {**states, "over": "Completed"}
    config = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}

    def listed(asked: Mapping[str, Any]) -> dict[str, Any]:
        more = {f"{word}Arn": "arn:a", "CreationTime": THEN}
        names = [name for name, status in states.items() if status == asked["StatusEquals"]]
        return {f"{word}Summaries": [{f"{word}Name": name, f"{word}Status": states[name], **more} for name in names]}

    small_aws.running[f"List{word}s"] = listed
    small_aws.running[f"Describe{word}"] = lambda asked: {
        f"{word}Name": asked[f"{word}Name"],
        f"{word}Status": real[asked[f"{word}Name"]],
        **resources(config),
    }
    assert counted(usage) == {"ml.m4.xlarge": 4}


def endpoint(aws: SmallAws, told: dict[str, Any] | Fault, config: dict[str, Any] | Fault) -> None:
    more = {"EndpointArn": "arn:a", "CreationTime": THEN, "LastModifiedTime": THEN, "EndpointStatus": "InService"}
    aws.running["ListEndpoints"] = lambda _: {"Endpoints": [{"EndpointName": "e", **more}]}
    aws.running["DescribeEndpoint"] = lambda _: (
        told if isinstance(told, Fault) else {"EndpointName": "e", "EndpointConfigName": "c", **more, **told}
    )
    aws.running["DescribeEndpointConfig"] = lambda _: (
        config if isinstance(config, Fault) else {"EndpointConfigName": "c", **config}
    )


def variant(name: str = "v", **more: Any) -> dict[str, Any]:
    return {"VariantName": name, **more}


PLAN = {"ProductionVariants": [variant(InstanceType="ml.m4.xlarge", InitialInstanceCount=3)]}


@pytest.mark.parametrize(
    ("told", "config", "expected"),
    [
        ({"ProductionVariants": [variant(CurrentInstanceCount=2, DesiredInstanceCount=2)]}, PLAN, {"ml.m4.xlarge": 2}),
        ({"ProductionVariants": [variant(CurrentInstanceCount=2, DesiredInstanceCount=5)]}, PLAN, {"ml.m4.xlarge": 5}),
        ({"ProductionVariants": [variant(CurrentInstanceCount=0, DesiredInstanceCount=0)]}, PLAN, {}),
        # while it is made, AWS may not name its variants yet
        ({"EndpointStatus": "Creating"}, PLAN, {"ml.m4.xlarge": 3}),
        # one that failed holds what still runs
        ({"EndpointStatus": "Failed"}, PLAN, {}),
        (
            {
                "EndpointStatus": "Failed",
                "ProductionVariants": [variant(CurrentInstanceCount=1, DesiredInstanceCount=3)],
            },
            PLAN,
            {"ml.m4.xlarge": 1},
        ),
        # serverless holds none
        (
            {"ProductionVariants": [variant(CurrentServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 5})]},
            {"ProductionVariants": [variant(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 5})]},
            {},
        ),
        # shadow variants and a deployment on its way hold theirs beside it
        (
            {
                "ProductionVariants": [variant(CurrentInstanceCount=1)],
                "ShadowProductionVariants": [variant("s", CurrentInstanceCount=2)],
                "PendingDeploymentSummary": {
                    "EndpointConfigName": "d",
                    "ProductionVariants": [variant(InstanceType="ml.c5.large", CurrentInstanceCount=4)],
                },
            },
            {**PLAN, "ShadowProductionVariants": [variant("s", InstanceType="ml.g5.xlarge")]},
            {"ml.m4.xlarge": 1, "ml.g5.xlarge": 2, "ml.c5.large": 4},
        ),
        (Fault(400, "ValidationException", 'Could not find endpoint "arn:e".'), PLAN, {}),
    ],
)
def test_an_endpoint_holds_what_its_variants_run(
    small_aws: SmallAws, told: dict[str, Any] | Fault, config: dict[str, Any], expected: Mapping[str, int]
) -> None:
    endpoint(small_aws, told, config)
    assert counted(Usage.ENDPOINT) == expected


def test_an_endpoint_whose_configuration_was_deleted_counts_in_the_total(small_aws: SmallAws) -> None:
    endpoint(small_aws, {"ProductionVariants": [variant(CurrentInstanceCount=2)]}, GONE)
    in_use = used(Usage.ENDPOINT)
    assert in_use.of(None) == 2
    assert in_use.missing is not None


@pytest.mark.parametrize("status", ["InService", "Creating", "Updating", "OutOfService"])
def test_an_endpoint_of_which_nothing_is_told_is_not_one_that_holds_nothing(small_aws: SmallAws, status: str) -> None:
    endpoint(small_aws, {"EndpointStatus": status}, NO_CONFIG)
    missing = used(Usage.ENDPOINT).missing
    assert missing is not None
    assert "endpoint e" in missing.because


def test_a_variant_that_nobody_counts_is_no_single_instance(small_aws: SmallAws) -> None:
    endpoint(
        small_aws,
        {"ProductionVariants": [variant()]},
        {"ProductionVariants": [variant(InstanceType="ml.m4.xlarge")]},
    )
    assert used(Usage.ENDPOINT).missing is not None


def test_notebooks_hold_an_instance_unless_they_are_off(small_aws: SmallAws) -> None:
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

    small_aws.running["ListNotebookInstances"] = listed
    assert counted(Usage.NOTEBOOK) == {"ml.t2.medium": 5}


def test_apps_are_counted_by_kind(small_aws: SmallAws) -> None:
    def app(kind: str, status: str = "InService", **more: Any) -> dict[str, Any]:
        return {"DomainId": "d-1", "UserProfileName": "u", "AppName": "a", "AppType": kind, "Status": status, **more}

    typed: dict[str, Any] = {"ResourceSpec": {"InstanceType": "ml.t3.medium"}}
    apps = [app("JupyterLab", **typed), app("JupyterLab"), app("JupyterLab", "Deleted"), app("CodeEditor", **typed)]
    small_aws.running["ListApps"] = lambda _: {"Apps": [*apps, app("Canvas", **typed)]}
    small_aws.running["DescribeApp"] = lambda _: app("JupyterLab", ResourceSpec={"InstanceType": "ml.m5.large"})
    assert counted(Usage.STUDIO_JUPYTERLAB) == {"ml.t3.medium": 1, "ml.m5.large": 1}
    assert counted(Usage.STUDIO_CODEEDITOR) == {"ml.t3.medium": 1}


def test_clusters_hold_their_groups(small_aws: SmallAws) -> None:
    summary = {"ClusterName": "c", "ClusterArn": "arn:a", "CreationTime": THEN, "ClusterStatus": "InService"}
    groups = [
        {"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "CurrentCount": 1, "TargetCount": 3},
        {"InstanceGroupName": "b", "InstanceTypeDetails": [{"InstanceType": "ml.c5.large", "CurrentCount": 2}]},
    ]
    small_aws.running["ListClusters"] = lambda _: {"ClusterSummaries": [summary]}
    small_aws.running["DescribeCluster"] = lambda _: {**summary, "InstanceGroups": groups}
    assert counted(Usage.CLUSTER) == {"ml.m5.large": 3, "ml.c5.large": 2}


@pytest.mark.parametrize(
    "told",
    [{}, {"InstanceGroups": [{"InstanceGroupName": "a", "InstanceType": "ml.m5.large"}]}],
)
def test_a_cluster_whose_instances_are_not_told_does_not_hold_none(small_aws: SmallAws, told: dict[str, Any]) -> None:
    summary = {"ClusterName": "c", "ClusterArn": "arn:a", "CreationTime": THEN, "ClusterStatus": "InService"}
    small_aws.running["ListClusters"] = lambda _: {"ClusterSummaries": [summary]}
    small_aws.running["DescribeCluster"] = lambda _: {**summary, **told}
    assert used(Usage.CLUSTER).missing is not None


def test_warm_pools_hold_what_they_keep_warm(small_aws: SmallAws) -> None:
    more = {"TrainingJobArn": "arn:a", "CreationTime": THEN, "TrainingJobStatus": "Completed"}
    small_aws.running["ListTrainingJobs"] = lambda asked: {
        "TrainingJobSummaries": [{"TrainingJobName": asked["WarmPoolStatusEquals"], **more}]
    }
    small_aws.running["DescribeTrainingJob"] = lambda asked: job(
        asked["TrainingJobName"],
        "Completed",
        WarmPoolStatus={"Status": "Terminated" if asked["TrainingJobName"] == "InUse" else "Available"},
    )
    assert counted(Usage.WARM_POOL) == {"ml.m4.xlarge": 1}


def test_available_pools_count_as_training_in_the_type_and_in_the_total(small_aws: SmallAws) -> None:
    groups = {"InstanceGroups": [{"InstanceType": "ml.c5.xlarge", "InstanceCount": 3}]}
    real = [pool("kept"), pool("kept-too", ResourceConfig=groups), pool("ended", "Terminated"), pool("taken", "Reused")]
    train(small_aws, listed=["a"], indexed=[job("a")], real=real, pools=[each["TrainingJobName"] for each in real])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 2, "ml.c5.xlarge": 3}
    assert (used(Usage.TRAINING).of(None), used(Usage.TRAINING).warm_of(None)) == (5, 4)
    assert counted(Usage.SPOT_TRAINING) == {}


def test_a_pool_in_use_is_its_job_s_own(small_aws: SmallAws) -> None:
    running = job("a", WarmPoolStatus={"Status": "InUse"})
    train(small_aws, listed=["a"], indexed=[running], real=[running])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 1}


@pytest.mark.parametrize("index_knows", [True, False])
def test_a_job_that_ends_meanwhile_is_counted_once(small_aws: SmallAws, index_knows: bool) -> None:
    train(
        small_aws, listed=["a"], indexed=[job("a")] if index_knows else [], real=[pool("a")], pools=["a"]
    )  # in progress when it was listed, ended when the pools were
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 1}


def test_a_pool_that_only_a_late_index_leads_to_is_counted(small_aws: SmallAws) -> None:
    train(small_aws, listed=[], indexed=[job("a")], real=[pool("a")])
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 1}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("what", ["the list", "a job"])
def test_pools_that_cannot_be_read_are_not_none(small_aws: SmallAws, what: str) -> None:
    train(small_aws, listed=["a"], indexed=[job("a")], real=[], pools=["kept"])
    answers = small_aws.running["ListTrainingJobs"]
    if what == "the list":
        small_aws.running["ListTrainingJobs"] = lambda asked: (
            DENIED if "WarmPoolStatusEquals" in asked else answers(asked)
        )
    else:
        small_aws.running["DescribeTrainingJob"] = lambda _: DENIED
    in_use = used(Usage.TRAINING)
    assert in_use.missing is not None
    assert in_use.by_type == {"ml.m4.xlarge": 1}
    assert used(Usage.SPOT_TRAINING).missing is None


def test_training_is_still_counted_where_there_is_no_index(small_aws: SmallAws) -> None:
    train(small_aws, listed=["a"], indexed=[], real=[job("a"), pool("kept")], pools=["kept"])
    small_aws.running["Search"] = lambda _: DENIED
    assert counted(Usage.TRAINING) == {"ml.m4.xlarge": 2}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("usage", list(Usage))
def test_no_usage_is_zero_when_nothing_may_be_listed(small_aws: SmallAws, usage: Usage) -> None:
    small_aws.fault = lambda called, _: DENIED if called.startswith("List") else None
    in_use = used(usage)
    assert in_use.missing is not None
    assert in_use.missing.code == "denied"
