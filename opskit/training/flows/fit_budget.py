"""Holds a run against its budget, and shortens the training's allowed time to what the budget allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from opskit.aws.client import AwsClient
from opskit.core.cost import CostItem, find_cost_item
from opskit.core.exceptions import GuardRefused, OpskitError
from opskit.core.job_statuses import JobStatus
from opskit.core.model import Unknown, Workload
from opskit.core.result_or_error import result_or_error
from opskit.guards.rules.refusals import budget_error
from opskit.training.flows.own_resources import list_workflow_resources
from opskit.training.reads import resources
from opskit.training.reads.resources import ListableKind
from opskit.training.rules.budget_time import budget_hint, fitting_refusal, longest_training
from opskit.training.rules.model import Workflow


@dataclass(frozen=True)
class BudgetVerdict:
    """The parts of a run as the budget allows them. ``error`` None: it allows them. ``longest_seconds`` is the longest
    training that it allows; None: not worked out. ``last_seconds``, which is read only for it, is what the workflow's
    last completed training took; None: there is none.
    """

    cost_items: tuple[CostItem, ...]
    error: OpskitError | None = None
    longest_seconds: int | None = None
    last_seconds: int | Unknown | None = None

    @property
    def training_seconds(self) -> int | None:
        """The time that the training is allowed; None: there is none to be paid for."""
        training = find_cost_item(self.cost_items, Workload.TRAINING)
        return None if training is None else training.config.max_seconds


def hold_against_budget(
    client: AwsClient, workflow: Workflow, cost_items: Sequence[CostItem], max_usd: Decimal | None, *, fit: bool
) -> BudgetVerdict:
    """Whether a budget allows a run; with ``fit`` the training is given less time, if that is what it takes, though
    never less than the workflow's last training took.
    """
    verdict = BudgetVerdict(tuple(cost_items), budget_error(cost_items, max_usd))
    if max_usd is None or not isinstance(verdict.error, GuardRefused):
        return verdict
    longest = longest_training(cost_items, max_usd)
    if longest is None:
        return verdict
    last = result_or_error(partial(read_last_seconds, client, workflow))
    if fit and isinstance(last, OpskitError):
        return replace(verdict, error=last)
    last_seconds = Unknown.from_problem(last.problem) if isinstance(last, OpskitError) else last
    verdict = replace(verdict, longest_seconds=longest, last_seconds=last_seconds)
    if not fit:
        return replace(verdict, error=_with_hint(verdict.error, budget_hint(longest, last_seconds)))
    refusal = fitting_refusal(longest, last_seconds, max_usd)
    return replace(
        verdict, error=refusal, cost_items=verdict.cost_items if refusal else _shortened(cost_items, longest)
    )


def _with_hint(error: OpskitError | None, hint: str) -> OpskitError | None:
    if error is None or not hint:
        return error
    problem = error.problem
    return GuardRefused(problem.code, problem.message, f"{problem.hint} {hint}", region=problem.region)


def _shortened(cost_items: Sequence[CostItem], seconds: int) -> tuple[CostItem, ...]:
    training = find_cost_item(cost_items, Workload.TRAINING)
    return tuple(
        replace(item, config=replace(item.config, max_seconds=seconds)) if item is training else item
        for item in cost_items
    )


def read_last_seconds(client: AwsClient, workflow: Workflow) -> int | Unknown | None:
    """What the newest completed training job of a workflow took, in seconds; None where there is none.

    Raises:
        AwsError: the jobs could not be read.
    """
    for listed in list_workflow_resources(client, workflow, ListableKind.TRAINING_JOB):
        if JobStatus(listed.status).is_completed:
            job = resources.read_training_job(client, listed.name)
            seconds = job.billable_seconds if job else None
            return Unknown(f"AWS does not tell it of {listed.name}") if seconds is None else seconds
    return None
