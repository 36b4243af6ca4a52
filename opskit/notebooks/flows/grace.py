"""See whose graces of notebooks have begun."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.core.clock import Clock
from opskit.keeps.flows.grace import settle_sent_graces
from opskit.notebooks.flows.inspect import read_tags_or_unknown
from opskit.notebooks.flows.stop_action import StopAction, StopPolicy


def settle_graces(actions: Sequence[StopAction], terms: StopPolicy, clock: Clock) -> tuple[StopAction, ...]:
    """The same with ``grace_begun`` where a grace has begun with this run. Reads the tags once more, two seconds after
    the last of them was sent: by then of several runs at once the last one's stands.
    """
    return settle_sent_graces(actions, _tags_of_notebook, terms.run_id, clock)


def _tags_of_notebook(action: StopAction) -> tuple[str, object]:
    seen = action.inspected
    return seen.notebook.arn, read_tags_or_unknown(seen.client, seen.notebook)
