"""Measure what the guard of Python's calls adds to a call, side by side with the bare call, where each answer of AWS's
takes its time. Ends with 1 when a promise is broken.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from statistics import median
from typing import Any

import boto3
from tabulate import tabulate

import opskit
from benchmarks.__main__ import LATENCY_SECONDS, Expectation, measure_slowdown
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import Entry, FakeAws, serve_fake_aws
from tests.fakes.price_answers import price_list

CALLS = 9
ADDED_SECONDS = 0.4
# Looks of one moment are shared: each measured call has its own.
PAUSE_SECONDS = 1.1


def roomy_account() -> FakeAws:
    """An account with room for hundreds of everything, in which nothing runs."""
    quotas = [Entry(name, code, 400, 1) for name, code in bundled_codes().items()]
    aws = FakeAws(quotas=quotas, latency_seconds=LATENCY_SECONDS)
    # The first look asks without a filter.
    aws.running["GetProducts"] = lambda asked: price_list(asked) if asked.get("Filters") else {"PriceList": []}
    aws.running["CreateTrainingJob"] = lambda asked: {"TrainingJobArn": "arn"}
    aws.running["DescribeTrainingJob"] = lambda asked: {"TrainingJobStatus": "Completed"}
    return aws


def time_call(client: Any, name: str) -> float:
    """How long one CreateTrainingJob takes, in seconds."""
    began = time.perf_counter()
    client.create_training_job(
        TrainingJobName=name,
        RoleArn="arn:aws:iam::123456789012:role/execution-role",
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://bucket"},
        ResourceConfig={"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    return time.perf_counter() - began


def measure_calls() -> list[Expectation]:
    """The bare call, the first guarded one, and the ones after it."""
    client = boto3.client("sagemaker")
    time_call(client, "opens-the-connection")
    bare, guarded, slowdowns = [], [], []
    for number in range(CALLS):  # in turn, so that what slows the machine down meets both
        time.sleep(PAUSE_SECONDS)
        slowdowns.append(measure_slowdown())
        bare.append(time_call(client, f"bare-{number}"))
        opskit.guard(max_usd=5)
        guarded.append(time_call(client, f"guarded-{number}"))
        opskit.unguard()
    added = [with_guard - without for with_guard, without in zip(guarded, bare, strict=True)]
    return [
        Expectation("the bare call", median(bare), float("inf"), "s"),
        Expectation("added to the first guarded call", added[0], ADDED_SECONDS, "s", slowdowns[0]),
        Expectation("added to each one after it", median(added[1:]), ADDED_SECONDS, "s", median(slowdowns)),
    ]


def main() -> int:
    """Measure, print, and say with the exit code whether what was promised holds."""
    with tempfile.TemporaryDirectory() as home, serve_fake_aws(roomy_account()) as aws:
        os.environ.update({**aws.environment(), "HOME": home, "XDG_STATE_HOME": home})
        found = measure_calls()
    print(tabulate([each.row() for each in found], headers=("What", "Measured", "At most", "Share", "")))
    return 0 if all(each.is_met for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
