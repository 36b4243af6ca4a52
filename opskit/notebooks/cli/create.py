"""``opskit notebook create``: a notebook instance, after its quota and its role were checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.common_options import NoOwnerOption, OwnerOption, resolve_owner
from opskit.notebooks.cli.app import WaitOption, notebook_app

if TYPE_CHECKING:
    from opskit.output.result import CommandResult


@register_command(notebook_app, "notebook", "create")
def create_notebook_command(
    ctx: CommandContext,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    instance_type: Annotated[
        str | None, typer.Option("--instance-type", "-t", metavar="TYPE", help="Instance type (default ml.t2.medium).")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            "--role", metavar="ARN", help="Execution role (default: opskit-notebook, created if it does not exist)."
        ),
    ] = None,
    role_boundary: Annotated[
        str | None,
        typer.Option("--role-boundary", metavar="ARN", help="Permissions boundary of the role, if it is created."),
    ] = None,
    git: Annotated[str | None, typer.Option("--git", metavar="URL", help="Git repository to clone.")] = None,
    volume: Annotated[int, typer.Option("--volume", metavar="GB", help="EBS volume size in GB.")] = 5,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="K=V", help="Tag to add; repeatable.")] = None,
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Skip the quota check.")] = False,
    owner: OwnerOption = None,
    no_owner: NoOwnerOption = False,
    wait: WaitOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before creating a role.")] = False,
) -> CommandResult:
    """Create a notebook instance if its quota allows it.

    Without --role the notebook uses the role opskit-notebook, which is created if it does not exist. The role can
    train and deploy, and can access no S3 bucket other than the account's sagemaker-REGION-ACCOUNT.
    """
    from opskit.core.clock import Clock
    from opskit.notebooks.flows.create import (
        CreateOutcome,
        CreateResult,
        create_notebook,
        plan_notebook,
        wait_until_running,
    )
    from opskit.notebooks.render.create import create_result, describe_rights
    from opskit.notebooks.rules.create_request import parse_notebook_spec
    from opskit.output.progress import watch_progress
    from opskit.output.result import result_with_error

    ctx.treat_sigterm_as_interrupt()
    role = role or ctx.settings.get("execution-role")
    spec = parse_notebook_spec(
        name,
        instance_type,
        role=role,
        git=git,
        volume_gb=volume,
        tags=tag or (),
        guard=not no_guard,
        role_boundary=role_boundary,
    )
    clock, client = Clock(), ctx.client()
    plan = plan_notebook(client, spec, resolve_owner(ctx, owner, untagged=no_owner), clock.now())
    if dry_run and not plan.blockers and not plan.existing:
        asks = plan.role is not None and plan.role.needs_consent
        missing = ctx.missing_consent(yes=yes) if asks else None
        return result_with_error(create_result(CreateResult(plan, CreateOutcome.PLANNED)), missing)
    if plan.role and plan.role.needs_consent and not plan.blockers:
        ctx.confirm(describe_rights(plan), yes=yes)
    with watch_progress(ctx.screen) as emit:
        done = create_notebook(client, plan, clock, emit)
        return create_result(wait_until_running(client, done, clock, emit) if wait and not dry_run else done)
