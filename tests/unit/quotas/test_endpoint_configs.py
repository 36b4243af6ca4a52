"""An endpoint's configuration is read once; whatever is remembered, an endpoint counts as what it was deployed as."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from opskit.aws.session import open_session
from opskit.core.model import Workload
from opskit.quotas.reads.usage import count_in_use
from opskit.quotas.rules.model import UNKNOWN_TYPE, InUseCounts
from tests.fakes.endpoint_fleet import LONG_AGO, EndpointFleet, FleetConfig, FleetEndpoint
from tests.fakes.fake_aws import DENIED, FakeAws

LATER = LONG_AGO + timedelta(days=30)


def count(region: str = "us-east-1") -> InUseCounts:
    return count_in_use(open_session().client(region), [Workload.ENDPOINT])[Workload.ENDPOINT]


@pytest.fixture
def fleet(fake_aws: FakeAws) -> EndpointFleet:
    made = EndpointFleet.of_size(3)
    made.serve_from(fake_aws)
    return made


@pytest.mark.usefixtures("fleet")
def test_only_the_first_count_reads_configurations(fake_aws: FakeAws) -> None:
    assert count().count("ml.m4.xlarge") == 3
    assert fake_aws.count("DescribeEndpointConfig") == 3
    assert count().count("ml.m4.xlarge") == 3
    assert fake_aws.count("DescribeEndpointConfig") == 3
    assert fake_aws.count("DescribeEndpoint") == 6, "what changes is read anew"


@pytest.mark.usefixtures("fleet")
def test_what_is_remembered_is_of_one_region(fake_aws: FakeAws) -> None:
    count(), count("eu-west-1")
    assert fake_aws.count("DescribeEndpointConfig") == 6


def test_an_endpoint_counts_as_it_was_deployed_when_its_configuration_is_gone(fleet: EndpointFleet) -> None:
    count()
    fleet.configs.clear()
    after = count()
    assert (after.count("ml.m4.xlarge"), after.incomplete) == (3, None)


def test_another_configuration_under_the_same_name_counts_once_it_is_deployed(fleet: EndpointFleet) -> None:
    count()
    fleet.configs["serve-000"] = FleetConfig("ml.m5.xlarge", created=LATER)
    assert count().count("ml.m4.xlarge") == 3, "the endpoint runs what it was deployed with"
    fleet.endpoints["serve-000"].modified = LATER + timedelta(hours=1)
    assert (count().count("ml.m4.xlarge"), count().count("ml.m5.xlarge")) == (2, 1)


def test_a_configuration_that_is_younger_than_the_deployment_is_not_the_endpoints(fleet: EndpointFleet) -> None:
    fleet.configs["serve-000"] = FleetConfig("ml.m5.xlarge", created=LATER)
    assert count().by_type == {"ml.m4.xlarge": 2, UNKNOWN_TYPE: 1}


def test_a_deployment_under_way_is_not_remembered(fleet: EndpointFleet, fake_aws: FakeAws) -> None:
    fleet.endpoints["serve-000"].status = "Updating"
    count(), count()
    assert fake_aws.count("DescribeEndpointConfig") == 4


def test_endpoints_that_are_gone_are_forgotten(fleet: EndpointFleet, isolated_home: Path) -> None:
    count()
    del fleet.endpoints["serve-000"]
    fleet.endpoints["new"] = FleetEndpoint("serve-001")
    assert count().count("ml.m4.xlarge") == 3
    with sqlite3.connect(isolated_home / "state" / "opskit" / "endpoint-configs-2.sqlite") as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM endpoint_configs")}
    assert names == {"serve-001", "serve-002", "new"}


def test_a_configuration_that_may_not_be_read_is_unknown_and_not_remembered(
    fleet: EndpointFleet, fake_aws: FakeAws
) -> None:
    fake_aws.fault = lambda operation, region: DENIED if operation == "DescribeEndpointConfig" else None
    assert count().by_type == {UNKNOWN_TYPE: 3}
    fake_aws.fault = lambda operation, region: None
    assert (count().count("ml.m4.xlarge"), count().incomplete) == (3, None)


def test_two_hundred_endpoints_at_a_rate_leave_none_unknown(fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    # At 10 calls a second it takes 20 s; so AWS and the pace that opskit begins with are ten times as fast.
    monkeypatch.setattr("tests.fakes.fake_aws.UNPUBLISHED_RATE", (100.0, 10.0))
    monkeypatch.setattr("opskit.aws.pacing.FIRST_LEARNT_RATE", 80.0)
    EndpointFleet.of_size(200).serve_from(fake_aws)
    fake_aws.rates = True
    counted = count()
    assert (counted.by_type, counted.incomplete) == ({"ml.m4.xlarge": 200}, None)
