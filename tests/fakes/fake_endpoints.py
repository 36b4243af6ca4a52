"""Endpoints, variants and configurations, as an account in memory holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.account import NOW
from tests.fakes.stubbed_client import ACCOUNT, REGION


@dataclass
class FakeVariant:
    """A variant as it is wanted now. ``untold`` are the members that AWS leaves out of its description."""

    name: str
    count: int = 1
    weight: float = 1.0
    untold: frozenset[str] = frozenset()

    def tell(self, **members: object) -> dict[str, object]:
        """What AWS says of it."""
        return {"VariantName": self.name} | {key: said for key, said in members.items() if key not in self.untold}

    def tell_planned(self) -> dict[str, object]:
        """What AWS says of it as part of a configuration."""
        return self.tell(
            ModelName="model",
            InstanceType="ml.m4.xlarge",
            InitialInstanceCount=self.count,
            InitialVariantWeight=self.weight,
        )


@dataclass
class FakeEndpoint:
    """An endpoint that runs, comes up or goes. ``steps`` are the statuses that are still to come, one a look."""

    name: str
    config: str
    created: datetime
    variants: list[FakeVariant]
    tags: dict[str, str]
    steps: list[str] = field(default_factory=lambda: ["InService"])

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{self.name}"


@dataclass
class FakeConfig:
    """A configuration: what each variant begins with, shadow variants too, and its tags."""

    name: str
    variants: list[FakeVariant]
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime = NOW - timedelta(days=60)
    shadows: list[FakeVariant] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint-config/{self.name}"
