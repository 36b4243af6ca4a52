"""A desk of one's own for tests of the quotas."""

from __future__ import annotations

import pytest

from tests.sandbox.quotas.quota_desk import Desk


@pytest.fixture
def opened_desk() -> Desk:
    return Desk()
