"""What is in use, counted from what AWS lists, describes, and sometimes withholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.quotas.reads.usage import SERVERLESS_CONCURRENCY, SERVERLESS_ENDPOINTS, count_in_use
from opskit.quotas.rules.model import InUseCounts
from tests.fakes.fake_aws import BROKEN, DENIED, FakeAws, Fault

GONE = Fault(400, "ValidationException", "Requested resource not found.")
NO_CONFIG = Fault(400, "ValidationException", 'Could not find endpoint configuration "arn:c".')
THEN = 1.7e9


def in_use_of(workload: Workload) -> InUseCounts:
    return count_in_use(open_session().client("us-east-1"), [workload])[workload]


def counted_types(workload: Workload) -> Mapping[str, int]:
    in_use = in_use_of(workload)
    assert in_use.incomplete is None
    return in_use.by_type


def running_job(name: str, status: str = "InProgress", **more: Any) -> dict[str, Any]:
    config = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    told = {"TrainingJobName": name, "TrainingJobStatus": status, "ResourceConfig": config}
    return {**told, "EnableManagedSpotTraining": False, **more}


def without_members(job: dict[str, Any], *members: str) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in members}


def warm_pool_job(name: str, status: str = "Available", **more: Any) -> dict[str, Any]:
    """A job that has ended and keeps its instances warm, or did."""
    return running_job(name, "Completed", WarmPoolStatus={"Status": status}, **more)


def stub_training_jobs(
    aws: FakeAws,
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
    kept = pools or []

    def summary(name: str, status: str, **more: Any) -> dict[str, Any]:
        arn = f"arn:{name}"
        return {
            "TrainingJobName": name,
            "TrainingJobArn": arn,
            "CreationTime": THEN,
            "TrainingJobStatus": status,
        } | more

    def summaries(asked: Mapping[str, Any]) -> dict[str, Any]:
        """As AWS does it, a filter would come after the page is cut, so nobody may send one."""
        assert asked.keys() == {"MaxResults", "SortBy", "SortOrder"}
        others = [each for name, each in jobs.items() if name not in (*listed, *kept)]
        shown = [summary(name, "InProgress") for name in listed]
        shown += [summary(name, "Completed", WarmPoolStatus={"Status": "Available"}) for name in kept]
        over = [each for each in others if each.get("TrainingJobStatus") not in ("InProgress", None)]
        shown += [summary(each["TrainingJobName"], each["TrainingJobStatus"]) for each in over]
        return {"TrainingJobSummaries": shown}

    def search(asked: Mapping[str, Any]) -> dict[str, Any]:
        wanted = asked["SearchExpression"]["Filters"]
        if wanted[0]["Name"] == "TrainingJobStatus":
            return {"Results": [{"TrainingJob": each} for each in indexed]}
        return {"Results": [{"TrainingJob": jobs[name]} for name in kept if name in jobs]}

    aws.running["ListTrainingJobs"] = summaries
    aws.running["Search"] = search
    aws.running["DescribeTrainingJob"] = lambda asked: jobs.get(asked["TrainingJobName"], GONE)


def test_nothing_runs(fake_aws: FakeAws) -> None:
    for workload in Workload:
        assert counted_types(workload) == {}


def test_only_what_is_asked_for_is_looked_at(fake_aws: FakeAws) -> None:
    counted_types(Workload.NOTEBOOK)
    assert [called for called, _ in fake_aws.calls] == ["ListNotebookInstances"]


def test_jobs_that_listing_and_index_agree_on_need_no_third_look(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a", "b"], indexed=[running_job("a"), running_job("b")], real=[])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}
    assert fake_aws.count("DescribeTrainingJob") == 0


def test_a_job_the_index_does_not_know_yet_is_asked_itself(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a", "new"], indexed=[running_job("a")], real=[running_job("new")])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}


def test_a_job_the_index_still_thinks_running_does_not_count(fake_aws: FakeAws) -> None:
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[running_job("a"), running_job("over")], real=[running_job("over", "Completed")]
    )
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


def test_a_job_that_is_stopping_still_holds_its_instances(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=[], indexed=[running_job("a", "Stopping")], real=[running_job("a", "Stopping")])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


def test_a_job_that_goes_meanwhile_is_no_failure(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["gone"], indexed=[], real=[])
    assert counted_types(Workload.TRAINING) == {}


@pytest.mark.usefixtures("no_backoff")
def test_without_search_every_job_is_asked(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a", "b"], indexed=[], real=[running_job("a"), running_job("b")])
    fake_aws.fault = lambda called, _: DENIED if called == "Search" else None
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("closed", ["ListTrainingJobs", "DescribeTrainingJob"])
@pytest.mark.parametrize("fault", [DENIED, BROKEN])
def test_what_cannot_be_seen_leaves_a_floor_and_a_reason(fake_aws: FakeAws, closed: str, fault: Fault) -> None:
    stub_training_jobs(fake_aws, listed=["a", "new"], indexed=[running_job("a")], real=[running_job("new")])
    fake_aws.fault = lambda called, _: fault if called == closed else None
    in_use = in_use_of(Workload.TRAINING)
    assert in_use.incomplete is not None
    assert closed in in_use.incomplete.reason
    assert in_use.count("ml.m4.xlarge") <= 1


def test_spot_and_groups_are_told_apart(fake_aws: FakeAws) -> None:
    groups = [
        {"InstanceType": "ml.c5.large", "InstanceCount": 2, "InstanceGroupName": "a"},
        {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "InstanceGroupName": "b"},
    ]
    mixed = running_job("mixed", ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1})
    stub_training_jobs(
        fake_aws,
        listed=["mixed", "spot"],
        indexed=[mixed, running_job("spot", EnableManagedSpotTraining=True)],
        real=[],
    )
    assert counted_types(Workload.TRAINING) == {"ml.c5.large": 2, "ml.p3.2xlarge": 1}
    assert counted_types(Workload.SPOT_TRAINING) == {"ml.m4.xlarge": 1}


def test_a_job_of_a_type_nobody_tells_counts_in_the_total_and_is_said(fake_aws: FakeAws) -> None:
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[running_job("a", ResourceConfig={"VolumeSizeInGB": 1})], real=[]
    )
    in_use = in_use_of(Workload.TRAINING)
    assert in_use.count(None) == 1
    assert in_use.incomplete is not None


@pytest.mark.parametrize("member", ["EnableManagedSpotTraining", "ResourceConfig", "TrainingJobStatus"])
def test_what_the_index_leaves_out_of_a_job_the_job_is_asked_for(fake_aws: FakeAws, member: str) -> None:
    real = running_job("spot", EnableManagedSpotTraining=True)
    stub_training_jobs(fake_aws, listed=["spot"], indexed=[without_members(real, member)], real=[real])
    assert counted_types(Workload.SPOT_TRAINING) == {"ml.m4.xlarge": 1}
    assert counted_types(Workload.TRAINING) == {}


def test_a_job_that_never_says_whether_it_is_spot_leaves_that_count_a_floor(fake_aws: FakeAws) -> None:
    response = without_members(running_job("old"), "EnableManagedSpotTraining")  # as AWS told them in 2018
    stub_training_jobs(fake_aws, listed=["old"], indexed=[response], real=[response])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}
    missing = in_use_of(Workload.SPOT_TRAINING).incomplete
    assert missing is not None
    assert "EnableManagedSpotTraining" in missing.reason


def test_instances_that_nobody_counts_are_no_single_one(fake_aws: FakeAws) -> None:
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[running_job("a", ResourceConfig={"InstanceType": "ml.m4.xlarge"})], real=[]
    )
    assert in_use_of(Workload.TRAINING).incomplete is not None


@pytest.mark.parametrize(
    ("usage", "word", "resources"),
    [
        (Workload.TRANSFORM, "TransformJob", lambda config: {"TransformResources": config}),
        (Workload.PROCESSING, "ProcessingJob", lambda config: {"ProcessingResources": {"ClusterConfig": config}}),
    ],
)
def test_jobs_without_an_index_are_asked_one_by_one(
    fake_aws: FakeAws, usage: Workload, word: str, resources: Any
) -> None:
    states = {"a": "InProgress", "b": "Stopping", "over": "InProgress"}
    real = {**states, "over": "Completed"}
    config = {"InstanceType": "ml.m4.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}

    def listed(asked: Mapping[str, Any]) -> dict[str, Any]:
        more = {f"{word}Arn": "arn:a", "CreationTime": THEN}
        assert (asked["SortBy"], asked["SortOrder"]) == ("CreationTime", "Descending")
        return {f"{word}Summaries": [{f"{word}Name": name, f"{word}Status": states[name], **more} for name in states]}

    fake_aws.running[f"List{word}s"] = listed
    fake_aws.running[f"Describe{word}"] = lambda asked: {
        f"{word}Name": asked[f"{word}Name"],
        f"{word}Status": real[asked[f"{word}Name"]],
        **resources(config),
    }
    assert counted_types(usage) == {"ml.m4.xlarge": 4}


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
def test_an_endpoint_holds_what_its_variants_run(
    fake_aws: FakeAws, told: dict[str, Any] | Fault, config: dict[str, Any], expected: Mapping[str, int]
) -> None:
    stub_endpoint(fake_aws, told, config)
    assert counted_types(Workload.ENDPOINT) == expected


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("config", [NO_CONFIG, DENIED, GONE])
def test_an_endpoint_whose_configuration_cannot_be_read_is_a_ceiling_for_every_type(
    fake_aws: FakeAws, config: Fault
) -> None:
    stub_endpoint(fake_aws, {"ProductionVariants": [endpoint_variant(CurrentInstanceCount=2)]}, config)
    in_use = in_use_of(Workload.ENDPOINT)
    assert in_use.incomplete is None
    assert (in_use.count(None), in_use.ceiling(None)) == (2, 2)
    assert (in_use.count("ml.m4.xlarge"), in_use.ceiling("ml.m4.xlarge")) == (0, 2)


def test_pools_and_what_a_deployment_is_still_to_get(fake_aws: FakeAws) -> None:
    pools = [
        {"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 2},
        {"InstanceType": "ml.g6.xlarge", "CurrentInstanceCount": 1},
    ]
    told = endpoint_variant(CurrentInstanceCount=3, DesiredInstanceCount=5, InstancePools=pools)
    stub_endpoint(fake_aws, {"ProductionVariants": [told]}, {"ProductionVariants": [endpoint_variant()]})
    in_use = in_use_of(Workload.ENDPOINT)
    assert in_use.incomplete is None
    assert (in_use.count("ml.g5.xlarge"), in_use.ceiling("ml.g5.xlarge"), in_use.count(None)) == (2, 4, 5)


def test_a_pool_without_its_number_leaves_a_minimum(fake_aws: FakeAws) -> None:
    pools = [{"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 2}, {"InstanceType": "ml.g6.xlarge"}]
    stub_endpoint(fake_aws, {"ProductionVariants": [endpoint_variant(InstancePools=pools)]}, {"ProductionVariants": []})
    assert in_use_of(Workload.ENDPOINT).incomplete is not None


def test_serverless_variants_take_up_concurrency(fake_aws: FakeAws) -> None:
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


def test_stopped_notebooks_are_what_the_total_may_count_besides(fake_aws: FakeAws) -> None:
    told = {"NotebookInstanceArn": "arn:a", "InstanceType": "ml.t3.medium"}
    statuses = ["InService", "Stopped", "Stopped", "SomethingNew"]
    listed = [{**told, "NotebookInstanceName": f"n{at}", "NotebookInstanceStatus": s} for at, s in enumerate(statuses)]
    fake_aws.running["ListNotebookInstances"] = lambda _: {"NotebookInstances": listed}
    in_use = in_use_of(Workload.NOTEBOOK)
    assert in_use.incomplete is None
    assert (in_use.count(None), in_use.ceiling(None)) == (2, 4)
    assert (in_use.count("ml.t3.medium"), in_use.ceiling("ml.t3.medium")) == (2, 2)


def test_jobs_in_a_training_plan_are_counted_and_named(fake_aws: FakeAws) -> None:
    planned = running_job("p")
    planned["ResourceConfig"] = {**planned["ResourceConfig"], "TrainingPlanArn": "arn:plan"}
    stub_training_jobs(fake_aws, listed=["a", "p"], indexed=[running_job("a"), planned], real=[])
    in_use = in_use_of(Workload.TRAINING)
    assert (in_use.count("ml.m4.xlarge"), in_use.planned_of("ml.m4.xlarge")) == (2, 1)


def test_a_job_that_waits_for_the_first_type_with_capacity_may_take_any(fake_aws: FakeAws) -> None:
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


def test_apps_of_every_kind_fill_the_total_of_studio(fake_aws: FakeAws) -> None:
    kinds = ["JupyterLab", "JupyterServer", "CodeEditor", "SomethingNew"]
    spec = {"ResourceSpec": {"InstanceType": "ml.t3.medium"}}
    apps = [{"AppType": kind, "AppName": "a", "DomainId": "d", "Status": "InService", **spec} for kind in kinds]
    fake_aws.running["ListApps"] = lambda _: {"Apps": [*apps, {**apps[0], "Status": "Deleted"}]}
    in_use = in_use_of(Workload.STUDIO_JUPYTERLAB)
    assert (in_use.count("ml.t3.medium"), in_use.count(None)) == (1, 4)


@pytest.mark.parametrize("status", ["InService", "Creating", "Updating", "OutOfService"])
def test_an_endpoint_of_which_nothing_is_told_is_not_one_that_holds_nothing(fake_aws: FakeAws, status: str) -> None:
    stub_endpoint(fake_aws, {"EndpointStatus": status}, NO_CONFIG)
    missing = in_use_of(Workload.ENDPOINT).incomplete
    assert missing is not None
    assert "endpoint e" in missing.reason


def test_a_variant_that_nobody_counts_is_no_single_instance(fake_aws: FakeAws) -> None:
    stub_endpoint(
        fake_aws,
        {"ProductionVariants": [endpoint_variant()]},
        {"ProductionVariants": [endpoint_variant(InstanceType="ml.m4.xlarge")]},
    )
    assert in_use_of(Workload.ENDPOINT).incomplete is not None


def test_notebooks_hold_an_instance_unless_they_are_off(fake_aws: FakeAws) -> None:
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


def test_apps_are_counted_by_kind(fake_aws: FakeAws) -> None:
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


def test_clusters_hold_their_groups(fake_aws: FakeAws) -> None:
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
def test_a_cluster_whose_instances_are_not_told_does_not_hold_none(fake_aws: FakeAws, told: dict[str, Any]) -> None:
    summary = {"ClusterName": "c", "ClusterArn": "arn:a", "CreationTime": THEN, "ClusterStatus": "InService"}
    fake_aws.running["ListClusters"] = lambda _: {"ClusterSummaries": [summary]}
    fake_aws.running["DescribeCluster"] = lambda _: {**summary, **told}
    assert in_use_of(Workload.CLUSTER).incomplete is not None


def test_warm_pools_hold_what_they_keep_warm(fake_aws: FakeAws) -> None:
    pools = [warm_pool_job("kept"), warm_pool_job("over", "Terminated")]
    stub_training_jobs(fake_aws, listed=[], indexed=[], real=pools, pools=["kept", "over"])
    assert counted_types(Workload.WARM_POOL) == {"ml.m4.xlarge": 1}


def test_available_pools_count_as_training_in_the_type_and_in_the_total(fake_aws: FakeAws) -> None:
    groups = {"InstanceGroups": [{"InstanceType": "ml.c5.xlarge", "InstanceCount": 3}]}
    real = [
        warm_pool_job("kept"),
        warm_pool_job("kept-too", ResourceConfig=groups),
        warm_pool_job("ended", "Terminated"),
        warm_pool_job("taken", "Reused"),
    ]
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[running_job("a")], real=real, pools=[each["TrainingJobName"] for each in real]
    )
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2, "ml.c5.xlarge": 3}
    assert (in_use_of(Workload.TRAINING).count(None), in_use_of(Workload.TRAINING).warm_of(None)) == (5, 4)
    assert counted_types(Workload.SPOT_TRAINING) == {}


def test_a_pool_in_use_is_its_job_s_own(fake_aws: FakeAws) -> None:
    running = running_job("a", WarmPoolStatus={"Status": "InUse"})
    stub_training_jobs(fake_aws, listed=["a"], indexed=[running], real=[running])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


@pytest.mark.parametrize("index_knows", [True, False])
def test_a_job_that_ends_meanwhile_is_counted_once(fake_aws: FakeAws, index_knows: bool) -> None:
    stub_training_jobs(
        fake_aws,
        listed=["a"],
        indexed=[running_job("a")] if index_knows else [],
        real=[warm_pool_job("a")],
        pools=["a"],
    )  # in progress when it was listed, ended when the pools were
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


def test_a_pool_that_only_a_late_index_leads_to_is_counted(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=[], indexed=[running_job("a")], real=[warm_pool_job("a")])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


@pytest.mark.usefixtures("no_backoff")
def test_pools_that_cannot_be_read_are_not_none(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a"], indexed=[running_job("a")], real=[], pools=["kept"])
    fake_aws.running["DescribeTrainingJob"] = lambda _: DENIED
    in_use = in_use_of(Workload.TRAINING)
    assert in_use.incomplete is not None
    assert in_use.by_type == {"ml.m4.xlarge": 1}
    assert in_use_of(Workload.SPOT_TRAINING).incomplete is None


def test_training_is_still_counted_where_there_is_no_index(fake_aws: FakeAws) -> None:
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[], real=[running_job("a"), warm_pool_job("kept")], pools=["kept"]
    )
    fake_aws.running["Search"] = lambda _: DENIED
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("usage", list(Workload))
def test_no_usage_is_zero_when_nothing_may_be_listed(fake_aws: FakeAws, usage: Workload) -> None:
    fake_aws.fault = lambda called, _: DENIED if called.startswith("List") else None
    in_use = in_use_of(usage)
    assert in_use.incomplete is not None
    assert in_use.incomplete.code == "denied"
