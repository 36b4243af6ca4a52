"""An account in memory with one idle endpoint, as it may have come to be."""

from __future__ import annotations

import random
from datetime import timedelta

from tests.fakes.account import NOW
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.fake_endpoints import FakeConfig, FakeEndpoint, FakeVariant

DIMENSION = "sagemaker:variant:DesiredInstanceCount"


def random_account(chance: random.Random, name: str = "prices") -> EndpointAccount:
    """An account with one endpoint that nobody has invoked for long, as it may have come to be."""
    account = EndpointAccount(
        objects={"s3://bucket/model.tar.gz": b"model"}, quotas={"ml.m4.xlarge for endpoint usage": 20, **TOTALS}
    )
    names = [f"v{at}" for at in range(chance.randint(1, 3))]
    config = FakeConfig(f"{name}-config", [FakeVariant(each) for each in names], {"team": "shop"})
    account.configs[config.name] = config
    now = [FakeVariant(each, chance.randint(1, 3), chance.choice([1.0, 0.25, 0.1, 2.0])) for each in names]
    tags = {f"key-{at}": "value" * chance.randint(1, 20) for at in range(chance.randint(0, 12))}
    account.endpoints[name] = FakeEndpoint(name, config.name, NOW - timedelta(days=50), now, tags)
    for each in names if chance.random() < 0.6 else ():
        resource = {"ResourceId": f"endpoint/{name}/variant/{each}", "ScalableDimension": DIMENSION}
        account.put_scaled("targets", {**resource, "MinCapacity": 1, "MaxCapacity": 4}, "ScalableDimension")
        policy = {"PolicyName": "p", "PolicyType": "TargetTrackingScaling"}
        tracking = {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70.0}}
        account.put_scaled("policies", {**resource, **policy, **tracking}, "PolicyName")
        action = {"ScheduledActionName": "s", "Schedule": "cron(0 8 * * ? *)"}
        limits = {"ScalableTargetAction": {"MinCapacity": 2}}
        account.put_scaled("schedules", {**resource, **action, **limits}, "ScheduledActionName")
    account.has_scaling_left = chance.random() < 0.5
    return account


TOTALS = {
    "Number of instances across active endpoints": 30.0,
    "Maximum number of instances per endpoint": 20.0,
}
