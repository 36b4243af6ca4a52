"""A check costs few round trips: nothing waits for what it does not need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.quotas.flows.check import check_clients
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.model import Verdict
from opskit.quotas.rules.requirements import check_requirements
from tests.fakes.call_depth import CallDepth, counted_depth
from tests.fakes.fake_aws import Entry, FakeAws
from tests.fakes.job_history import JobHistory, PastJob

pytestmark = pytest.mark.usefixtures("no_backoff")

NOW = datetime.now(UTC)
FULL = ("ml.m4.xlarge for training job usage", "ml.m4.xlarge for transform job usage")
"""Of which one is asked for, there are two, and two run."""


def price_list(asked: Mapping[str, Any]) -> dict[str, Any]:
    dimension = {"priceDimensions": {"d": {"pricePerUnit": {"USD": "0.23"}}}}
    terms = {"OnDemand": {"t": dimension}}
    parts = ("Training", "Batch Transform", "Hosting")
    return {
        "PriceList": [json.dumps({"product": {"attributes": {"component": each}}, "terms": terms}) for each in parts]
    }


@pytest.fixture
def busy_aws(fake_aws: FakeAws) -> FakeAws:
    """The quotas of the course: some too small, some used up, one type gone; and something of each kind runs."""
    fake_aws.quotas = [
        Entry(name, code, 2 if name in FULL else 0 if name == "ml.m4.xlarge for endpoint usage" else 40, 1)
        for name, code in bundled_codes().items()
        if "ml.p2.xlarge" not in name
    ]
    for word in ("TrainingJob", "TransformJob"):
        history = JobHistory(word, NOW)
        # Of those that run, Search knows the older ones alone.
        history.add_jobs(PastJob(f"runs-{at}", NOW - timedelta(hours=2 * at), "InProgress") for at in range(2))
        history.add_jobs(PastJob(f"old-{at}", NOW - timedelta(days=1 + at)) for at in range(300))
        history.serve_from(fake_aws)
    stamp = NOW.timestamp()
    endpoint = {"EndpointName": "e", "EndpointArn": "arn:e", "EndpointStatus": "InService", "LastModifiedTime": stamp}
    endpoint |= {"CreationTime": stamp, "EndpointConfigName": "c"}
    variant = {"VariantName": "v", "CurrentInstanceCount": 1, "DesiredInstanceCount": 1}
    config = {"EndpointConfigName": "c", "EndpointConfigArn": "arn:c", "CreationTime": stamp}
    planned = {"VariantName": "v", "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 1}
    fake_aws.running |= {
        "ListEndpoints": lambda _: {"Endpoints": [endpoint]},
        "DescribeEndpoint": lambda _: {**endpoint, "ProductionVariants": [variant]},
        "DescribeEndpointConfig": lambda _: {**config, "ProductionVariants": [planned]},
        "GetProducts": price_list,
    }
    return fake_aws


def check_course() -> tuple[QuotaCheck, CallDepth]:
    """The default set, and what it took."""
    with counted_depth() as depth:
        client = open_session().client()
        check = check_clients(
            [(client, check_requirements((), (), 1, every_usage=False))], datetime.now(UTC), suggest=True
        )
    return check, depth


def test_the_default_set_takes_three_round_trips_once_it_is_known(busy_aws: FakeAws) -> None:
    """Also where quotas are too small, where they are used up and what holds them is told, and where jobs run."""
    check_course()
    check, depth = check_course()
    assert depth.deepest == 3, depth.calls
    # It is no empty check: each part of it was asked for, and each answer counts.
    verdicts = {each.quota_name: each.verdict for each in check.headrooms}
    assert [verdicts[name] for name in FULL] == [Verdict.SHORT, Verdict.SHORT]
    assert verdicts["ml.m4.xlarge for endpoint usage"] is Verdict.SHORT
    assert Verdict.NOT_OFFERED in verdicts.values()
    held = {name: [each.holder.name for each in holders] for (_, name), holders in check.held.items()}
    assert held == {name: ["runs-1", "runs-0"] for name in FULL}
    assert all(each.usd_per_hour is not None for holders in check.held.values() for each in holders)
    suggested = {each.requirement.workload for each in check.headrooms if each.alternatives}
    assert {Workload.TRAINING, Workload.TRANSFORM, Workload.ENDPOINT} <= suggested
    # Whose account it is waits for nothing, and what runs does not wait for it.
    assert depth.trips_of("get_caller_identity") == {1}
    assert depth.trips_of("list_training_jobs") == depth.trips_of("list_transform_jobs") == {1}
    assert depth.trips_of("list_tags") == {3}


def test_a_first_look_waits_for_pages_alone(busy_aws: FakeAws) -> None:
    """With nothing known: whose account it is, the pages of the listing one after another, and what helps."""
    busy_aws.page = 50
    _, depth = check_course()
    pages = -(-len(busy_aws.quotas) // busy_aws.page)
    assert depth.deepest == 1 + pages + 1, depth.calls
