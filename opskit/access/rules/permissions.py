"""What each command calls at AWS: a row for each command, and what only a flag asks for.

The tests record the calls of the commands they run and hold them against this table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from opskit.access.rules.call_sets import (
    ALL_REQUESTS,
    CALLER_IDENTITY,
    CHANNEL_CALLS,
    CHECK_QUOTAS,
    CHOSEN_NOTEBOOKS,
    CLEANUP,
    COSTS,
    COUNT_IN_USE,
    CREATE_NOTEBOOK,
    DEPLOY,
    ENDPOINT_METRICS,
    EVENT_HISTORY,
    EVIDENCE_CALLS,
    EVIDENCE_FLAG_CALLS,
    FILE_REQUEST,
    GUARD,
    GUARD_PLAN,
    HOLDER_KINDS,
    INSPECT_ENDPOINTS,
    INSPECT_NOTEBOOKS,
    LIST_QUOTAS,
    NOTEBOOK_LOGS,
    NOTIFY,
    ONE_ENDPOINT,
    ONE_NOTEBOOK,
    OTHER_ACCOUNTS,
    PRICES,
    QUOTA_VALUES,
    REQUEST_INCREASE,
    REQUESTS_OF_QUOTA,
    RESOURCE_TAGS,
    START_ENDPOINT,
    START_NOTEBOOK,
    STOP_ENDPOINTS,
    STOP_NOTEBOOKS,
    SUPPORT_READS,
    TRAIN,
    VIA_CALLS,
    service_calls,
)

STATE_CALLS = service_calls(
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
    "quotas check": CHECK_QUOTAS | PRICES | NOTIFY | RESOURCE_TAGS,
    "quotas list": LIST_QUOTAS,
    "quotas explain": QUOTA_VALUES | COUNT_IN_USE | PRICES,
    "quotas increase": REQUEST_INCREASE | NOTIFY,
    "quotas requests": QUOTA_VALUES | ALL_REQUESTS,
    "quotas wait": QUOTA_VALUES | REQUESTS_OF_QUOTA,
    "notebook list": INSPECT_NOTEBOOKS | EVENT_HISTORY,
    "notebook create": CREATE_NOTEBOOK,
    "notebook stop": STOP_NOTEBOOKS | NOTIFY,
    "notebook start": START_NOTEBOOK | CHOSEN_NOTEBOOKS,
    "notebook open": ONE_NOTEBOOK | service_calls("sagemaker", "CreatePresignedNotebookInstanceUrl"),
    "notebook keep": ONE_NOTEBOOK | CHOSEN_NOTEBOOKS | service_calls("sagemaker", "AddTags", "DeleteTags"),
    "notebook unkeep": ONE_NOTEBOOK | service_calls("sagemaker", "DeleteTags", "ListTags"),
    "endpoint list": INSPECT_ENDPOINTS | EVENT_HISTORY,
    "endpoint stop": STOP_ENDPOINTS | NOTIFY,
    "endpoint start": START_ENDPOINT,
    "endpoint keep": ONE_ENDPOINT | service_calls("sagemaker", "AddTags", "DeleteTags", "ListEndpoints"),
    "endpoint unkeep": ONE_ENDPOINT | service_calls("sagemaker", "DeleteTags"),
    "workflow init": NO_CALLS,
    "workflow check": NO_CALLS,
    "workflow list": NO_CALLS,
    "workflow show": NO_CALLS,
    "train": TRAIN,
    "guard": GUARD | GUARD_PLAN,
    "guard hook": GUARD | GUARD_PLAN,
    "guard install": NO_CALLS,
    "guard remove": NO_CALLS,
    "guard status": NO_CALLS,
    "deploy": DEPLOY | service_calls("sagemaker", "ListModels", "ListTags"),
    "predict": CALLER_IDENTITY
    | service_calls("sagemaker", "ListEndpoints", "ListTags")
    | service_calls("sagemaker-runtime", "InvokeEndpoint"),
    "cleanup": CLEANUP,
    "costs": COSTS | ENDPOINT_METRICS | NOTIFY,
    # Its tools plan increases, and ask AWS for none.
    "mcp": CHECK_QUOTAS | PRICES | COSTS | GUARD | GUARD_PLAN | REQUESTS_OF_QUOTA | SUPPORT_READS,
    "fleet check": CHECK_QUOTAS | OTHER_ACCOUNTS,
    "fleet idle": INSPECT_NOTEBOOKS | OTHER_ACCOUNTS,
    "fleet costs": COSTS | OTHER_ACCOUNTS,
    "fleet role": CALLER_IDENTITY,
    "cron show": NO_CALLS,
    "cron install": NO_CALLS,
    "cron remove": NO_CALLS,
    "cron run": CHECK_QUOTAS
    | PRICES
    | REQUEST_INCREASE
    | STOP_NOTEBOOKS
    | COSTS
    | ENDPOINT_METRICS
    | STOP_ENDPOINTS
    | NOTIFY,
    "iam policy": NO_CALLS,
    "doctor": CALLER_IDENTITY | service_calls("iam", "GetRole", "SimulatePrincipalPolicy"),
    "history": CALLER_IDENTITY | service_calls("sagemaker", "ListEndpoints", "ListNotebookInstances"),
    "settings": NO_CALLS,
    "state template": NO_CALLS,
    "state move": STATE_CALLS | service_calls("dynamodb", "Scan"),
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
    command: calls | OTHER_ACCOUNTS if command in _OVER_ACCOUNTS else calls
    for command, calls in _ONE_ACCOUNT_CALLS.items()
}
"""The operations of each command, as boto3's services name them, with all that its flags may ask for."""
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
    "fleet idle": ("notebook-instance",),
    "mcp": ("*",),
    "notebook create": ("notebook-instance",),
    "notebook keep": ("notebook-instance",),
    "notebook list": ("notebook-instance",),
    "notebook start": ("notebook-instance",),
    "notebook stop": ("notebook-instance",),
    "notebook unkeep": ("notebook-instance",),
    "predict": ("endpoint",),
    "quotas check": tuple(sorted({*HOLDER_KINDS.values()})),
}
"""The kinds of resources whose tags each command reads that reads some."""
MAKES_ROLE = service_calls("iam", "CreateRole", "PutRolePolicy")
"""Making a role and giving it permissions, which is as good as having them."""

_ACCOUNT_FLAGS = {
    "--accounts": service_calls("sts", "AssumeRole"),
    "--org": OTHER_ACCOUNTS - CALLER_IDENTITY,
    "--ou": OTHER_ACCOUNTS - CALLER_IDENTITY,
}
_NOTIFY_FLAG = {"--notify": NOTIFY}
_OWN_FLAGS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "quotas check": _NOTIFY_FLAG,
    "quotas increase": {"--via": VIA_CALLS, **_NOTIFY_FLAG},
    "train": {"--request-increase": FILE_REQUEST, "--wait": REQUESTS_OF_QUOTA, "--via": VIA_CALLS},
    "notebook list": {"--evidence": EVIDENCE_FLAG_CALLS, "--who": EVENT_HISTORY},
    "notebook stop": {"--evidence": EVIDENCE_FLAG_CALLS, **_NOTIFY_FLAG},
    "notebook create": {"--wait": NOTEBOOK_LOGS, "--role-boundary": MAKES_ROLE},
    "notebook start": {"--wait": NOTEBOOK_LOGS},
    "endpoint list": {"--who": EVENT_HISTORY},
    "endpoint stop": _NOTIFY_FLAG,
    "guard": {"--from": GUARD_PLAN},
    "costs": {"--metrics": ENDPOINT_METRICS, **_NOTIFY_FLAG},
    "cron run": {
        "--resume": FILE_REQUEST,
        "--via": VIA_CALLS,
        "--evidence": EVIDENCE_FLAG_CALLS,
        "--metrics": ENDPOINT_METRICS,
        **_NOTIFY_FLAG,
        "stop-idle-endpoints": STOP_ENDPOINTS - (CHECK_QUOTAS | PRICES | REQUEST_INCREASE | STOP_NOTEBOOKS | COSTS),
    },
}
FLAG_CALLS: Mapping[str, Mapping[str, frozenset[str]]] = {
    command: {**(_ACCOUNT_FLAGS if command in _OVER_ACCOUNTS else {}), **_OWN_FLAGS.get(command, {})}
    for command in (*_OVER_ACCOUNTS, *_OWN_FLAGS)
}
"""Of each command's calls those that only a flag asks for, or that it does without: a policy has them where the flag is
named. `--via` is that of `quotas increase`, whose automatic choice is any way that is open; `--resume` is its too.
A job that is never installed without being named counts as a flag of `cron run`.
"""
_BY_EVIDENCE = {"--evidence": {source.value: calls for source, calls in EVIDENCE_CALLS.items()}}
_VALUE_CALLS: Mapping[str, Mapping[str, Mapping[str, frozenset[str]]]] = {
    "quotas increase": {"--via": {channel.value: calls for channel, calls in CHANNEL_CALLS.items()}},
    "notebook list": _BY_EVIDENCE,
    "notebook stop": _BY_EVIDENCE,
    "cron run": _BY_EVIDENCE,
}
"""What each value of a command's flag asks for: instead of what the others do, where the flag is named with it."""
FLAG_VALUES: Mapping[str, frozenset[str]] = {
    flag: frozenset(by_value) for by_flag in _VALUE_CALLS.values() for flag, by_value in by_flag.items()
}
"""The values of the flags that take only some."""
FLAGS = frozenset(flag for calls in FLAG_CALLS.values() for flag in calls) | {"--no-owner", "--role"}
"""The flags that change a policy."""

REGION_DISCOVERY_CALLS = service_calls("account", "ListRegions") | service_calls("ec2", "DescribeRegions")
"""What every command calls besides for `--region all`."""


def calls_of_command(command: str, flags: Collection[str] = ()) -> frozenset[str]:
    """What a command calls with these flags; where they are named with their values, with these."""
    optional = FLAG_CALLS.get(command, {})
    kept = frozenset[str]().union(*(calls for flag, calls in optional.items() if flag in flags))
    calls = API_CALLS[command] - frozenset[str]().union(*optional.values()) | kept
    for flag, value in flags.items() if isinstance(flags, Mapping) else ():
        by_value = _VALUE_CALLS.get(command, {}).get(flag, {})
        if value in by_value:
            calls = calls - frozenset[str]().union(*by_value.values()) | by_value[value]
    return calls


def commands_that_call(call: str) -> tuple[str, ...]:
    """The commands that make a call; of those that make it only with a flag, with each such flag."""
    found: list[str] = []
    for command in API_CALLS:
        flags = [flag for flag, calls in FLAG_CALLS.get(command, {}).items() if call in calls]
        found += [f"{command} {flag}" for flag in flags] if flags else [command] * (call in API_CALLS[command])
    return tuple(found)
