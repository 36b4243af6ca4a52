"""Keep a notebook from being stopped, and stop keeping it: tags on it, which everybody sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from opskit.act import notebooks as act
from opskit.aws import Door
from opskit.decide.keeping import KEEPING, Keep, StandingKeep, standing_keep, with_reason_of, would_shorten
from opskit.errors import ConsentMissing, Denied
from opskit.flows.clock import Clock
from opskit.flows.learnt_pace import LearntPace, until_taken
from opskit.flows.made import made
from opskit.flows.one_notebook import the_notebook
from opskit.model import Notebook, Unread
from opskit.observe.notebooks import tags
from opskit.observe.quotas import unread
from opskit.state.journal import confirm


@dataclass(frozen=True)
class KeepPlan:
    """A keep, and the one whose place it would take. ``standing`` None: the notebook is not kept; ``Unread``: the
    caller may not read its tags.
    """

    notebook: Notebook
    keep: Keep
    standing: StandingKeep | Unread | None

    @property
    def may_shorten(self) -> bool:
        """Whether the notebook would be kept for less long than now, as far as is known."""
        if isinstance(self.standing, Unread):
            return self.keep.until is not None
        return self.standing is not None and would_shorten(self.standing, self.keep)


def plan_keep(door: Door, name: str, keep: Keep, clock: Clock) -> KeepPlan:
    """See what a keep would replace. Where it takes nothing away, a reason that is there already stays.

    Raises:
        UsageProblem: there is no such notebook.
        AwsFailure: AWS does not say how it is.
    """
    found = the_notebook(door, name)
    standing = _standing(door, found, clock)
    if isinstance(standing, StandingKeep) and not would_shorten(standing, keep):
        keep = with_reason_of(standing, keep)
    return KeepPlan(found, keep, standing)


def keep_notebook(door: Door, plan: KeepPlan, clock: Clock) -> None:
    """Put a keep in the place of the one that was seen. The new tags come first: at no moment is it not kept.

    Raises:
        ConsentMissing: somebody has kept it otherwise meanwhile, and nobody agreed to replace that.
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    found, keep = plan.notebook, plan.keep
    made(
        partial(_send_tags, door, plan, clock),
        lambda: keep.tags.items() <= tags(door, found.arn).items(),
        clock,
        partial(confirm, door, act.TAG, found.name, "the tags are there"),
    )
    _untag(door, found, keep.obsolete, clock)


def unkeep_notebook(door: Door, name: str, clock: Clock) -> tuple[Notebook, list[str], StandingKeep | Unread | None]:
    """Take every keep off a notebook: which tags went, and how it was kept. No tags: it was not kept.

    Raises:
        UsageProblem: there is no such notebook.
        ConsentMissing: somebody has kept it otherwise meanwhile.
        AwsFailure: AWS refused.
    """
    found = the_notebook(door, name)
    standing = _standing(door, found, clock)
    return found, _untag(door, found, KEEPING, clock), standing


def _standing(door: Door, notebook: Notebook, clock: Clock) -> StandingKeep | Unread | None:
    told = _tags_or_denied(door, notebook)
    return told if isinstance(told, Unread) else standing_keep(told, clock.now())


def _tags_or_denied(door: Door, notebook: Notebook) -> Mapping[str, str] | Unread:
    try:
        return tags(door, notebook.arn)
    except Denied as failure:
        return unread(failure)


def _send_tags(door: Door, plan: KeepPlan, clock: Clock) -> None:
    """Send the tags of a keep, each time after a look: while nobody looked, somebody may have kept it for longer."""
    with act.tag_intended(door, plan.notebook, plan.keep.tags) as intent:

        def attempt() -> None:
            standing = _standing(door, plan.notebook, clock)
            if isinstance(standing, StandingKeep) and standing != plan.standing and would_shorten(standing, plan.keep):
                text = f"Somebody has kept {plan.notebook.name} meanwhile ({standing.because}). Nothing was changed."
                raise ConsentMissing("kept-meanwhile", text, "Run the command again to replace that.")
            intent.send(plan.keep.tags)

        until_taken(LearntPace(clock), attempt)


def _untag(door: Door, notebook: Notebook, keys: Sequence[str], clock: Clock) -> list[str]:
    """Remove those of the tags that are there; where the tags may not be read, all of them."""
    told = _tags_or_denied(door, notebook)
    there = list(keys) if isinstance(told, Unread) else [key for key in told if key in keys]
    if there:
        pace = LearntPace(clock)
        with act.untag_intended(door, notebook, there) as intent:

            def attempt() -> None:
                if pace.was_refused and _tags_or_denied(door, notebook) != told:
                    text = (
                        f"Somebody has changed the tags of {notebook.name} meanwhile; these stay: {', '.join(there)}."
                    )
                    raise ConsentMissing("kept-meanwhile", text, "Run the command again.")
                intent.send()

            until_taken(pace, attempt)
    return there
