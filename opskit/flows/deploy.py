"""Puts a workflow's newest model behind an endpoint, quota first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from opskit.aws import Door
from opskit.decide.demands import parse_instance_type
from opskit.decide.guard import HINTS_OF_AN_ENDPOINT, Part, refusal
from opskit.decide.headroom import QuotaCheck
from opskit.decide.naming import belongs_to
from opskit.decide.running import NOTHING_RUNS
from opskit.errors import ExitCode, OpskitError, Problem, UsageProblem
from opskit.flows.check_quotas import check_quotas
from opskit.flows.clock import Clock
from opskit.flows.endpoint import put_behind_endpoint
from opskit.flows.events import Tell, news_only
from opskit.left_running import Running
from opskit.model import Fleet, Usage, Workflow
from opskit.observe import jobs
from opskit.observe.prices import Component, read_price
from opskit.sdk import check_installed


@dataclass
class Deployment:
    """A deployment and how far it came.

    None means for ``model`` and ``endpoint``: not reached; ``part``: the endpoint is there already, and nothing more
    is to be paid for; ``check``: the quota was not looked at. ``others`` are endpoints of older models that bill too.
    """

    workflow: Workflow
    region: str
    fleet: Fleet
    model: str | None = None
    endpoint: str | None = None
    part: Part | None = None
    check: QuotaCheck | None = None
    others: tuple[str, ...] = ()
    is_plan: bool = False
    running: tuple[Running, ...] = ()
    exit: ExitCode = ExitCode.DONE
    problems: list[Problem] = field(default_factory=list)


def deploy(
    door: Door,
    workflow: Workflow,
    instance_type: str | None,
    clock: Clock,
    tell: Tell,
    *,
    guard: bool = True,
    dry_run: bool = False,
) -> Deployment:
    """Deploy the newest model of a workflow; what stopped it is in ``exit`` and ``problems``.

    Raises:
        UsageProblem: the instance type cannot be one.
    """
    kind = parse_instance_type(instance_type or workflow.endpoint.instance_type)
    fleet = replace(workflow.endpoint, instance_type=kind)
    done = Deployment(workflow, door.region, fleet, is_plan=dry_run)
    try:
        check_installed("Deploying")
        done.model = _newest_model(door, workflow)
        _look(door, done, done.model, clock, named=instance_type is not None, guard=guard)
        if not dry_run:
            done.endpoint = put_behind_endpoint(door, workflow, fleet, done.model, clock, news_only(tell))
    except OpskitError as error:
        done.exit = error.exit
        done.problems.append(error.problem)
    except KeyboardInterrupt:
        done.exit = ExitCode.INTERRUPTED
        done.problems.append(NOTHING_RUNS)
    done.running = door.left_running.whatever_runs(unreached=True)
    return done


def _newest_model(door: Door, workflow: Workflow) -> str:
    ours = [name for name in jobs.models(door, f"{workflow.name}-") if belongs_to(workflow.name, name)]
    if ours:
        return ours[0]
    text = f"There is no model of '{workflow.name}' in {door.region}."
    raise UsageProblem("no-model", text, f"Train one: opskit train {workflow.word}")


def _look(door: Door, done: Deployment, model: str, clock: Clock, *, named: bool, guard: bool) -> None:
    """Price and room of an endpoint that is still to be made.

    Raises:
        UsageProblem: there is one, on other instances than those that were named.
        Refused: there is no room.
        Unreadable: whether there is room cannot be told.
    """
    listed = jobs.endpoints(door, f"{done.workflow.name}-")
    ours = [name for name, status in listed.items() if belongs_to(done.workflow.name, name) and status != "Deleting"]
    done.others = tuple(name for name in ours if name != model)
    if model in ours:
        _check_same(door, done, model, named=named)
        return
    done.part = Part(Usage.ENDPOINT, done.fleet, read_price(door, done.fleet.instance_type, Component.HOSTING))
    if guard:
        done.check = check_quotas([door], [done.part.demand()], clock.now())
        error = refusal(done.check, HINTS_OF_AN_ENDPOINT)
        if error:
            raise error


def _check_same(door: Door, done: Deployment, name: str, *, named: bool) -> None:
    found = jobs.endpoint(door, name)
    there = jobs.endpoint_fleet(door, found.config) if found else None
    if there and named and there.instance_type != done.fleet.instance_type:
        text = f"The endpoint {name} is there already, on {there.instance_type}."
        raise UsageProblem("endpoint-exists", text, f"Remove it first: opskit cleanup {done.workflow.word}")
    done.fleet = there or done.fleet
