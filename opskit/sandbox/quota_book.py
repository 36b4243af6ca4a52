"""The sandbox's quotas: what each place's values are, and the refusal when a request would exceed one."""

from __future__ import annotations

from opskit.sandbox.scenarios import Scenario
from opskit.sandbox.world import Held, Place, World


class QuotaBook:
    """Applied and default values per place, and the judgement over what is held there."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self._scenario = scenario

    def admit(self, place: Place, operation: str, wanted: Held) -> None:
        """Raise AWS's ResourceLimitExceeded when ``wanted`` does not fit beside what is held.

        Call it under ``world.lock(place)`` and make the resource before the lock is released.
        """
