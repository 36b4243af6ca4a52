"""Serverless endpoints of a plan: their concurrency is held against what all endpoints of the account take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opskit.quotas.rules.requirements import SERVERLESS_CONCURRENCY, SERVERLESS_ENDPOINTS
from tests.fakes.cli_runner import CliResult
from tests.fakes.fake_aws import DENIED, Entry, FakeAws

Guard = Callable[..., CliResult]


def serverless(*concurrencies: int) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = []
    for index, most in enumerate(concurrencies):
        variant = {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {"MaxConcurrency": most}}
        config = {"EndpointConfigName": f"c{index}", "ProductionVariants": [variant]}
        endpoint = {"EndpointName": f"e{index}", "EndpointConfigName": f"c{index}"}
        requests += [{"CreateEndpointConfig": config}, {"CreateEndpoint": endpoint}]
    return requests


@pytest.mark.parametrize(("concurrencies", "code"), [((6,), 0), ((7,), 3), ((3, 3), 0), ((3, 4), 3), ((1, 1, 1, 1), 3)])
def test_serverless_concurrency_is_held_against_what_all_endpoints_take(
    guard_plan: Guard, fake_aws: FakeAws, concurrencies: tuple[int, ...], code: int
) -> None:
    """Ten may be allocated, in four endpoints, of which one has four already."""
    most = {SERVERLESS_CONCURRENCY: 10.0, SERVERLESS_ENDPOINTS: 4.0}
    fake_aws.quotas = [Entry(each.name, each.code, most.get(each.name, 4), 1) for each in fake_aws.quotas]
    serves = {"MaxConcurrency": 4, "MemorySizeInMB": 1024}
    there = {"VariantName": "v", "CurrentServerlessConfig": serves}
    described = {
        "EndpointName": "there",
        "EndpointStatus": "InService",
        "EndpointConfigName": "config",
        "ProductionVariants": [there],
    }
    config = {"EndpointConfigName": "config", "ProductionVariants": [{"VariantName": "v", "ServerlessConfig": serves}]}
    fake_aws.running["ListEndpoints"] = lambda asked: {"Endpoints": [{"EndpointName": "there"}]}
    fake_aws.running["DescribeEndpoint"] = lambda asked: described
    fake_aws.running["DescribeEndpointConfig"] = lambda asked: config
    ran = guard_plan(serverless(*concurrencies))
    assert ran.code == code, ran.out
    assert bool(ran.envelope["errors"]) is (code == 3)


def test_what_serverless_endpoints_take_and_cannot_be_read_is_no_room(guard_plan: Guard, fake_aws: FakeAws) -> None:
    fake_aws.running["ListEndpoints"] = lambda asked: DENIED
    assert guard_plan(serverless(1)).code == 5
