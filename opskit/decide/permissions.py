"""What each command calls at AWS, and the commands that words name.

The tests record the calls of the commands they run and hold them against this table.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence

from opskit.errors import UsageProblem


def _of(service: str, *operations: str) -> frozenset[str]:
    return frozenset(f"{service}:{operation}" for operation in operations)


_WHO = _of("sts", "GetCallerIdentity")
_PRICES = _of("pricing", "GetProducts")
_VALUES = _WHO | _of(
    "service-quotas",
    "GetAWSDefaultServiceQuota",
    "GetServiceQuota",
    "ListAWSDefaultServiceQuotas",
    "ListServiceQuotas",
)
_ALL_REQUESTS = _of("service-quotas", "ListRequestedServiceQuotaChangeHistory")
_ITS_REQUESTS = _of("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
_ASK = (
    _VALUES
    | _ITS_REQUESTS
    | _of("service-quotas", "CreateSupportCase", "RequestServiceQuotaIncrease")
    | _of("support", "CreateCase", "DescribeCases", "DescribeServices")
)
_COUNT_ENDPOINTS = _of("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "ListEndpoints")
_COUNT_RUN = _COUNT_ENDPOINTS | _of(
    "sagemaker", "DescribeTrainingJob", "DescribeTransformJob", "ListTrainingJobs", "ListTransformJobs", "Search"
)
_COUNT_IN_USE = _COUNT_RUN | _of(
    "sagemaker",
    "DescribeApp",
    "DescribeCluster",
    "DescribeProcessingJob",
    "ListApps",
    "ListClusters",
    "ListNotebookInstances",
    "ListProcessingJobs",
)
_SEE_NOTEBOOKS = _PRICES | _of(
    "sagemaker", "CreatePresignedNotebookInstanceUrl", "DescribeNotebookInstance", "ListNotebookInstances", "ListTags"
)
_ONE_NOTEBOOK = _WHO | _of("sagemaker", "DescribeNotebookInstance")
_ROOM_FOR_NOTEBOOKS = _ONE_NOTEBOOK | _VALUES | _ALL_REQUESTS | _PRICES | _of("sagemaker", "ListNotebookInstances")
_START_NOTEBOOK = _ROOM_FOR_NOTEBOOKS | _of("sagemaker", "StartNotebookInstance")
_CREATE_NOTEBOOK = (
    _ROOM_FOR_NOTEBOOKS
    | _of("iam", "CreateRole", "GetRole", "GetRolePolicy", "PutRolePolicy")
    | _of("sagemaker", "CreateNotebookInstance")
)
_DEPLOY = (
    _VALUES | _ALL_REQUESTS | _PRICES | _COUNT_ENDPOINTS | _of("sagemaker", "CreateEndpoint", "CreateEndpointConfig")
)
_TRAIN = (
    _DEPLOY
    | _ASK
    | _COUNT_RUN
    | _of("iam", "GetRole", "ListRoles")
    | _of("logs", "DescribeLogStreams", "GetLogEvents")
    | _of("s3", "CreateBucket", "GetObject", "HeadBucket", "HeadObject", "PutObject")
    | _of("sagemaker", "CreateModel", "CreateTrainingJob", "CreateTransformJob", "DescribeModel", "StopTransformJob")
)
_CLEANUP = (
    _WHO
    | _of("s3", "DeleteObjects", "ListObjectsV2")
    | _of("sagemaker", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel", "ListTags")
    | _of("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel", "DescribeTrainingJob")
    | _of("sagemaker", "ListEndpointConfigs", "ListEndpoints", "ListModels", "ListTrainingJobs", "ListTransformJobs")
)

_STOP = (
    _SEE_NOTEBOOKS
    | _WHO
    | _of("sagemaker", "AddTags", "DeleteTags", "DescribeNotebookInstance", "StopNotebookInstance")
    | _of("logs", "GetLogEvents")
)
_CHECK = _VALUES | _ALL_REQUESTS | _COUNT_IN_USE
_LIST = (
    _ALL_REQUESTS
    | _COUNT_IN_USE
    | _of("cloudwatch", "GetMetricData")
    | _of(
        "service-quotas",
        "GetQuotaUtilizationReport",
        "ListAWSDefaultServiceQuotas",
        "ListServiceQuotas",
        "StartQuotaUtilizationReport",
    )
)

NOTHING: frozenset[str] = frozenset()
CALLS: Mapping[str, frozenset[str]] = {
    "quotas check": _CHECK | _PRICES,
    "quotas list": _LIST,
    "quotas explain": _VALUES | _COUNT_IN_USE | _PRICES,
    "quotas increase": _ASK,
    "quotas requests": _VALUES | _ALL_REQUESTS,
    "quotas wait": _VALUES | _ITS_REQUESTS,
    "notebook list": _SEE_NOTEBOOKS,
    "notebook create": _CREATE_NOTEBOOK,
    "notebook stop": _STOP,
    "notebook start": _START_NOTEBOOK,
    "notebook open": _ONE_NOTEBOOK | _of("sagemaker", "CreatePresignedNotebookInstanceUrl"),
    "notebook keep": _ONE_NOTEBOOK | _of("sagemaker", "AddTags", "DeleteTags", "ListTags"),
    "notebook unkeep": _ONE_NOTEBOOK | _of("sagemaker", "DeleteTags", "ListTags"),
    "train": _TRAIN,
    "guard": _VALUES
    | _ALL_REQUESTS
    | _COUNT_RUN
    | _PRICES
    | _of("sagemaker", "DescribeProcessingJob", "ListNotebookInstances", "ListProcessingJobs"),
    "deploy": _DEPLOY | _of("sagemaker", "ListModels"),
    "predict": _of("sagemaker", "ListEndpoints") | _of("sagemaker-runtime", "InvokeEndpoint"),
    "cleanup": _CLEANUP,
    "cron show": NOTHING,
    "cron install": NOTHING,
    "cron remove": NOTHING,
    "cron run": _CHECK | _ASK | _STOP | _of("sns", "Publish"),
    "iam policy": NOTHING,
    "doctor": _WHO | _of("iam", "GetRole", "SimulatePrincipalPolicy"),
    "history": _WHO | _of("sagemaker", "ListNotebookInstances"),
    "settings": NOTHING,
    "demo": NOTHING,
    "sandbox start": NOTHING,
    "sandbox run": NOTHING,
    "sandbox differences": NOTHING,
}
"""The operations of each command, as boto3's services name them, with all that its flags may ask for."""
TAGS_READ_ON: Mapping[str, tuple[str, ...]] = {
    "cleanup": ("endpoint", "endpoint-config", "model", "training-job", "transform-job")
}
"""The kinds of resources whose tags a command reads, where those are not notebook instances."""
FIND_REGIONS = _of("account", "ListRegions") | _of("ec2", "DescribeRegions")
"""What every command calls besides for `--region all`."""


def commands_named(words: Sequence[str]) -> tuple[str, ...]:
    """The commands that words name, in any of the ways people write them: ``quotas check notebook stop``, one quoted,
    with commas, with ``opskit`` before it or flags behind it; a noun alone is all of its commands, nothing is all.

    Raises:
        UsageProblem: a word begins no command.
    """
    left = [word for word in re.split(r"[\s,]+", " ".join(words)) if word and word != "opskit" and word[0] != "-"]
    named: list[str] = [] if left else list(CALLS)
    while left:
        found = command_of(left)
        named += [found] if found else _of_noun(left[0])
        left = left[len(found.split()) if found else 1 :]
    return tuple(dict.fromkeys(named))


def command_of(words: Sequence[str]) -> str | None:
    """The command that words begin with."""
    return next((name for count in (2, 1) if (name := " ".join(words[:count])) in CALLS), None)


def _of_noun(word: str) -> list[str]:
    found = [command for command in CALLS if command.split()[0] == word]
    if not found:
        known = {part for command in CALLS for part in (command, *command.split())}
        close = difflib.get_close_matches(word, sorted(known), n=1)
        meant = next((each for each in CALLS if close and close[0] in (each, *each.split())), None)
        hint = f"Did you mean '{meant}'?" if meant else f"One of: {', '.join(CALLS)}."
        raise UsageProblem("no-command", f"opskit has no command '{word}'.", hint)
    return found
