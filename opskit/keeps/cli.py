"""The flags of every ``keep``, and how one runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext

if TYPE_CHECKING:
    from opskit.aws.client import AwsClient
    from opskit.core.clock import Clock
    from opskit.keeps.flows import KeptKind, ResourceT
    from opskit.keeps.rules import KeepTags
    from opskit.output.result import CommandResult


KeepForOption = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="How long, such as 36h (default: without end).")
]
KeepUntilOption = Annotated[
    str | None,
    typer.Option("--until", metavar="WHEN", help="Until when, such as 2026-12-24 or 2026-12-24T18:00 (UTC)."),
]
KeepReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Reason, shown to anyone who tries to stop it.")
]
KeepDryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]
KeepYesOption = Annotated[bool, typer.Option("--yes", "-y", help="Also shorten the time that it is protected.")]


def read_keep_tags(span: str | None, until: str | None, reason: str, clock: Clock) -> KeepTags:
    """The keep that was typed.

    Raises:
        UsageError: it makes no sense.
    """
    from opskit.keeps.rules import build_keep_tags, keep_duration

    now = clock.now()
    return build_keep_tags(keep_duration(span, until, now), reason, now)


def run_keep(
    ctx: CommandContext,
    client: AwsClient,
    kind: KeptKind[ResourceT],
    names: Sequence[str],
    keep: KeepTags,
    clock: Clock,
    *,
    is_chosen: bool,
    dry_run: bool,
    yes: bool,
) -> CommandResult:
    """Keep what has these names. ``is_chosen``: they were chosen by --match, --tag or --owner, so the answer is a list.

    Raises:
        ConfirmationRequired: a longer keep stands, and nobody agreed to replace it.
        OpskitError: it cannot be kept.
    """
    from opskit.keeps.flows import keep_resource, keep_resources, plan_keep
    from opskit.keeps.render import confirm_shortening_text, keep_all_result, keep_result
    from opskit.output.result import result_with_error

    plans = [plan_keep(client, kind, name, keep, clock) for name in names]
    shortened = [plan for plan in plans if plan.may_shorten]
    what = f"This may shorten the time that {', '.join(plan.resource.name for plan in shortened)} is protected,"
    is_one = len(plans) == 1 and not is_chosen
    if dry_run:
        missing = ctx.missing_consent(yes=yes, what=what) if shortened else None
        result = keep_result(plans[0], dry_run=True) if is_one else keep_all_result(plans, dry_run=True)
        return result_with_error(result, missing)
    if shortened:
        ctx.confirm("\n".join(map(confirm_shortening_text, shortened)), yes=yes, what=what)
    if not is_one:
        return keep_all_result(plans, keep_resources(client, plans, clock))
    keep_resource(client, plans[0], clock)
    return keep_result(plans[0])
