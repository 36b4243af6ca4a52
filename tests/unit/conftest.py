"""What unit tests share. What is here no journey can use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.pacing import without_backoff


@pytest.fixture
def no_backoff() -> Iterator[None]:
    """Reads that fail are repeated, but at once, and no rate is kept. It is undone before what was set up before it:
    another fixture may have patched the same, and would else be put back last.
    """
    with without_backoff():
        yield
