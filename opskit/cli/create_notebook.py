"""``opskit notebook create``: a notebook instance, quota and rights first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import Here, command
from opskit.cli.notebook import Wait, notebook_app

if TYPE_CHECKING:
    from opskit.show.answer import Answer


@command(notebook_app, "notebook", "create")
def create(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    instance_type: Annotated[
        str | None, typer.Option("--instance-type", "-t", metavar="TYPE", help="ml.t2.medium unless named.")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="ARN", help="The role it works with; unless set, one that opskit makes."),
    ] = None,
    git: Annotated[
        str | None, typer.Option("--git", metavar="URL", help="A repository to clone, such as the course's.")
    ] = None,
    volume: Annotated[int, typer.Option("--volume", metavar="GB", help="Room for its files.")] = 5,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="K=V", help="A tag; repeatable.")] = None,
    no_guard: Annotated[bool, typer.Option("--no-guard", help="Do not look at the quotas first.")] = False,
    wait: Wait = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before making a role.")] = False,
) -> Answer:
    """Make a notebook, quota first.

    Without --role it works with the role opskit-notebook, made when it is missing: it trains and deploys, and opens
    no S3 bucket but the account's own sagemaker-REGION-ACCOUNT.
    """
    from opskit.decide.notebook_wish import wished
    from opskit.flows.clock import system_clock
    from opskit.flows.create_notebook import CreateOutcome, Creation, awaited, create_notebook, plan_notebook
    from opskit.show.notebook_making import creation, rights_in_words
    from opskit.show.progress import watching

    here.heed_end_from_outside()
    role = role or here.settings.get("execution-role")
    wish = wished(name, instance_type, role=role, git=git, volume_gb=volume, tags=tag or (), guard=not no_guard)
    clock, door = system_clock(), here.door()
    plan = plan_notebook(door, wish, clock.now())
    if dry_run and not plan.in_the_way and not plan.there:
        return creation(Creation(plan, CreateOutcome.PLANNED))
    if plan.role and plan.role.needs_consent and not plan.in_the_way:
        here.consent(rights_in_words(plan), yes=yes)
    with watching(here.screen) as tell:
        done = create_notebook(door, plan, clock, tell)
        return creation(awaited(door, done, clock, tell) if wait and not dry_run else done)
