"""What is in use, counted from what AWS lists, describes, and sometimes withholds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.core.workloads import WORKLOADS, UsageCounter
from opskit.quotas.reads.usage import count_in_use
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


def test_usage_nothing_runs(fake_aws: FakeAws) -> None:
    advice = "add what AWS answers to its listing where nothing is to _EMPTY in tests/fakes/fake_aws.py"
    for workload in Workload:
        in_use = in_use_of(workload)
        assert in_use.incomplete is None, f"{workload}: {in_use.incomplete}; {advice}"
        assert in_use.by_type == {}, f"{workload} counts what the fake account does not list"


def test_usage_only_what_is_asked_for_is_looked_at(fake_aws: FakeAws) -> None:
    counted_types(Workload.NOTEBOOK)
    assert [called for called, _ in fake_aws.calls] == ["ListNotebookInstances"]


def test_usage_jobs_that_listing_and_index_agree_on_need_no_third_look(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a", "b"], indexed=[running_job("a"), running_job("b")], real=[])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}
    assert fake_aws.count("DescribeTrainingJob") == 0


def test_usage_a_job_the_index_does_not_know_yet_is_asked_itself(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a", "new"], indexed=[running_job("a")], real=[running_job("new")])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}


def test_usage_a_job_the_index_still_thinks_running_does_not_count(fake_aws: FakeAws) -> None:
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[running_job("a"), running_job("over")], real=[running_job("over", "Completed")]
    )
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


def test_usage_a_job_that_is_stopping_still_holds_its_instances(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=[], indexed=[running_job("a", "Stopping")], real=[running_job("a", "Stopping")])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


def test_usage_a_job_that_only_the_index_has_still_is_no_failure(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=[], indexed=[running_job("deleted")], real=[])
    assert counted_types(Workload.TRAINING) == {}


def always_answered(answer: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    return answer


LISTED_WHOLE = {
    UsageCounter.NOTEBOOKS: "the listing tells all that counts",
    UsageCounter.WARM_POOLS: "counted with the training jobs",
}
"""Counters that describe nothing that they list, and why."""
DESCRIBED = {WORKLOADS[workload].counter: workload for workload in reversed(Workload)}


@pytest.mark.parametrize("workload", [DESCRIBED[counter] for counter in UsageCounter if counter not in LISTED_WHOLE])
@pytest.mark.parametrize("status", ["Creating", "AddedByAwsLater"])
def test_usage_what_is_listed_and_not_described_yet_is_unknown(
    fake_aws: FakeAws, status: str, workload: Workload
) -> None:
    """AWS deletes no job that runs, and shows writes late: one that it does not find has just been created."""
    stub_training_jobs(fake_aws, listed=["new"], indexed=[], real=[])
    for kind in ("TransformJob", "ProcessingJob"):
        summary = {f"{kind}Name": "new", f"{kind}Status": "InProgress", "CreationTime": THEN}
        fake_aws.running[f"List{kind}s"] = partial(always_answered, {f"{kind}Summaries": [summary]})
        fake_aws.running[f"Describe{kind}"] = lambda _: GONE
    fake_aws.running["ListClusters"] = lambda _: {"ClusterSummaries": [{"ClusterName": "c", "ClusterStatus": status}]}
    fake_aws.running["DescribeCluster"] = lambda _: Fault(400, "ResourceNotFound", "Cluster not found.")
    app = {"DomainId": "d-1", "SpaceName": "s", "AppType": "JupyterLab", "AppName": "new"}
    fake_aws.running["ListApps"] = lambda _: {"Apps": [{**app, "Status": status.replace("Creating", "Pending")}]}
    fake_aws.running["DescribeApp"] = lambda _: Fault(400, "ResourceNotFound", "App [new] does not exist.")
    fake_aws.running["ListEndpoints"] = lambda _: {"Endpoints": [{"EndpointName": "new", "EndpointStatus": status}]}
    fake_aws.running["DescribeEndpoint"] = lambda _: Fault(400, "ValidationException", 'Could not find endpoint "arn".')
    for _ in range(2):  # what is remembered of the first look does not make it forgotten
        in_use = in_use_of(workload)
        assert in_use.incomplete
        assert "does not describe it yet" in in_use.incomplete.reason
    fake_aws.running["ListEndpoints"] = lambda _: {"Endpoints": [{"EndpointName": "new", "EndpointStatus": "Deleting"}]}
    assert in_use_of(Workload.ENDPOINT).incomplete is None


@pytest.mark.usefixtures("no_backoff")
def test_usage_without_search_every_job_is_asked(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a", "b"], indexed=[], real=[running_job("a"), running_job("b")])
    fake_aws.fault = lambda called, _: DENIED if called == "Search" else None
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("closed", ["ListTrainingJobs", "DescribeTrainingJob"])
@pytest.mark.parametrize("fault", [DENIED, BROKEN])
def test_usage_what_cannot_be_seen_leaves_a_floor_and_a_reason(fake_aws: FakeAws, closed: str, fault: Fault) -> None:
    stub_training_jobs(fake_aws, listed=["a", "new"], indexed=[running_job("a")], real=[running_job("new")])
    fake_aws.fault = lambda called, _: fault if called == closed else None
    in_use = in_use_of(Workload.TRAINING)
    assert in_use.incomplete is not None
    assert closed in in_use.incomplete.reason
    assert in_use.count("ml.m4.xlarge") <= 1


def test_usage_spot_and_groups_are_told_apart(fake_aws: FakeAws) -> None:
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


def test_usage_a_job_of_a_type_nobody_tells_counts_in_the_total_and_is_said(fake_aws: FakeAws) -> None:
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[running_job("a", ResourceConfig={"VolumeSizeInGB": 1})], real=[]
    )
    in_use = in_use_of(Workload.TRAINING)
    assert in_use.count(None) == 1
    assert in_use.incomplete is not None


@pytest.mark.parametrize("member", ["EnableManagedSpotTraining", "ResourceConfig", "TrainingJobStatus"])
def test_usage_what_the_index_leaves_out_of_a_job_the_job_is_asked_for(fake_aws: FakeAws, member: str) -> None:
    real = running_job("spot", EnableManagedSpotTraining=True)
    stub_training_jobs(fake_aws, listed=["spot"], indexed=[without_members(real, member)], real=[real])
    assert counted_types(Workload.SPOT_TRAINING) == {"ml.m4.xlarge": 1}
    assert counted_types(Workload.TRAINING) == {}


def test_usage_a_job_that_never_says_whether_it_is_spot_leaves_that_count_a_floor(fake_aws: FakeAws) -> None:
    response = without_members(running_job("old"), "EnableManagedSpotTraining")  # as AWS told them in 2018
    stub_training_jobs(fake_aws, listed=["old"], indexed=[response], real=[response])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}
    missing = in_use_of(Workload.SPOT_TRAINING).incomplete
    assert missing is not None
    assert "EnableManagedSpotTraining" in missing.reason


def test_usage_instances_that_nobody_counts_are_no_single_one(fake_aws: FakeAws) -> None:
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
def test_usage_jobs_without_an_index_are_asked_one_by_one(
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


def test_usage_warm_pools_hold_what_they_keep_warm(fake_aws: FakeAws) -> None:
    pools = [warm_pool_job("kept"), warm_pool_job("over", "Terminated")]
    stub_training_jobs(fake_aws, listed=[], indexed=[], real=pools, pools=["kept", "over"])
    assert counted_types(Workload.WARM_POOL) == {"ml.m4.xlarge": 1}


def test_usage_available_pools_count_as_training_in_the_type_and_in_the_total(fake_aws: FakeAws) -> None:
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
    assert (in_use_of(Workload.TRAINING).count(None), in_use_of(Workload.TRAINING).kept_warm) == (
        5,
        {"ml.m4.xlarge": 1, "ml.c5.xlarge": 3},
    )
    assert counted_types(Workload.SPOT_TRAINING) == {}


def test_usage_a_pool_in_use_is_its_job_s_own(fake_aws: FakeAws) -> None:
    running = running_job("a", WarmPoolStatus={"Status": "InUse"})
    stub_training_jobs(fake_aws, listed=["a"], indexed=[running], real=[running])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


@pytest.mark.parametrize("index_knows", [True, False])
def test_usage_a_job_that_ends_meanwhile_is_counted_once(fake_aws: FakeAws, index_knows: bool) -> None:
    stub_training_jobs(
        fake_aws,
        listed=["a"],
        indexed=[running_job("a")] if index_knows else [],
        real=[warm_pool_job("a")],
        pools=["a"],
    )  # in progress when it was listed, ended when the pools were
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


def test_usage_a_pool_that_only_a_late_index_leads_to_is_counted(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=[], indexed=[running_job("a")], real=[warm_pool_job("a")])
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 1}


@pytest.mark.usefixtures("no_backoff")
def test_usage_pools_that_cannot_be_read_are_not_none(fake_aws: FakeAws) -> None:
    stub_training_jobs(fake_aws, listed=["a"], indexed=[running_job("a")], real=[], pools=["kept"])
    fake_aws.running["DescribeTrainingJob"] = lambda _: DENIED
    in_use = in_use_of(Workload.TRAINING)
    assert in_use.incomplete is not None
    assert in_use.by_type == {"ml.m4.xlarge": 1}
    assert in_use_of(Workload.SPOT_TRAINING).incomplete is None


def test_usage_training_is_still_counted_where_there_is_no_index(fake_aws: FakeAws) -> None:
    stub_training_jobs(
        fake_aws, listed=["a"], indexed=[], real=[running_job("a"), warm_pool_job("kept")], pools=["kept"]
    )
    fake_aws.running["Search"] = lambda _: DENIED
    assert counted_types(Workload.TRAINING) == {"ml.m4.xlarge": 2}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("usage", list(Workload))
def test_usage_no_usage_is_zero_when_nothing_may_be_listed(fake_aws: FakeAws, usage: Workload) -> None:
    fake_aws.fault = lambda called, _: DENIED if called.startswith("List") else None
    in_use = in_use_of(usage)
    assert in_use.incomplete is not None
    assert in_use.incomplete.code == "denied"
