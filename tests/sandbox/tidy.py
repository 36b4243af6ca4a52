"""A sandbox that never throttles and never lags, for tests about something else: their clients repeat nothing."""

from __future__ import annotations

from typing import Any

from opskit.sandbox.lag import LagMode
from opskit.sandbox.rate_limits import RateMode
from opskit.sandbox.server import SandboxOptions


def tidy_options(**options: Any) -> SandboxOptions:
    """How such a sandbox is started."""
    return SandboxOptions(**{"rates": RateMode.OFF, "lag": LagMode.NEVER, **options})
