"""Quotas of each kind that `quotas list` shows."""

from __future__ import annotations

import time

from tests.fakes.fake_aws import Entry

FULL = "ml.m4.xlarge for training job usage"
BUSY = "ml.m5.large for endpoint usage"
IDLE = "ml.c5.large for processing job usage"
ZERO = "ml.p2.xlarge for training job usage"
UNAPPLIED = "ml.t3.medium for notebook instance usage"
TOTAL = "Number of instances across all training jobs"
HUGE = "Longest run time for a training job"
HOUR_AGO = time.time() // 3600 * 3600 - 3600


def listed_entries() -> list[Entry]:
    return [
        Entry(HUGE, "L-33A961FD", 3e9, 432000),
        Entry(IDLE, "L-1", 4, 4, metric="processing-job/ml.c5.large"),
        Entry(BUSY, "L-2", 4, 0, metric="endpoint/ml.m5.large"),
        Entry(ZERO, "L-3", 0, 0, metric="training-job/ml.p2.xlarge"),
        Entry(FULL, "L-4", 2, 0, metric="training-job/ml.m4.xlarge"),
        Entry(UNAPPLIED, "L-5", None, 2, metric="notebook-instance/ml.t3.medium"),
        Entry(TOTAL, "L-00C91CB5", 30, 4),
    ]
