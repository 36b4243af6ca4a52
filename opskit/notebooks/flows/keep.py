"""Keep a notebook from being stopped, and stop keeping it: tags on it, which everybody sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from opskit.aws.adaptive_pacing import AdaptivePacer, send_until_accepted
from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once
from opskit.aws.resource_tags import read_tags
from opskit.core.clock import Clock
from opskit.core.exceptions import AccessDenied, AwsError, ConfirmationRequired, OpskitError
from opskit.core.model import Notebook, Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.notebooks.changes import notebooks as changes
from opskit.notebooks.reads.notebooks import get_notebook
from opskit.notebooks.rules.actions import NotebookAction
from opskit.notebooks.rules.keep import (
    KEEP_TAG_KEYS,
    KeepTags,
    StandingKeep,
    inherit_reason,
    standing_keep,
    would_shorten,
)
from opskit.state.journal import mark_done


@dataclass(frozen=True)
class KeepPlan:
    """A keep, and the one whose place it would take. ``standing`` None: the notebook is not kept; ``Unknown``: the
    caller may not read its tags.
    """

    notebook: Notebook
    keep: KeepTags
    standing: StandingKeep | Unknown | None

    @property
    def may_shorten(self) -> bool:
        """Whether the notebook would be kept for less long than now, as far as is known."""
        if isinstance(self.standing, Unknown):
            return self.keep.until is not None
        return self.standing is not None and would_shorten(self.standing, self.keep)


def plan_keep(client: AwsClient, name: str, keep: KeepTags, clock: Clock) -> KeepPlan:
    """See what a keep would replace. Where it takes nothing away, a reason that is there already stays.

    Raises:
        UsageError: there is no such notebook.
        AwsError: AWS does not say how it is.
    """
    found = get_notebook(client, name)
    standing = _read_standing_keep(client, found, clock)
    if isinstance(standing, StandingKeep) and not would_shorten(standing, keep):
        keep = inherit_reason(standing, keep)
    return KeepPlan(found, keep, standing)


def keep_notebook(client: AwsClient, plan: KeepPlan, clock: Clock) -> None:
    """Put a keep in the place of the one that was seen. The new tags come first: at no moment is it not kept.

    Raises:
        ConfirmationRequired: somebody has kept it otherwise meanwhile, and nobody agreed to replace that.
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    found, keep = plan.notebook, plan.keep
    create_once(
        partial(_send_keep_tags, client, plan, clock),
        lambda: keep.tags.items() <= read_tags(client, found.arn).items(),
        clock,
        partial(mark_done, client, NotebookAction.TAG, found.name, "the tags are there"),
    )
    _remove_tags(client, found, keep.tags_to_remove, clock)


def keep_all(client: AwsClient, plans: Sequence[KeepPlan], clock: Clock) -> list[OpskitError | None]:
    """Keep several; one that fails does not hinder the others. Why each is not kept, None where it is."""
    return [_keep_or_error(client, plan, clock) for plan in plans]


def _keep_or_error(client: AwsClient, plan: KeepPlan, clock: Clock) -> OpskitError | None:
    try:
        keep_notebook(client, plan, clock)
    except (AwsError, ConfirmationRequired) as error:
        return error
    return None


def unkeep_notebook(
    client: AwsClient, name: str, clock: Clock, *, dry_run: bool = False
) -> tuple[Notebook, list[str], StandingKeep | Unknown | None]:
    """Take every keep off a notebook: which tags went, or with ``dry_run`` would go, and how it was kept. No tags: it
    was not kept.

    Raises:
        UsageError: there is no such notebook.
        ConfirmationRequired: somebody has kept it otherwise meanwhile.
        AwsError: AWS refused.
    """
    found = get_notebook(client, name)
    standing = _read_standing_keep(client, found, clock)
    if dry_run:
        return found, _present_tags(_tags_or_denied(client, found), KEEP_TAG_KEYS), standing
    return found, _remove_tags(client, found, KEEP_TAG_KEYS, clock), standing


def _read_standing_keep(client: AwsClient, notebook: Notebook, clock: Clock) -> StandingKeep | Unknown | None:
    told = _tags_or_denied(client, notebook)
    return told if isinstance(told, Unknown) else standing_keep(told, clock.now())


def _tags_or_denied(client: AwsClient, notebook: Notebook) -> Mapping[str, str] | Unknown:
    try:
        return read_tags(client, notebook.arn)
    except AccessDenied as failure:
        return unknown_from_error(failure)


def _send_keep_tags(client: AwsClient, plan: KeepPlan, clock: Clock) -> None:
    """Send the tags of a keep, each time after a look: while nobody looked, somebody may have kept it for longer."""
    with changes.prepare_tagging(client, plan.notebook, plan.keep.tags) as intent:

        def attempt() -> None:
            standing = _read_standing_keep(client, plan.notebook, clock)
            if isinstance(standing, StandingKeep) and standing != plan.standing and would_shorten(standing, plan.keep):
                text = f"Somebody has kept {plan.notebook.name} meanwhile ({standing.why_kept}). Nothing was changed."
                raise ConfirmationRequired("kept-meanwhile", text, "Run the command again to replace that.")
            intent.send_change(plan.keep.tags)

        send_until_accepted(AdaptivePacer(clock), attempt)


def _present_tags(told: Mapping[str, str] | Unknown, keys: Sequence[str]) -> list[str]:
    """Those of the keys that are there, or may be."""
    return list(keys) if isinstance(told, Unknown) else [key for key in told if key in keys]


def _remove_tags(client: AwsClient, notebook: Notebook, keys: Sequence[str], clock: Clock) -> list[str]:
    """Remove those of the tags that are there; where the tags may not be read, all of them."""
    told = _tags_or_denied(client, notebook)
    there = _present_tags(told, keys)
    if there:
        pace = AdaptivePacer(clock)
        with changes.prepare_untagging(client, notebook, there) as intent:

            def attempt() -> None:
                if pace.was_throttled and _tags_or_denied(client, notebook) != told:
                    text = (
                        f"Somebody has changed the tags of {notebook.name} meanwhile; these stay: {', '.join(there)}."
                    )
                    raise ConfirmationRequired("kept-meanwhile", text, "Run the command again.")
                intent.send_change()

            send_until_accepted(pace, attempt)
    return there
