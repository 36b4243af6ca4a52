"""What AWS lists and does not describe yet may bill already: it is not left out as if it were gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.session import open_session
from opskit.core.model import Unknown
from opskit.inventory.reads.clusters import read_clusters
from opskit.inventory.reads.endpoints import read_endpoints, running_endpoint
from opskit.inventory.reads.studio import read_studio
from opskit.inventory.rules.running_resource import InventoryPart
from tests.fakes.fake_aws import FakeAws, Fault

GONE = {
    "DescribeCluster": Fault(400, "ResourceNotFound", "Cluster not found."),
    "DescribeEndpoint": Fault(400, "ValidationException", 'Could not find endpoint "arn".'),
    "DescribeApp": Fault(400, "ResourceNotFound", "App [new] does not exist."),
}
APP = {"DomainId": "d-1", "SpaceName": "s", "AppType": "JupyterLab", "AppName": "new"}


def always_answered(answer: Fault, asked: Mapping[str, Any]) -> Fault:
    return answer


Read = Callable[[AwsClient], InventoryPart]
CASES: list[tuple[Read, str, str, dict[str, Any], str, str]] = [
    (read_clusters, "ListClusters", "ClusterSummaries", {"ClusterName": "new"}, "ClusterStatus", "Creating"),
    (read_endpoints, "ListEndpoints", "Endpoints", {"EndpointName": "new"}, "EndpointStatus", "Creating"),
    (read_studio, "ListApps", "Apps", APP, "Status", "Pending"),
]


@pytest.mark.parametrize(("read", "operation", "member", "summary", "status", "first"), CASES)
@pytest.mark.parametrize("is_new", [True, False])
def test_what_is_listed_and_not_described_yet_is_a_gap(
    fake_aws: FakeAws,
    read: Read,
    operation: str,
    member: str,
    summary: dict[str, Any],
    status: str,
    first: str,
    is_new: bool,
) -> None:
    listed = {**summary, status: first if is_new else "Deleting"}
    fake_aws.running[operation] = lambda _: {member: [listed]}
    fake_aws.running |= {described: partial(always_answered, fault) for described, fault in GONE.items()}
    part = read(open_session().client("us-east-1"))
    told = [gap.reason for gap in part.gaps] + [resource.unpriced for resource in part.resources]
    assert bool(told) is is_new
    assert all("does not describe it yet" in reason for reason in told)


@pytest.mark.parametrize("told", [{}, {"ProductionVariants": [{"VariantName": "v"}]}])
def test_what_an_endpoint_in_service_bills_is_not_what_it_began_with(told: dict[str, Any]) -> None:
    """It may have scaled since; one that is made has what its configuration says."""
    config = {"ProductionVariants": [{"VariantName": "v", "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 3}]}
    serving, made = (
        running_endpoint("us-east-1", {"EndpointName": "e", "EndpointStatus": status, **told}, config, None)
        for status in ("InService", "Creating")
    )
    assert (serving.instance_types, made.instance_types) == (("ml.m4.xlarge",), ("ml.m4.xlarge",))
    assert isinstance(serving.count, Unknown)
    assert made.count == 3


@pytest.mark.parametrize(("untold", "verdict"), [(None, "running"), ("DomainId", "unknown"), ("SpaceName", "unknown")])
def test_a_space_is_not_called_unused_where_aws_does_not_say_where_an_app_runs(
    fake_aws: FakeAws, untold: str | None, verdict: str
) -> None:
    """Its volume would be told to be of no use, with the command that deletes it and its files."""
    app = {key: value for key, value in {**APP, "Status": "InService"}.items() if key != untold}
    storage = {"SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}}
    space = {"DomainId": "d-1", "SpaceName": "s", "Status": "InService", "SpaceSettingsSummary": storage}
    fake_aws.running["ListApps"] = lambda _: {"Apps": [{**app, "ResourceSpec": {"InstanceType": "ml.t3.medium"}}]}
    fake_aws.running["ListSpaces"] = lambda _: {"Spaces": [space]}
    part = read_studio(open_session().client("us-east-1"))
    [volume] = [each for each in part.resources if each.kind.value == "volume"]
    assert (volume.verdict.value, volume.stop_with) == (verdict, None)
    assert bool(part.gaps) is bool(untold)
