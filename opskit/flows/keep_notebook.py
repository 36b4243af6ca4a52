"""Keep a notebook from being stopped, and stop keeping it: tags on it, which everybody sees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from opskit.act import notebooks as act
from opskit.aws import Door
from opskit.decide.keeping import KEEPING, Keep
from opskit.errors import AwsFailure, Denied
from opskit.flows.clock import Clock
from opskit.flows.learnt_pace import LearntPace, until_taken
from opskit.flows.one_notebook import the_notebook
from opskit.model import Notebook
from opskit.observe.notebooks import tags


def keep_notebook(door: Door, name: str, keep: Keep, clock: Clock) -> Notebook:
    """Put a keep in the place of any older one. The new tags come first: at no moment is it not kept.

    Raises:
        UsageProblem: there is no such notebook.
        AwsFailure: AWS refused.
    """
    found = the_notebook(door, name)
    with act.tag_intended(door, found, keep.tags) as intent:
        until_taken(LearntPace(clock), partial(intent.send, keep.tags))
    _untag(door, found, keep.obsolete, clock)
    return found


def unkeep_notebook(door: Door, name: str, clock: Clock) -> tuple[Notebook, list[str]]:
    """Take every keep off a notebook; which tags went. None of them: it was not kept.

    Raises:
        UsageProblem: there is no such notebook.
        AwsFailure: AWS refused.
    """
    found = the_notebook(door, name)
    return found, _untag(door, found, KEEPING, clock)


def _untag(door: Door, notebook: Notebook, keys: Sequence[str], clock: Clock) -> list[str]:
    """Remove those of the tags that are there; where the tags may not be read, all of them."""
    try:
        there = [key for key in tags(door, notebook.arn) if key in keys]
    except AwsFailure as failure:
        if not isinstance(failure, Denied):
            raise
        there = list(keys)
    if there:
        with act.untag_intended(door, notebook, there) as intent:
            until_taken(LearntPace(clock), intent.send)
    return there
