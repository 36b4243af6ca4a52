"""A training job to ask for, of a type that an account has four of, and another type."""

from __future__ import annotations

from typing import Any

from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import Entry, FakeAws

TYPE = "ml.m4.xlarge"
OTHER = next(
    name.partition(" ")[0] for name in bundled_codes() if name.endswith(" for training job usage") and TYPE not in name
)
ROLE = "arn:aws:iam::123456789012:role/execution-role"


def training_request(
    count: int = 1, name: str = "job", seconds: int = 3600, instance_type: str = TYPE
) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
    }


def sent_trainings(account: FakeAws) -> int:
    return account.count("CreateTrainingJob")


def set_quota(account: FakeAws, name: str, value: float) -> None:
    account.quotas = [
        Entry(name, bundled_codes()[name], value, 1),
        *(e for e in account.quotas if e.name != name),
    ]
