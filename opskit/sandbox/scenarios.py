"""The accounts a sandbox can start as."""

from __future__ import annotations

from dataclasses import dataclass

from opskit.sandbox.world import World


@dataclass(frozen=True)
class Scenario:
    """One kind of account: its home Region and what stands in it at the start."""

    name: str
    region: str = "us-east-1"

    def seed(self, world: World) -> None:
        """Make what the account has at the start, through the sandbox's own API."""


SCENARIOS = {name: Scenario(name) for name in ("fresh", "classroom", "full")}
