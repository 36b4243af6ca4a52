"""``opskit endpoint stop``: stop endpoints by name, or all that are idle, so that they can be brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.account_options import AccountUse
from opskit.cli.command import CommandContext, register_command
from opskit.core.exceptions import Problem, UsageError
from opskit.core.setting_values import parse_duration, parse_tag_filter
from opskit.endpoints.cli.app import (
    EndpointAfterOption,
    EndpointMatchOption,
    EndpointOwnerOption,
    EndpointPatienceOption,
    EndpointTagOption,
    endpoint_app,
    read_endpoint_policy,
)
from opskit.notifications.cli import UNATTENDED

if TYPE_CHECKING:
    from opskit.endpoints.flows.inspect import EndpointInspection
    from opskit.endpoints.flows.stop_plan import EndpointStop
    from opskit.output.result import CommandResult


@register_command(endpoint_app, "endpoint", "stop", wrapper=UNATTENDED, accounts=AccountUse.CHANGES)
def stop_endpoints_command(
    ctx: CommandContext,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...")] = None,
    idle: Annotated[bool, typer.Option("--idle", help="Stop all idle endpoints.")] = False,
    after: EndpointAfterOption = None,
    patience_usd: EndpointPatienceOption = None,
    grace: Annotated[
        str | None,
        typer.Option(
            "--grace", metavar="TIME", help="Tag idle endpoints first; stop them on a later run, once TIME has passed."
        ),
    ] = None,
    match: EndpointMatchOption = "*",
    tag: EndpointTagOption = None,
    owner: EndpointOwnerOption = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="Refuse to stop more than N in one run (default 10)."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Stop without asking.")] = False,
) -> CommandResult:
    """Stop endpoints by name, or all that are idle, so that they can be brought back.

    A stop deletes the endpoint and keeps its configuration and model. What brings it back is first written onto the
    configuration, as tags.
    """
    from opskit.core.clock import Clock
    from opskit.endpoints.flows.inspect import EndpointFilter, inspect_endpoints
    from opskit.endpoints.flows.stop import execute_endpoint_stops
    from opskit.endpoints.flows.stop_plan import EndpointStopPolicy, confirm_endpoint_graces, plan_endpoint_stops
    from opskit.endpoints.render.stop import (
        describe_stop_plan,
        endpoint_stop_refused,
        endpoint_stop_result,
        refuse_plan,
    )

    if names and idle:
        text = "--idle looks at all endpoints, and names were given too."
        raise UsageError("what-to-stop", text, "Leave out one of the two; --match narrows --idle.")
    if not (names or idle):
        raise UsageError("what-to-stop", "Give endpoint names or --idle.", "`opskit endpoint list` shows them.")
    policy = read_endpoint_policy(ctx.settings, after, patience_usd)
    terms = EndpointStopPolicy(policy, parse_duration(grace) if grace else None, by_name=not idle)
    clock = Clock()
    meant = EndpointFilter(names or (), match, parse_tag_filter(tag), owner)
    if ctx.planned is not None:
        meant = replace(meant, names=ctx.planned.names)
    inspection = _only_planned(ctx, inspect_endpoints(ctx.clients(), policy, now := clock.now(), meant))
    plan = plan_endpoint_stops(inspection, terms, now)
    found = {action.inspected.endpoint.name for action in plan}
    missing = [name for name in ctx.names_to_find(names) if name not in found]
    most = ctx.settings.resolve("endpoint.limit", limit) if idle or limit or meant.is_narrow else len(plan)
    if (refusal := _limit_refusal(plan, most)) is not None:
        return endpoint_stop_refused(refuse_plan(plan), inspection, refusal)
    if dry_run:
        return endpoint_stop_result(plan, inspection, missing)
    if any(action.outcome_is_planned for action in plan):
        ctx.confirm(describe_stop_plan(plan), yes=yes, what="This deletes endpoints")
    done = confirm_endpoint_graces(execute_endpoint_stops(plan, terms, clock), terms, clock)
    return endpoint_stop_result(done, inspection, missing)


def _only_planned(ctx: CommandContext, inspection: EndpointInspection) -> EndpointInspection:
    """What was seen of the endpoints that a plan over several accounts names; of all, where there is none."""
    if (planned := ctx.planned) is None:
        return inspection
    seen = (each for each in inspection.endpoints if (each.endpoint.region, each.endpoint.name) in planned.found)
    return replace(inspection, endpoints=tuple(seen))


def _limit_refusal(plan: Sequence[EndpointStop], most: int) -> Problem | None:
    """Why a plan is not carried out; None where it may be."""
    stops = [action for action in plan if action.outcome_is_planned]
    # Whatever was confirmed: ``--yes`` is needed for any stop, so it raises no limit.
    if len(stops) > most:
        text = f"{len(stops)} endpoints would be stopped, more than {most}."
        return Problem("over-limit", text, f"Add --limit {len(stops)}.")
    return None
