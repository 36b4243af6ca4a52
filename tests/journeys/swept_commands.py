"""What each command is run with while the actions of its printed policy are left out one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from opskit.access.rules.grants import grants_of_commands
from opskit.access.rules.permissions import FLAGS
from opskit.core.model import Workload
from tests.journeys.swept_preparations import (
    MakeClient,
    add_idle_since,
    delete_bucket,
    delete_notebook,
    delete_role,
    remove_idle_since,
    remove_scaling,
    stop_notebook,
    wait_for_decisions,
    wait_for_deletions,
)

Preparation = str | Callable[[MakeClient], None]
"""A command line of opskit's, or a call of AWS's own API."""

BOUNDARY = "arn:aws:iam::123456789012:policy/limits"


@dataclass(frozen=True)
class SweptRun:
    """One command line; ``{}`` in it is another number each time. ``before`` puts the account back to where it has all
    to do, and ``exits`` are its exit codes under the whole policy. ``is_cold``: without what is remembered of quota
    codes, configurations and prices. ``given`` is what it reads on standard input. ``records``: the command whose calls
    it makes, in a process of its own.
    """

    words: str
    before: tuple[Preparation, ...] = ()
    exits: tuple[int, ...] = (0,)
    is_cold: bool = False
    given: str = ""
    records: str = ""


@dataclass(frozen=True)
class SweptCommand:
    """A command, in a sandbox of this scenario, with the flags that its policy is asked for with. ``silent`` are
    actions that it does without and says nothing of, ``unreached`` those that none of the runs needs, each with the
    reason.
    """

    runs: tuple[SweptRun, ...]
    scenario: str = "classroom"
    flags: str = ""
    silent: Mapping[str, str] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)


def _servicequotas(*names: str) -> tuple[str, ...]:
    return tuple(f"servicequotas:{name}" for name in names)


_VALUES = _servicequotas(
    "GetAWSDefaultServiceQuota", "GetServiceQuota", "ListAWSDefaultServiceQuotas", "ListServiceQuotas"
)
_REQUESTS = _servicequotas("ListRequestedServiceQuotaChangeHistory", "ListRequestedServiceQuotaChangeHistoryByQuota")
OTHER_WAYS: Mapping[str, str] = {
    **dict.fromkeys(_VALUES, "another of them tells the same value; which is asked depends on what is known already"),
    "sagemaker:Search": "the listing tells the same, more slowly",
    "tag:GetResources": "ListTags tells the same, more slowly",
}
"""Actions that a command does without, and says nothing of."""
_NO_NEED = dict.fromkeys(_REQUESTS, "whether more is asked for is of no interest where there is room")
_EITHER = dict.fromkeys(_REQUESTS, "one tells what the other does")


def _sagemaker(reason: str, *names: str) -> dict[str, str]:
    return {f"sagemaker:{name}": reason for name in names}


def _every_action_of(command: str, reason: str) -> dict[str, str]:
    return {grant.action: reason for grant in grants_of_commands([command], FLAGS)}


_NOT_THERE = _sagemaker(
    "the scenario has none whose listing leaves it open", "DescribeApp", "DescribeTrainingJob", "DescribeTransformJob"
)
_LOGS_OF_ENDPOINTS = dict.fromkeys(
    ("logs:DescribeLogStreams", "logs:GetLogEvents"), "asked where an endpoint does not come into service"
)
_NOT_IN_BILL = ("DescribeAutoMLJobV2", "DescribeHyperParameterTuningJob", "DescribeInferenceComponent")
_NO_UNIT = {
    f"organizations:{name}": "asked where accounts are chosen by their unit"
    for name in ("ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListRoots")
} | {"sts:AssumeRole": "boto3 asks it by itself, unrecorded; tests/journeys/test_fleet.py has accounts that refuse"}


_NEW_NOTEBOOK = (partial(delete_notebook, "lab"), delete_role)
_ROLE_OF_BOUNDARY = f"--role-boundary {BOUNDARY}"
_ALL_USAGES = " ".join(f"--for {workload}" for workload in Workload)
_ERROR = (
    "An error occurred (ResourceLimitExceeded) when calling the CreateTrainingJob operation: The account-level service "
    "limit 'ml.m4.xlarge for training job usage' is 0 Instances, with current utilization of 0 Instances and a request "
    "delta of 1 Instances."
)
_HOOK_EVENT = {
    "hook_event_name": "PreToolUse",
    "tool_name": "Bash",
    "tool_input": {"command": "aws sagemaker start-notebook-instance --notebook-instance-name course-stopped"},
}

SWEPT: Mapping[str, SweptCommand] = {
    "quotas check": SweptCommand(
        (
            SweptRun("quotas check ml.m5.xlarge --for training --for processing --need 500", exits=(3,), is_cold=True),
            SweptRun(f"quotas check ml.m5.xlarge ml.t3.medium {_ALL_USAGES}", exits=(3,), is_cold=True),
            # Whatever its type: only a need that what is left open decides is unknown without the configuration.
            SweptRun("quotas check ml.m4.xlarge --for endpoint --need 8", exits=(3,), is_cold=True),
        ),
        "bill",
        silent=_sagemaker("whose it is, is told where it can be", "ListTags"),
        unreached=_NOT_THERE,
    ),
    "quotas list": SweptCommand(
        (SweptRun("quotas list --match xlarge --live", is_cold=True), SweptRun("quotas list --used", is_cold=True)),
        "bill",
        unreached=_NOT_THERE
        | dict.fromkeys(
            _servicequotas("GetQuotaUtilizationReport", "StartQuotaUtilizationReport"), "asked for whole accounts"
        ),
    ),
    "quotas explain": SweptCommand(
        (SweptRun("quotas explain -", given=_ERROR, exits=(0, 3), is_cold=True),),
        "bill",
        unreached=_every_action_of("quotas explain", "asked where the error leaves open what is in use"),
    ),
    "quotas increase": SweptCommand(
        (SweptRun("quotas increase ml.m5.2xlarge --for training --to {} --yes", (wait_for_decisions,)),),
        silent=_EITHER,
        unreached=_EITHER,
    ),
    "quotas requests": SweptCommand((SweptRun("quotas requests"),)),
    "quotas wait": SweptCommand(
        (SweptRun("quotas wait ml.t2.medium --for notebook --to 1"),), silent=_NO_NEED, unreached=_NO_NEED
    ),
    # Before those that start notebooks again, which then are not idle for an hour.
    "cron run": SweptCommand(
        (
            SweptRun(
                "cron run stop-idle -- notebook stop --idle --grace 1h",
                (partial(remove_idle_since, "course-idle"),),
                records="notebook stop --idle --grace 1h",
            ),
        ),
        silent={"pricing:GetProducts": "what a silent run costs interests nobody"},
        unreached=_every_action_of("cron run", "asked by other jobs, whose commands are swept by themselves"),
    ),
    "notebook stop": SweptCommand(
        (
            SweptRun("notebook stop --idle --grace 1h", (partial(remove_idle_since, "course-idle"),)),
            SweptRun("notebook stop --idle --grace 1h", (partial(add_idle_since, "course-busy"),)),
            SweptRun("notebook stop course-idle --yes", ("notebook start course-idle --wait",)),
        )
    ),
    "notebook list": SweptCommand(
        (SweptRun("notebook list"), SweptRun("notebook list --who --evidence logs")),
        flags="--who --evidence",
        unreached=_sagemaker("asked where a notebook has failed", "DescribeNotebookInstance"),
    ),
    "notebook create": SweptCommand(
        (
            SweptRun(f"notebook create big -t ml.p3.2xlarge --yes {_ROLE_OF_BOUNDARY}", exits=(3,)),
            SweptRun(
                f"notebook create lab --yes {_ROLE_OF_BOUNDARY}", ("notebook stop course-idle --yes", *_NEW_NOTEBOOK)
            ),
        ),
        flags=_ROLE_OF_BOUNDARY,
        silent=_NO_NEED,
        unreached={
            "iam:GetRolePolicy": "asked where the role is there already",
            "sagemaker:ListTags": "asked where a notebook of this name is there already",
        },
    ),
    "notebook start": SweptCommand(
        (
            SweptRun(
                "notebook start course-stopped",
                (*_NEW_NOTEBOOK, partial(stop_notebook, "course-stopped")),
                is_cold=True,
            ),
        ),
        silent=_NO_NEED,
        unreached=_sagemaker("asked where notebooks are chosen by a tag", "ListTags"),
    ),
    "notebook open": SweptCommand((SweptRun("notebook open course-busy"),)),
    "notebook keep": SweptCommand(
        (SweptRun("notebook keep course-busy --for {}h --yes"),),
        unreached=_sagemaker("asked where notebooks are chosen by a glob", "ListNotebookInstances", "ListTags")
        | _sagemaker("asked where it was kept until another time", "DeleteTags"),
    ),
    "notebook unkeep": SweptCommand(
        (SweptRun("notebook unkeep course-busy", ("notebook keep course-busy --for 1h --yes",)),)
    ),
    "endpoint list": SweptCommand(
        (SweptRun("endpoint list", is_cold=True),),
        "endpoints",
        unreached=_sagemaker("asked where there are few", "ListTags"),
    ),
    "endpoint keep": SweptCommand(
        (SweptRun("endpoint keep prices-new --for {}h --yes"),),
        "endpoints",
        unreached=_sagemaker("asked where endpoints are chosen by a glob", "ListEndpoints")
        | _sagemaker("asked where it was kept until another time", "DeleteTags"),
    ),
    "endpoint unkeep": SweptCommand(
        (SweptRun("endpoint unkeep prices-new", ("endpoint keep prices-new --for 1h --yes",)),), "endpoints"
    ),
    "endpoint stop": SweptCommand(
        (
            SweptRun("endpoint stop --idle --grace 1h --match prices-idle --yes", is_cold=True),
            SweptRun("endpoint stop prices-ab --yes", ("endpoint start prices-ab",)),
        ),
        "endpoints",
        silent=_NO_NEED,
        unreached=_sagemaker("there is no experiment", "DescribeInferenceExperiment")
        | _sagemaker("asked where a grace has ended", "DeleteTags")
        | {"s3:ListBucket": "asked where a model's data is a folder"},
    ),
    "endpoint start": SweptCommand(
        (
            SweptRun(
                "endpoint start prices-ab",
                # What a start has half brought back, since an action was left out, is not stopped before it is whole.
                (
                    "endpoint start prices-ab",
                    "endpoint stop prices-ab --yes",
                    wait_for_deletions,
                    partial(remove_scaling, "prices-ab"),
                ),
            ),
        ),
        "endpoints",
        silent=_NO_NEED,
        unreached=_sagemaker("asked where no likely configuration has its record", "ListEndpointConfigs")
        | _sagemaker("asked where an endpoint has failed", "DeleteEndpoint")
        | _LOGS_OF_ENDPOINTS,
    ),
    "train": SweptCommand(
        (
            SweptRun("train boston", (delete_bucket,)),
            SweptRun("train boston --deploy", ("train boston", "cleanup boston --yes")),
        ),
        silent=_NO_NEED,
        unreached={
            "iam:GetRole": "asked where a role is named",
            **_sagemaker("asked where a transform runs too long", "StopTransformJob"),
        },
    ),
    "deploy": SweptCommand(
        (SweptRun("deploy boston", ("cleanup boston --yes", "train boston --again")),),
        silent=_NO_NEED,
        unreached=_LOGS_OF_ENDPOINTS,
    ),
    "predict": SweptCommand((SweptRun("predict boston", ("train boston --deploy",)),)),
    "cleanup": SweptCommand(
        (SweptRun("cleanup boston --yes", ("train boston --deploy",)),),
        unreached=_sagemaker("asked where something stays", "DescribeEndpointConfig", "DescribeModel"),
    ),
    "guard": SweptCommand(
        (SweptRun("guard --training ml.m5.xlarge=1 --max-usd 9 --hours 1 -- true", is_cold=True),),
        silent=_NO_NEED,
        unreached=_every_action_of("guard", "asked where other workloads are guarded"),
    ),
    "guard hook": SweptCommand(
        (SweptRun("guard hook", given=json.dumps(_HOOK_EVENT), is_cold=True),),
        silent=_NO_NEED | {"pricing:GetProducts": "what it costs is of interest with --max-usd"},
        unreached=_every_action_of("guard hook", "asked where other workloads are started"),
    ),
    "costs": SweptCommand(
        (SweptRun("costs", is_cold=True), SweptRun("costs --metrics")),
        "bill",
        flags="--metrics",
        unreached=_NOT_THERE | _sagemaker("there is none", *_NOT_IN_BILL),
    ),
    "fleet check": SweptCommand(
        (SweptRun(f"fleet check ml.m5.xlarge ml.t3.medium {_ALL_USAGES} --org", exits=(3,), is_cold=True),),
        "bill",
        unreached=_NOT_THERE | _NO_UNIT,
    ),
    "fleet idle": SweptCommand(
        (SweptRun("fleet idle --org", exits=(5,)),),
        "bill",
        unreached=_NO_UNIT
        | {"logs:GetLogEvents": "asked where a notebook has failed"}
        | _sagemaker("asked where a notebook has failed", "DescribeNotebookInstance"),
    ),
    "fleet costs": SweptCommand(
        (SweptRun("fleet costs --org", is_cold=True),),
        "bill",
        unreached=_NOT_THERE
        | _NO_UNIT
        | {"cloudtrail:LookupEvents": "asked with --cloudtrail"}
        | _sagemaker("Search tells the same where its index is up to date", "DescribeEndpoint")
        | _sagemaker("there is none", *_NOT_IN_BILL),
    ),
    "doctor": SweptCommand((SweptRun("doctor", exits=(0, 5)),)),
    "history": SweptCommand(
        (SweptRun("history", ("notebook start course-idle --wait", "notebook stop course-idle --yes")),),
        unreached=_sagemaker("asked where opskit has stopped endpoints", "ListEndpoints"),
    ),
}
"""By the command, in the order in which they are swept."""
NOT_SWEPT: Mapping[str, str] = {
    "fleet role": "it calls what AWS answers to everybody",
    "mcp": "its tools are the commands above",
    "state move": "what it calls is the table of a kept state, which no other command needs",
}
"""Commands that have a row in the table of permissions and are not swept, with the reason."""
