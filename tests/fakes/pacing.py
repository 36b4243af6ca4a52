"""How opskit paces its calls, switched off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def without_backoff() -> Iterator[None]:
    """Reads that fail are repeated, but at once, and no rate is kept: what is throttled is given up almost at once. An
    AWS that keeps rates of its own, as a sandbox does unless told otherwise, is too strict for that.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("opskit.aws.pacing.RATES", {})
        patched.setattr("opskit.aws.pacing.RateLimiter.acquire", lambda self: 0)
        patched.setattr("opskit.aws.client.THROTTLED_SECONDS", 0.0)
        patched.setattr("opskit.aws.client.random.uniform", lambda low, high: 0.0)
        yield
