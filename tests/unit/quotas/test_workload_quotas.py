"""The quotas of each workload are AWS's: a name that no published quota has would never be found, in silence."""

from __future__ import annotations

import re

import pytest

from opskit.core.model import Workload
from opskit.core.workloads import WORKLOADS
from opskit.quotas.reads.code_cache import bundled_codes

UNPUBLISHED: dict[Workload, str] = {}
"""Workloads whose quotas AWS has not published, with where their names are from."""
PLACE = "opskit/quotas/reads/data/quota_codes.csv (or the reason to UNPUBLISHED here)"


@pytest.mark.parametrize("workload", [workload for workload in Workload if workload not in UNPUBLISHED])
def test_the_quotas_of_a_workload_are_published(workload: Workload) -> None:
    spec = WORKLOADS[workload]
    of_types = re.compile(re.escape(spec.type_quota).replace(r"\{\}", r"ml\.[\w.-]+"))
    assert any(of_types.fullmatch(name) for name in bundled_codes()), f"'{spec.type_quota}' of any type: add to {PLACE}"
    others = [name for name in (spec.total_quota, spec.per_job_quota, spec.volume_quota) if name]
    assert [name for name in others if name not in bundled_codes()] == [], f"add them to {PLACE}"
