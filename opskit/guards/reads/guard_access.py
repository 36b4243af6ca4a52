"""Finds out what a guard may read, before the first call depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AccessDenied, AwsError, OpskitError
from opskit.core.result_or_error import result_or_error
from opskit.guards.rules.guard_access import GuardAccess, iam_prefix, merge_access
from opskit.quotas.reads.code_cache import bundled_code

_QUOTA_CODE = bundled_code("ml.m5.xlarge for training job usage")
_Probe = tuple[str, str, Mapping[str, Any]]
_PROBES: tuple[_Probe, ...] = (
    ("service-quotas", "get_service_quota", {"ServiceCode": "sagemaker", "QuotaCode": _QUOTA_CODE}),
    ("sagemaker", "list_endpoints", {"MaxResults": 1}),
    ("sagemaker", "search", {"Resource": "TrainingJob", "MaxResults": 1}),
)
_PRICE_PROBE: _Probe = ("pricing", "get_products", {"ServiceCode": "AmazonSageMaker", "MaxResults": 1})
# AWS's word for a quota without an applied value: it was allowed to say so.
_ACCESS_PROVEN_CODES = ("NoSuchResourceException",)


def read_guard_access(client: AwsClient, *, with_prices: bool) -> GuardAccess:
    """What a guard may read with these credentials.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    probes = (*_PROBES, _PRICE_PROBE) if with_prices else _PROBES
    results = gather_all([partial(result_or_error, partial(_send_probe, client, probe)) for probe in probes])
    failures = [
        (iam_prefix(service), result)
        for (service, _, _), result in zip(probes, results, strict=True)
        if isinstance(result, OpskitError) and not _proves_access(result)
    ]
    return merge_access(
        [prefix for prefix, failure in failures if isinstance(failure, AccessDenied)],
        [failure.problem.message for _, failure in failures if not isinstance(failure, AccessDenied)],
    )


def _send_probe(client: AwsClient, probe: _Probe) -> Mapping[str, Any]:
    service, operation, params = probe
    return client.read(service, operation, **params)


def _proves_access(failure: OpskitError) -> bool:
    return isinstance(failure, AwsError) and failure.aws_code in _ACCESS_PROVEN_CODES
