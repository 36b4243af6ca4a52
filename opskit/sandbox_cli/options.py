"""The options of `opskit sandbox start` and `run`, and how their texts are read."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opskit.core.exceptions import UsageError

_FAULT_KINDS = ("empty", "fail", "throttle")
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")


class ScenarioName(StrEnum):
    """The accounts a sandbox can start as."""

    FRESH = "fresh"
    CLASSROOM = "classroom"
    FULL = "full"
    ENDPOINTS = "endpoints"
    BILL = "bill"


class RateChoice(StrEnum):
    """How a sandbox throttles calls."""

    OFF = "off"
    AWS = "aws"
    SLOW = "slow"


class LagChoice(StrEnum):
    """How often a sandbox's reads lag behind writes."""

    SOMETIMES = "sometimes"
    ALWAYS = "always"
    NEVER = "never"


PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")]
ScenarioOption = Annotated[
    ScenarioName,
    typer.Option(
        "--scenario",
        help="fresh: a new account, every ml.* quota 0; classroom: what the course needs just fits, with "
        "notebooks; full: the quotas are there and used up; endpoints: some idle, some busy, two of which predict; "
        "bill: one of each kind that bills.",
    ),
]
ApproveAfterOption = Annotated[
    str, typer.Option("--approve-after", metavar="TIME", help="Time until a quota increase is approved, such as 30s.")
]
LatencyOption = Annotated[
    str, typer.Option("--latency", metavar="TIME", help="Extra latency added to every call, such as 50ms.")
]
RatesOption = Annotated[
    RateChoice,
    typer.Option(
        "--rates",
        help="Throttle calls. aws: at the published rates, and at estimates of the others; slow: at a quarter of them.",
    ),
]
LagOption = Annotated[
    LagChoice,
    typer.Option(
        "--lag",
        help="How often reads return outdated results for up to 5 s after a write, where AWS's do; sometimes: 1 in 10.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed that decides which reads lag, and for how long.")]
SupportPlanOption = Annotated[bool, typer.Option("--support-plan", help="Give the account a paid AWS Support plan.")]
QuotasOption = Annotated[
    int,
    typer.Option(
        "--quotas", min=0, max=5000, help="Pad each Region to N quotas with made-up ones, like a mature account."
    ),
]
DenyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--deny",
        metavar="ACTION,...",
        help="Deny IAM actions, such as sagemaker:StopNotebookInstance or servicequotas:*, as if no policy "
        "allowed them; repeatable.",
    ),
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="IAM policy to enforce; read again when it changes.")
]
FaultOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="KIND:ACTION,...",
        help="Return faulty responses for IAM actions, such as empty:sagemaker:ListEndpoints. Kinds: empty (success "
        "without content), fail (HTTP 500), throttle; repeatable.",
    ),
]
AccountsOption = Annotated[
    int,
    typer.Option(
        "--accounts", min=1, max=500, help="Make an organization of N accounts, with a role 'opskit' in most of them."
    ),
]
HistoryOption = Annotated[
    int,
    typer.Option(
        "--history",
        min=0,
        max=1_000_000,
        help="Number of training, transform and processing jobs each that ended within the last two years.",
    ),
]


def parse_denied_actions(texts: list[str]) -> tuple[str, ...]:
    """The actions of every ``--deny``. Raises UsageError for one that is none: it would deny nothing, in silence."""
    actions = tuple(action.strip() for text in texts for action in text.split(","))
    for action in actions:
        if not _is_action(action):
            hint = "Name them as a policy does: sagemaker:CreateTrainingJob, servicequotas:*, s3:PutObject."
            raise UsageError("bad-action", f"'{action}' is not an IAM action that can be denied.", hint)
    return actions


def parse_faults(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """The kind and the action of every ``--fault``. Raises UsageError for one that is none."""
    faults = []
    for text in (part.strip() for each in texts for part in each.split(",")):
        kind, _, action = text.partition(":")
        if kind not in _FAULT_KINDS or not _is_action(action):
            hint = "Name a kind and an action: empty:sagemaker:ListEndpoints, fail:servicequotas:*."
            raise UsageError(
                "bad-fault", f"'{text}' is not a kind of fault. The kinds are {', '.join(_FAULT_KINDS)}.", hint
            )
        faults.append((kind, action))
    return tuple(faults)


def _is_action(text: str) -> bool:
    return bool(_ACTION.fullmatch(text)) and not text.startswith("service-quotas:")
