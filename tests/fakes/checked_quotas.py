"""Every quota with a known code, for `quotas check`."""

from __future__ import annotations

from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import Entry

VOLUMES_CODE = "L-E4B12EA2"
TRAINING = "ml.m4.xlarge for training job usage"
TOTAL = "Number of instances across all training jobs"


def known_quotas(applied: float | None = 4, **others: float | None) -> list[Entry]:
    """Every quota with a known code, but for ml.p2.xlarge, which is gone. Notebooks may have 100 GB."""
    others = {VOLUMES_CODE.replace("-", "_"): 100, **others}
    return [
        Entry(name, code, others.get(code.replace("-", "_"), applied), 1)
        for name, code in bundled_codes().items()
        if "ml.p2.xlarge" not in name
    ]
