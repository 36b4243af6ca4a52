"""Holds a plan against quotas and a budget before it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from opskit.aws.api_members import operations_taking
from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.aws.prices import read_workload_price
from opskit.core.clock import Clock
from opskit.core.exceptions import ExitCode, UsageError
from opskit.core.model import Price, Quota
from opskit.guards.flows.account_reading import (
    needs_as_requirements,
    read_quotas_of,
    requirements_to_read,
    worst_headrooms,
)
from opskit.guards.flows.call_guard import read_description
from opskit.guards.reads.plan_files import CloudAssembly
from opskit.guards.reads.template_resolver import TemplateResolver
from opskit.guards.rules.call_budget import CallCost, CallPolicy, Prices, budget_reasons, call_cost
from opskit.guards.rules.call_verdict import judge_limits
from opskit.guards.rules.pipeline_plans import plan_pipeline
from opskit.guards.rules.planned_calls import (
    PlanKind,
    PlannedCalls,
    judge_plan,
    merge_plans,
    plan_kind_of,
    plan_request,
)
from opskit.guards.rules.request_model import InstanceNeed, NotDescribed, RequestLimit, RequestNeeds, UnknownNeed
from opskit.guards.rules.state_machine_plans import plan_state_machine
from opskit.guards.rules.template_plans import plan_template
from opskit.guards.rules.terraform_plans import plan_terraform
from opskit.quotas.flows.check import RegionSnapshot, assess_snapshot, read_region
from opskit.quotas.rules.headroom import QuotaCheck, is_refusal


@dataclass(frozen=True)
class PlanCheck:
    """What was found about a plan. ``over_budget`` are sentences without their end; ``unpriced`` are the reasons why
    its cost is a minimum; ``limits`` are numbers of the plan that are above a quota by themselves.
    """

    kind: PlanKind
    needs: RequestNeeds
    check: QuotaCheck
    policy: CallPolicy
    cost: CallCost = field(default_factory=CallCost)
    prices: Prices = field(default_factory=dict)
    over_budget: tuple[str, ...] = ()
    limits: tuple[tuple[RequestLimit, Quota], ...] = ()

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Prices that a budget would need and that are not known."""
        return self.cost.unpriced if self.policy.has_budget else ()

    @property
    def is_cost_known(self) -> bool:
        """Whether the cost is that of everything the plan starts, and not only of what it tells and has a price."""
        return not (self.cost.unpriced or self.needs.unknowns)

    @property
    def exit_code(self) -> ExitCode:
        """A refusal outranks what is not known, and that a yes."""
        quotas = self.check.exit_code
        if quotas.is_refusal or self.over_budget or self.limits:
            return ExitCode.REFUSED
        if not quotas.is_ok:
            return quotas
        return ExitCode.PARTIAL if self.needs.unknowns or self.unpriced else ExitCode.OK


def read_planned_calls(document: Any, region: str, operation: str | None, values: Mapping[str, str]) -> PlannedCalls:
    """The calls of a plan. ``operation`` is what a request is for (None: told by its members), ``values`` are those of
    a pipeline's or a template's parameters.

    Raises:
        UsageError: it is no plan that opskit knows.
        MissingExtra: a template, which takes cfn-lint to resolve.
    """
    if isinstance(document, CloudAssembly):
        parts = [_plan_stack(name, document, region, values) for name in document.templates]
        return merge_plans(parts)
    kind = plan_kind_of(document) if operation is None else PlanKind.REQUEST
    try:
        return _planned_calls_of(kind, document, region, operation, values)
    except (AttributeError, TypeError, LookupError) as error:
        text = f"The file looks like a {kind.value}, but it has another form ({type(error).__name__}: {error})."
        raise UsageError("bad-plan", text) from error


def _plan_stack(name: str, assembly: CloudAssembly, region: str, values: Mapping[str, str]) -> PlannedCalls:
    """The calls of one stack of several, of which each takes those values that it has parameters for."""
    template = assembly.templates[name]
    declared = template.get("Parameters") or {}
    resolver = TemplateResolver(template, region, {key: value for key, value in values.items() if key in declared})
    return plan_template(template, resolver.resolve, resolver.holds, f"{name}/", assembly.templates)


def _planned_calls_of(
    kind: PlanKind, document: Any, region: str, operation: str | None, values: Mapping[str, str]
) -> PlannedCalls:
    match kind:
        case PlanKind.REQUEST:
            return plan_request(document, operation, partial(operations_taking, "sagemaker"))
        case PlanKind.PIPELINE:
            return plan_pipeline(document, values)
        case PlanKind.STATE_MACHINE:
            return plan_state_machine(document)
        case PlanKind.TERRAFORM:
            return plan_terraform(document)
        case PlanKind.TEMPLATE:
            resolver = TemplateResolver(document, region, values)
            return plan_template(document, resolver.resolve, resolver.holds)


def check_plan(client: AwsClient, plan: PlannedCalls, policy: CallPolicy, clock: Clock) -> PlanCheck:
    """Judge a plan: the quotas at each moment of it, and the money of all of it.

    Raises:
        CredentialsError: there are no valid credentials.
    """
    needs = judge_plan(plan, partial(_read_used, client))
    found = PlanCheck(plan.kind, needs, QuotaCheck(()), policy)
    if not needs.needs and not needs.limits:
        return found
    priced = list(dict.fromkeys((need.instance_type, need.price_workload) for need in needs.needs))
    further = list(dict.fromkeys(limit.quota_name for limit in needs.limits))
    snapshot, read_prices = gather(
        partial(read_region, client, requirements_to_read(needs.needs, needs.limits), clock.now(), further),
        partial(gather_all, [partial(read_workload_price, client, *each) for each in priced]),
    )
    return _judge_needs(found, snapshot, dict(zip(priced, read_prices, strict=True)))


def _judge_needs(found: PlanCheck, snapshot: RegionSnapshot, prices: Prices) -> PlanCheck:
    """The verdict by what certainly starts."""
    needs, certain = found.needs, found.needs.certain_ones()
    whole = assess_snapshot(snapshot, needs_as_requirements(_counted(certain.needs)))
    headrooms = worst_headrooms(snapshot, certain.needs_by_moment())
    over_budget = budget_reasons(certain.needs, prices, found.policy)
    above, unread = judge_limits(needs, read_quotas_of(snapshot))
    unknowns = [UnknownNeed("limits", reason) for reason in unread]
    # What only may start is never a refusal: where it does not fit as well, the verdict is unknown.
    if len(certain.needs) < len(needs.needs):
        refused = {headroom.quota_name for headroom in headrooms if is_refusal(headroom)}
        possible = worst_headrooms(snapshot, needs.needs_by_moment())
        unknowns += [
            UnknownNeed(
                _IF_CONDITIONS_HOLD, f"{each.quota_name}: {each.reason.rstrip('.')} (needed: {each.requirement.count})"
            )
            for each in possible
            if each.quota_name not in refused and not each.verdict.is_room
        ]
        reasons = () if over_budget else budget_reasons(needs.needs, prices, found.policy)
        unknowns += [UnknownNeed(_IF_CONDITIONS_HOLD, reason) for reason in reasons]
    return replace(
        found,
        needs=replace(needs, unknowns=tuple(dict.fromkeys((*needs.unknowns, *unknowns)))),
        check=replace(whole, headrooms=headrooms),
        cost=call_cost(needs.needs, prices),
        prices=prices,
        over_budget=over_budget,
        limits=above,
    )


_IF_CONDITIONS_HOLD = "if all that conditions decide is made"


# What a plan may use and is not defined in it. Schedules and executions that are there already are not planned: a
# program starts them, and ``opskit.guard`` reads them then.
_READ_FOR_PLANS = frozenset(
    {
        "describe_cluster",
        "describe_endpoint",
        "describe_endpoint_config",
        "describe_notebook_instance",
        "describe_pipeline",
        "describe_space",
        "describe_training_job",
        "describe_user_profile",
    }
)


def _read_used(client: AwsClient, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    if operation not in _READ_FOR_PLANS:
        raise NotDescribed("What the request names is not read for a plan.")
    return read_description(client, operation, params)


def _counted(needs: tuple[InstanceNeed, ...]) -> list[InstanceNeed]:
    return [need for need in needs if need.takes_quota]


def need_usd_per_hour(found: PlanCheck, need: InstanceNeed) -> Price | None:
    """The price of one instance of a need; None: not known."""
    price = found.prices.get((need.instance_type, need.price_workload))
    return price if isinstance(price, Price) else None
