"""Deploys a workflow's newest model to an endpoint, after checking the quota."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from opskit.aws.client import AwsClient
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.clock import Clock
from opskit.core.cost import CostItem
from opskit.core.described_resources import Endpoint
from opskit.core.exceptions import ExitCode, OpskitError, Problem, UsageError
from opskit.core.live_resources import NOTHING_RUNS, LiveResource
from opskit.core.model import InstanceConfig, Unknown, Workload
from opskit.core.owners import Owner
from opskit.guards.rules.refusals import ENDPOINT_HINTS, quota_refusal
from opskit.quotas.flows.check import check_quotas
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.quotas.rules.requirements import parse_instance_type
from opskit.training.events import RunEventSink, deduplicate_events
from opskit.training.flows.deploy_endpoint import deploy_model
from opskit.training.flows.instance_choice import alternative_headrooms, choose_instance_types, price_cost_item
from opskit.training.flows.own_resources import (
    ForeignResource,
    foreign_hint,
    list_workflow_resources,
    split_by_owner,
    warn_of_shared_owner,
)
from opskit.training.reads import resources
from opskit.training.reads.resources import ListableKind
from opskit.training.rules.instance_preferences import LeftOutType
from opskit.training.rules.model import Workflow
from opskit.training.sagemaker_sdk import check_installed


@dataclass
class Deployment:
    """A deployment and how far it got.

    ``model`` and ``endpoint`` None: it was not reached. ``exists``: the endpoint is there already, so that nothing more
    is paid for and no quota is looked at; ``guard``: quotas are looked at before anything is made. ``cost_item`` is
    what a new one costs, ``check`` the look at its quotas; None: it was not looked at. ``notes`` are endpoints of older
    models that cost money too; ``left_out`` are types that were named and have no room. ``bills`` is what the endpoint
    costs, a new one or one that exists; None: it is not known. ``fleet`` is what it has or would have; unknown where
    AWS does not tell it of one that exists. ``until`` is when its use is meant to end; None: nobody said.
    """

    workflow: Workflow
    owner: Owner
    region: str
    fleet: InstanceConfig | Unknown
    model: str | None = None
    endpoint: str | None = None
    exists: bool = False
    guard: bool = True
    cost_item: CostItem | None = None
    check: QuotaCheck | None = None
    notes: tuple[str, ...] = ()
    left_out: tuple[LeftOutType, ...] = ()
    bills: CostItem | None = None
    until: datetime | None = None
    is_plan: bool = False
    running: tuple[LiveResource, ...] = ()
    exit: ExitCode = ExitCode.OK
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class DeployChoice:
    """What the user chose. ``types`` are the instance types that were named, in order of preference; empty: the
    workflow's. ``use_for``: for how long the endpoint is meant to be used; None: nobody said.
    """

    types: tuple[str, ...] = ()
    guard: bool = True
    dry_run: bool = False
    use_for: timedelta | None = None


def deploy_latest_model(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    choice: DeployChoice,
    clock: Clock,
    emit: RunEventSink,
) -> Deployment:
    """Deploy the owner's newest model of a workflow; what stopped it is in ``exit`` and ``problems``.

    Raises:
        UsageError: the instance type is invalid.
    """
    types, dry_run = choice.types, choice.dry_run
    parsed_type = parse_instance_type(types[0] if types else workflow.endpoint.instance_type)
    config = replace(workflow.endpoint, instance_type=parsed_type, preferences=types if len(types) > 1 else ())
    done = Deployment(workflow, owner, client.region, config, guard=choice.guard, is_plan=dry_run)
    emit = deduplicate_events(emit)
    try:
        warn_of_shared_owner(owner, emit)
        check_installed("Deploying")
        done.model = _find_newest_model(client, workflow, owner)
        _check_endpoint_cost(client, done, done.model, config, clock, named=bool(types), guard=choice.guard)
        done.until = _end_of_use(done, choice.use_for, clock)
        if not dry_run:
            # Of one that is there already the instances count for nothing.
            fleet = config if isinstance(done.fleet, Unknown) else done.fleet
            done.endpoint = deploy_model(client, workflow, owner, fleet, done.model, clock, emit, done.until)
    except OpskitError as error:
        done.exit = error.exit
        done.problems.append(error.problem)
    except KeyboardInterrupt:
        done.exit = ExitCode.INTERRUPTED
        done.problems.append(NOTHING_RUNS)
    done.running = client.live_resources.running_resources(unreached=True)
    return done


def _end_of_use(done: Deployment, use_for: timedelta | None, clock: Clock) -> datetime | None:
    """Until when a new endpoint is meant to be used.

    Raises:
        UsageError: the endpoint exists already, so that no tag is written; or the time cannot be told.
    """
    if use_for is None:
        return None
    if done.exists:
        text = f"The endpoint {done.model} already exists, and --for applies only when an endpoint is created."
        raise UsageError(
            "endpoint-exists", text, f"Leave out --for, or run opskit cleanup {done.workflow.cli_ref} first."
        )
    try:
        return clock.now() + use_for
    except OverflowError as error:
        raise UsageError("bad-duration", "That date is out of range.", "Write --for like 4h or 7d.") from error


def _find_newest_model(client: AwsClient, workflow: Workflow, owner: Owner) -> str:
    foreign = []
    for model in split_by_owner(client, owner, list_workflow_resources(client, workflow, ListableKind.MODEL)):
        if not isinstance(model, ForeignResource):
            return model.name
        foreign.append(model)
    text = f"There is no model of '{workflow.name}' in {client.region}{' that is yours' if foreign else ''}."
    hint = f"Train one: opskit train {workflow.cli_ref}. {foreign_hint(foreign)}".strip()
    raise UsageError("no-model", text, hint)


def _check_endpoint_cost(
    client: AwsClient,
    done: Deployment,
    model: str,
    config: InstanceConfig,
    clock: Clock,
    *,
    named: bool,
    guard: bool,
) -> None:
    """Read the price and check the quota of an endpoint that does not exist yet.

    Raises:
        UsageError: the endpoint exists with another instance type than the named one.
        GuardRefused: the quota is insufficient.
        UnreadableState: the quota could not be read.
    """
    listed = list_workflow_resources(client, done.workflow, ListableKind.ENDPOINT)
    staying = [endpoint for endpoint in listed if not EndpointStatus(endpoint.status).traits.is_going]
    ours = split_by_owner(client, done.owner, staying)
    owned = [endpoint.name for endpoint in ours if not isinstance(endpoint, ForeignResource)]
    done.notes = tuple(name for name in owned if name != model)
    endpoint = resources.read_endpoint(client, model) if model in owned else None
    if endpoint is not None:
        done.exists = True
        _check_same_type(client, done, endpoint, config, named=named)
        return
    choices = choose_instance_types(
        client, {Workload.ENDPOINT: config}, [Workload.ENDPOINT], config.preferences, clock.now(), guard=guard
    )
    for choice in choices.values():
        config, done.left_out = choice.apply_to(config), choice.left_out
    done.fleet = config
    done.bills = done.cost_item = price_cost_item(client, Workload.ENDPOINT, config)
    if guard:
        check = check_quotas([client], [done.cost_item.requirement()], clock.now())
        done.check = replace(check, headrooms=(*check.headrooms, *alternative_headrooms(choices)))
        error = quota_refusal(done.check, ENDPOINT_HINTS)
        if error:
            raise error


def _check_same_type(
    client: AwsClient, done: Deployment, endpoint: Endpoint, wanted: InstanceConfig, *, named: bool
) -> None:
    """See what an endpoint that exists runs on, and what it costs.

    Raises:
        UsageError: another type was named, or AWS does not tell which type it has.
    """
    done.fleet = _read_fleet(client, endpoint)
    types = {*(wanted.preferences or (wanted.instance_type,))}
    if isinstance(done.fleet, Unknown):
        said = f", on instances that are not known: {done.fleet.reason}" if named else ""
    else:
        done.bills = price_cost_item(client, Workload.ENDPOINT, done.fleet)
        there = {*(done.fleet.preferences or (done.fleet.instance_type,))}
        said = f", on {done.fleet.types_text}" if named and not there <= types else ""
    if said:
        text = f"The endpoint {endpoint.name} already exists{said}."
        raise UsageError("endpoint-exists", text, f"Remove it first: opskit cleanup {done.workflow.cli_ref}")


def _read_fleet(client: AwsClient, endpoint: Endpoint) -> InstanceConfig | Unknown:
    found = resources.read_endpoint_instances(client, endpoint.config)
    return Unknown(f"its configuration {endpoint.config} was deleted") if found is None else found
