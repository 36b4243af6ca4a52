"""Accounts in memory in which a command starts what bills, at several stages of a workflow."""

from __future__ import annotations

import random

from opskit.aws.session import AwsSession
from opskit.endpoints.flows.inspect import inspect_endpoints
from opskit.endpoints.flows.stop import execute_endpoint_stops
from opskit.endpoints.flows.stop_plan import EndpointStopPolicy, plan_endpoint_stops
from opskit.endpoints.rules.idleness import EndpointPolicy
from opskit.training.rules.job_names import base_name
from opskit.training.workflow import find_workflow
from tests.fakes.account import Account, in_memory
from tests.fakes.random_account import random_account
from tests.fakes.stubbed_client import ACCOUNT, shared_clients

ME = f"arn:aws:iam::{ACCOUNT}:user/me"
JOB = f"{base_name(find_workflow('boston'), find_workflow('boston').training, ME)}-1"
TAGS = [{"Key": "opskit:workflow", "Value": "boston"}, {"Key": "opskit:owner", "Value": ME}]


def empty_account() -> Account:
    return Account()


def trained_account() -> Account:
    account = Account()
    account.put("Model", JOB, Tags=TAGS)
    return account


def deployed_account() -> Account:
    account = trained_account()
    account.put("EndpointConfig", JOB, ProductionVariants=[{"ModelName": JOB}], Tags=TAGS)
    account.put("Endpoint", JOB, "InService", EndpointConfigName=JOB, Tags=TAGS)
    return account


def with_a_notebook() -> Account:
    account = Account()
    account.put("NotebookInstance", "lab", "Stopped", InstanceType="ml.t2.medium")
    return account


def with_a_stopped_endpoint() -> Account:
    account = random_account(random.Random(1))
    client, clock = AwsSession(shared_clients(), "us-east-1").client(), account.clock
    with in_memory(account):
        terms = EndpointStopPolicy(EndpointPolicy())
        look = inspect_endpoints([client], terms.idle_policy, clock.now())
        execute_endpoint_stops(plan_endpoint_stops(look, terms, clock.now()), terms, clock)
    account.endpoints.clear()
    return account
