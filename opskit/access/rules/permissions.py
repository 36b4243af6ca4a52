"""What each command calls at AWS, and the commands that words name.

The tests record the calls of the commands they run and hold them against this table.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile

from opskit.core.exceptions import UsageError
from opskit.schedule.rules.jobs import JOBS


def _service_calls(service: str, *operations: str) -> frozenset[str]:
    return frozenset(f"{service}:{operation}" for operation in operations)


_WHO = _service_calls("sts", "GetCallerIdentity")
_TAGS = _service_calls("resourcegroupstaggingapi", "GetResources") | _service_calls("sagemaker", "ListTags")
_TRAIL = _WHO | _service_calls("cloudtrail", "LookupEvents")
_PRICES = _service_calls("pricing", "GetProducts")
_VALUES = _WHO | _service_calls(
    "service-quotas",
    "GetAWSDefaultServiceQuota",
    "GetServiceQuota",
    "ListAWSDefaultServiceQuotas",
    "ListServiceQuotas",
)
_FLEET = (
    _WHO
    | _service_calls("sts", "AssumeRole")
    | _service_calls(
        "organizations", "ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListRoots"
    )
)
_ALL_REQUESTS = _service_calls("service-quotas", "ListRequestedServiceQuotaChangeHistory")
_ITS_REQUESTS = _service_calls("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
_SUPPORT_READS = _service_calls("support", "DescribeCases", "DescribeServices")
_ASK = (
    _VALUES
    | _ALL_REQUESTS  # where those of one quota cannot be read
    | _ITS_REQUESTS
    | _service_calls("service-quotas", "CreateSupportCase", "RequestServiceQuotaIncrease")
    | _service_calls("support", "CreateCase", "DescribeCases", "DescribeServices")
)
_COUNT_ENDPOINTS = _service_calls("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "ListEndpoints")
_COUNT_RUN = _COUNT_ENDPOINTS | _service_calls(
    "sagemaker", "DescribeTrainingJob", "DescribeTransformJob", "ListTrainingJobs", "ListTransformJobs", "Search"
)
_COUNT_IN_USE = _COUNT_RUN | _service_calls(
    "sagemaker",
    "DescribeApp",
    "DescribeCluster",
    "DescribeProcessingJob",
    "ListApps",
    "ListClusters",
    "ListNotebookInstances",
    "ListProcessingJobs",
)
_NOTEBOOK_LOGS = _service_calls("logs", "GetLogEvents")
_READ_LOGS = _service_calls("logs", "DescribeLogStreams", "GetLogEvents")  # of what failed
_SEE_NOTEBOOKS = (
    _PRICES
    | _NOTEBOOK_LOGS
    | _service_calls("resourcegroupstaggingapi", "GetResources")
    | _service_calls(
        "sagemaker",
        "CreatePresignedNotebookInstanceUrl",
        "DescribeNotebookInstance",
        "ListNotebookInstances",
        "ListTags",
    )
)
_ONE_NOTEBOOK = _WHO | _service_calls("sagemaker", "DescribeNotebookInstance")
_ROOM_FOR_NOTEBOOKS = (
    _ONE_NOTEBOOK
    | _NOTEBOOK_LOGS
    | _VALUES
    | _ALL_REQUESTS
    | _PRICES
    | _service_calls("sagemaker", "ListNotebookInstances")
)
_CHOSEN_NOTEBOOKS = _service_calls("sagemaker", "ListNotebookInstances", "ListTags")
_START_NOTEBOOK = _ROOM_FOR_NOTEBOOKS | _service_calls("sagemaker", "StartNotebookInstance")
_CREATE_NOTEBOOK = (
    _ROOM_FOR_NOTEBOOKS
    | _service_calls("iam", "CreateRole", "GetRole", "GetRolePolicy", "PutRolePolicy")
    | _service_calls("sagemaker", "CreateNotebookInstance", "ListTags")
)
_DEPLOY = (
    _VALUES
    | _ALL_REQUESTS
    | _PRICES
    | _COUNT_ENDPOINTS
    | _READ_LOGS
    | _service_calls("sagemaker", "CreateEndpoint", "CreateEndpointConfig")
)
_TRAIN = (
    _DEPLOY
    | _ASK
    | _COUNT_RUN
    | _service_calls("iam", "GetRole", "ListRoles")
    | _service_calls("s3", "CreateBucket", "GetObject", "HeadBucket", "HeadObject", "PutObject")
    | _service_calls(
        "sagemaker", "CreateModel", "CreateTrainingJob", "CreateTransformJob", "DescribeModel", "StopTransformJob"
    )
)
_CLEANUP = (
    _WHO
    | _service_calls("s3", "DeleteObjects", "ListObjectsV2")
    | _service_calls("sagemaker", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel", "ListTags")
    | _service_calls("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel", "DescribeTrainingJob")
    | _service_calls(
        "sagemaker", "ListEndpointConfigs", "ListEndpoints", "ListModels", "ListTrainingJobs", "ListTransformJobs"
    )
)

_STOP = (
    _SEE_NOTEBOOKS
    | _WHO
    | _service_calls("sagemaker", "AddTags", "DeleteTags", "DescribeNotebookInstance", "StopNotebookInstance")
)
_ONE_ENDPOINT = _WHO | _service_calls("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "ListTags")
_SEE_ENDPOINTS = (
    _WHO  # whose configurations are remembered
    | _PRICES
    | _COUNT_ENDPOINTS
    | _service_calls("cloudwatch", "GetMetricData")
    | _service_calls("resourcegroupstaggingapi", "GetResources")
    | _service_calls("sagemaker", "ListInferenceComponents", "ListTags")
)
_SEE_SCALING = _service_calls(
    "application-autoscaling", "DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions"
)
_STOP_ENDPOINT = (
    _SEE_ENDPOINTS
    | _SEE_SCALING
    | _VALUES
    | _ALL_REQUESTS
    | _service_calls("s3", "HeadObject", "ListObjectsV2")
    | _service_calls("sagemaker", "AddTags", "DeleteEndpoint", "DeleteTags", "DescribeModel", "GetEndpointPolicy")
    | _service_calls("sagemaker", "DescribeInferenceExperiment", "ListInferenceExperiments", "ListMonitoringSchedules")
)
_START_ENDPOINT = (
    _COUNT_ENDPOINTS
    | _READ_LOGS
    | _SEE_SCALING
    | _VALUES
    | _ALL_REQUESTS
    | _service_calls("resourcegroupstaggingapi", "GetResources")
    | _service_calls("application-autoscaling", "PutScalingPolicy", "PutScheduledAction", "RegisterScalableTarget")
    | _service_calls("sagemaker", "AddTags", "CreateEndpoint", "DeleteEndpoint", "DeleteTags")
    | _service_calls("sagemaker", "ListEndpointConfigs", "ListTags", "UpdateEndpointWeightsAndCapacities")
)
_CHECK = _VALUES | _ALL_REQUESTS | _COUNT_IN_USE
_TELL = _service_calls("sns", "Publish")
_LIST = (
    _WHO  # whose jobs are remembered
    | _ALL_REQUESTS
    | _COUNT_IN_USE
    | _service_calls("cloudwatch", "GetMetricData")
    | _service_calls("sagemaker", "DescribeNotebookInstance", "ListSpaces")
    | _service_calls(
        "service-quotas",
        "GetQuotaUtilizationReport",
        "ListAWSDefaultServiceQuotas",
        "ListServiceQuotas",
        "StartQuotaUtilizationReport",
    )
)
_GUARD = (
    _VALUES
    | _ALL_REQUESTS
    | _COUNT_RUN
    | _PRICES
    | _service_calls("sagemaker", "DescribeProcessingJob", "ListNotebookInstances", "ListProcessingJobs")
)
# What a plan uses and does not define itself is described, as its endpoint configuration.
_GUARD_PLAN = (
    _COUNT_IN_USE
    | _service_calls(
        "sagemaker",
        "DescribeCluster",
        "DescribeEndpoint",
        "DescribeEndpointConfig",
        "DescribeNotebookInstance",
        "DescribePipeline",
        "DescribeSpace",
        "DescribeTrainingJob",
        "DescribeUserProfile",
    )
) - _GUARD
_ENDPOINT_METRICS = _service_calls("cloudwatch", "GetMetricData")
_COSTS = (
    _WHO
    | _PRICES
    | _COUNT_RUN
    | _TRAIL
    | _service_calls("resourcegroupstaggingapi", "GetResources")
    | _service_calls(
        "sagemaker",
        "DescribeApp",
        "DescribeAutoMLJobV2",
        "DescribeCluster",
        "DescribeHyperParameterTuningJob",
        "DescribeInferenceComponent",
        "DescribeLabelingJob",
        "DescribeNotebookInstance",
        "DescribeProcessingJob",
        "ListApps",
        "ListAutoMLJobs",
        "ListClusters",
        "ListHyperParameterTuningJobs",
        "ListInferenceComponents",
        "ListLabelingJobs",
        "ListMlflowApps",
        "ListMlflowTrackingServers",
        "ListNotebookInstances",
        "ListPartnerApps",
        "ListProcessingJobs",
        "ListSpaces",
        "ListTags",
        "ListTrainingPlans",
    )
)

STATE_CALLS = _service_calls(
    "dynamodb",
    "BatchWriteItem",
    "DeleteItem",
    "DescribeTable",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
)
"""What every command may call besides where its state is in a table (`--state dynamodb://TABLE`), on that table."""
NO_CALLS: frozenset[str] = frozenset()
_ONE_ACCOUNT_CALLS: Mapping[str, frozenset[str]] = {
    "quotas check": _CHECK | _PRICES | _TELL | _TAGS,
    "quotas list": _LIST,
    "quotas explain": _VALUES | _COUNT_IN_USE | _PRICES,
    "quotas increase": _ASK | _TELL,
    "quotas requests": _VALUES | _ALL_REQUESTS,
    "quotas wait": _VALUES | _ITS_REQUESTS,
    "notebook list": _SEE_NOTEBOOKS | _TRAIL,
    "notebook create": _CREATE_NOTEBOOK,
    "notebook stop": _STOP | _TELL,
    "notebook start": _START_NOTEBOOK | _CHOSEN_NOTEBOOKS,
    "notebook open": _ONE_NOTEBOOK | _service_calls("sagemaker", "CreatePresignedNotebookInstanceUrl"),
    "notebook keep": _ONE_NOTEBOOK | _CHOSEN_NOTEBOOKS | _service_calls("sagemaker", "AddTags", "DeleteTags"),
    "notebook unkeep": _ONE_NOTEBOOK | _service_calls("sagemaker", "DeleteTags", "ListTags"),
    "endpoint list": _SEE_ENDPOINTS | _TRAIL,
    "endpoint stop": _STOP_ENDPOINT | _TELL,
    "endpoint start": _START_ENDPOINT,
    "endpoint keep": _ONE_ENDPOINT | _service_calls("sagemaker", "AddTags", "DeleteTags", "ListEndpoints"),
    "endpoint unkeep": _ONE_ENDPOINT | _service_calls("sagemaker", "DeleteTags"),
    "workflow init": NO_CALLS,
    "workflow check": NO_CALLS,
    "workflow list": NO_CALLS,
    "workflow show": NO_CALLS,
    "train": _TRAIN,
    "guard": _GUARD | _GUARD_PLAN,
    "guard hook": _GUARD | _GUARD_PLAN,
    "guard install": NO_CALLS,
    "guard remove": NO_CALLS,
    "guard status": NO_CALLS,
    "deploy": _DEPLOY | _service_calls("sagemaker", "ListModels", "ListTags"),
    "predict": _WHO
    | _service_calls("sagemaker", "ListEndpoints", "ListTags")
    | _service_calls("sagemaker-runtime", "InvokeEndpoint"),
    "cleanup": _CLEANUP,
    "costs": _COSTS | _ENDPOINT_METRICS | _TELL,
    # Its tools plan increases, and ask AWS for none.
    "mcp": _CHECK | _PRICES | _COSTS | _GUARD | _GUARD_PLAN | _ITS_REQUESTS | _SUPPORT_READS,
    "fleet check": _CHECK | _FLEET,
    "fleet idle": _SEE_NOTEBOOKS | _FLEET,
    "fleet costs": _COSTS | _FLEET,
    "fleet role": _WHO,
    "cron show": NO_CALLS,
    "cron install": NO_CALLS,
    "cron remove": NO_CALLS,
    "cron run": _CHECK | _PRICES | _ASK | _STOP | _COSTS | _ENDPOINT_METRICS | _STOP_ENDPOINT | _TELL,
    "iam policy": NO_CALLS,
    "doctor": _WHO | _service_calls("iam", "GetRole", "SimulatePrincipalPolicy"),
    "history": _WHO | _service_calls("sagemaker", "ListEndpoints", "ListNotebookInstances"),
    "settings": NO_CALLS,
    "state template": NO_CALLS,
    "state move": STATE_CALLS | _service_calls("dynamodb", "Scan"),
    "completion": NO_CALLS,
    "demo": NO_CALLS,
    "sandbox start": NO_CALLS,
    "sandbox run": NO_CALLS,
    "sandbox differences": NO_CALLS,
}
_OVER_ACCOUNTS = (
    "quotas check",
    "quotas list",
    "quotas requests",
    "notebook list",
    "notebook stop",
    "endpoint list",
    "endpoint stop",
    "costs",
    "history",
    "doctor",
)
API_CALLS: Mapping[str, frozenset[str]] = {
    command: calls | _FLEET if command in _OVER_ACCOUNTS else calls for command, calls in _ONE_ACCOUNT_CALLS.items()
}
"""The operations of each command, as boto3's services name them, with all that its flags may ask for."""
_QUOTA_HOLDERS = ("app", "cluster", "endpoint", "notebook-instance", "processing-job", "training-job", "transform-job")
TAGS_READ_ON: Mapping[str, tuple[str, ...]] = {
    "cleanup": ("endpoint", "endpoint-config", "model", "training-job", "transform-job"),
    "costs": ("*",),
    "cron run": ("*",),
    "deploy": ("endpoint", "model"),
    "endpoint keep": ("endpoint",),
    "endpoint list": ("endpoint",),
    "endpoint start": ("endpoint", "endpoint-config"),
    "endpoint stop": ("endpoint", "endpoint-config"),
    "endpoint unkeep": ("endpoint",),
    "fleet costs": ("*",),
    "mcp": ("*",),
    "predict": ("endpoint",),
    "quotas check": _QUOTA_HOLDERS,
}
"""The kinds of resources whose tags a command reads, where those are not notebook instances."""
_SUPPORT = _service_calls("service-quotas", "CreateSupportCase") | _service_calls(
    "support", "CreateCase", "DescribeCases", "DescribeServices"
)
_FILING = _ITS_REQUESTS | _service_calls("service-quotas", "RequestServiceQuotaIncrease")
MAKES_ROLE = _service_calls("iam", "CreateRole", "PutRolePolicy")
"""Making a role and giving it permissions, which is as good as having them."""

_ACCOUNT_FLAGS = {"--accounts": _service_calls("sts", "AssumeRole"), "--org": _FLEET - _WHO, "--ou": _FLEET - _WHO}
_NOTIFY_FLAG = {"--notify": _TELL}

FLAG_CALLS: Mapping[str, Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(_OVER_ACCOUNTS, _ACCOUNT_FLAGS),
    "quotas check": {**_ACCOUNT_FLAGS, **_NOTIFY_FLAG},
    "quotas increase": {"--via": _SUPPORT, **_NOTIFY_FLAG},
    "train": {"--request-increase": _FILING, "--wait": _ITS_REQUESTS, "--via": _SUPPORT},
    "notebook list": {**_ACCOUNT_FLAGS, "--evidence": _NOTEBOOK_LOGS, "--who": _TRAIL},
    "notebook stop": {**_ACCOUNT_FLAGS, "--evidence": _NOTEBOOK_LOGS, **_NOTIFY_FLAG},
    "notebook create": {"--wait": _NOTEBOOK_LOGS, "--role-boundary": MAKES_ROLE},
    "notebook start": {"--wait": _NOTEBOOK_LOGS},
    "endpoint list": {**_ACCOUNT_FLAGS, "--who": _TRAIL},
    "endpoint stop": {**_ACCOUNT_FLAGS, **_NOTIFY_FLAG},
    "guard": {"--from": _GUARD_PLAN},
    "costs": {**_ACCOUNT_FLAGS, "--metrics": _ENDPOINT_METRICS, **_NOTIFY_FLAG},
    "cron run": {
        "--resume": _FILING,
        "--via": _SUPPORT,
        "--evidence": _NOTEBOOK_LOGS,
        "--metrics": _ENDPOINT_METRICS,
        **_NOTIFY_FLAG,
        "stop-idle-endpoints": _STOP_ENDPOINT - (_CHECK | _PRICES | _ASK | _STOP | _COSTS),
    },
}
"""Of each command's calls those that only a flag asks for, or that it does without: a policy has them where the flag is
named. `--via` is that of `quotas increase`, whose automatic choice is any way that is open; `--resume` is its too.
A job that is never installed without being named counts as a flag of `cron run`.
"""
FLAGS = frozenset(flag for calls in FLAG_CALLS.values() for flag in calls) | {"--no-owner", "--role"}
"""The flags that change a policy."""
_VALUED_FLAGS = frozenset({"--accounts", "--ou", "--via", "--evidence", "--role-boundary", "--notify", "--role"})

REGION_DISCOVERY_CALLS = _service_calls("account", "ListRegions") | _service_calls("ec2", "DescribeRegions")
"""What every command calls besides for `--region all`."""


def calls_of_command(command: str, flags: Collection[str] = ()) -> frozenset[str]:
    """What a command calls with these flags."""
    optional = FLAG_CALLS.get(command, {})
    kept = frozenset[str]().union(*(calls for flag, calls in optional.items() if flag in flags))
    return API_CALLS[command] - frozenset[str]().union(*optional.values()) | kept


def expand_cron_jobs(words: Sequence[str]) -> tuple[str, ...]:
    """Words in which `cron run JOB` is the command that the job runs, so that a policy for one job has no more."""
    left = [part for text in words for part in text.split()]
    jobs = {job.name: tuple(takewhile(lambda word: word[0] != "-", job.arguments)) for job in JOBS}
    expanded: list[str] = []
    while left:
        is_job = left[:2] == ["cron", "run"] and len(left) > 2 and left[2] in jobs
        expanded += jobs[left[2]] if is_job else left[:1]
        left = left[3 if is_job else 1 :]
    return tuple(expanded)


def split_flags(words: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Words without flags and their values, and the flags that change a policy, each with its value (or an empty
    text).
    """
    left: list[str] = []
    flags: dict[str, str] = {}
    pending = ""
    for word in (part for text in words for part in text.split()):
        flag, equals, value = word.partition("=")
        if pending:
            flags[pending], pending = word, ""
        elif flag in FLAGS:
            flags[flag] = value
            pending = flag if flag in _VALUED_FLAGS and not equals else ""
        else:
            left.append(word)
    return tuple(left), flags


def parse_commands(words: Sequence[str]) -> tuple[str, ...]:
    """The commands that words name, in any of the ways people write them: ``quotas check notebook stop``, one quoted,
    with commas, with ``opskit`` before it or flags behind it; a noun alone is all of its commands, nothing is all.

    Raises:
        UsageError: a word begins no command.
    """
    left = [word for word in re.split(r"[\s,]+", " ".join(words)) if word and word != "opskit" and word[0] != "-"]
    named: list[str] = [] if left else list(API_CALLS)
    while left:
        command = command_at(left)
        named += [command] if command else _commands_under(left[0])
        left = left[len(command.split()) if command else 1 :]
    return tuple(dict.fromkeys(named))


def command_at(words: Sequence[str]) -> str | None:
    """The command that words begin with."""
    return next((name for count in (2, 1) if (name := " ".join(words[:count])) in API_CALLS), None)


def _commands_under(word: str) -> list[str]:
    commands = [command for command in API_CALLS if command.split()[0] == word]
    if not commands:
        known = {part for command in API_CALLS for part in (command, *command.split())}
        close = difflib.get_close_matches(word, sorted(known), n=1)
        suggestion = next((each for each in API_CALLS if close and close[0] in (each, *each.split())), None)
        hint = f"Did you mean '{suggestion}'?" if suggestion else f"One of: {', '.join(API_CALLS)}."
        raise UsageError("no-command", f"opskit has no command '{word}'.", hint)
    return commands
