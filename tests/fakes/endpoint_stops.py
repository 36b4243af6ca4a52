"""One stop of the idle endpoint of an account in memory."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.aws.session import AwsSession
from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
from opskit.endpoints.flows.stop import execute_endpoint_stops
from opskit.endpoints.flows.stop_plan import EndpointStop, EndpointStopPolicy, plan_endpoint_stops
from opskit.endpoints.rules.idleness import EndpointPolicy
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.fake_endpoints import FakeConfig
from tests.fakes.stubbed_client import REGION, shared_clients

NAME = "prices"
TERMS = EndpointStopPolicy(EndpointPolicy())


def client_of() -> AwsClient:
    return AwsSession(shared_clients(), REGION).client()


def stop_endpoint(account: EndpointAccount, terms: EndpointStopPolicy = TERMS) -> EndpointStop:
    clock = account.clock
    look = inspect_endpoints([client_of()], terms.idle_policy, clock.now(), EndpointFilter((NAME,)))
    (action,) = execute_endpoint_stops(plan_endpoint_stops(look, terms, clock.now()), terms, clock)
    return action


def config_of(account: EndpointAccount) -> FakeConfig:
    return account.configs[f"{NAME}-config"]
