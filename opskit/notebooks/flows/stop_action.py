"""What is due for one notebook, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex

from opskit.core.exceptions import Problem
from opskit.core.grace import IdleStep
from opskit.core.stop_outcome import StopOutcome
from opskit.notebooks.flows.inspect import InspectedNotebook, has_unreadable_evidence
from opskit.notebooks.rules.idleness import IdlePolicy


@dataclass(frozen=True)
class StopAction:
    """One notebook: what was seen, what is due, and what became of that.

    ``outcome`` None: there was nothing to do, or nothing but its tag. ``status`` None: it is as it was seen.
    ``looked_ms_ago`` is how old the oldest of what the change stands on was when the change was sent, and
    ``inside_ms_ago`` the look inside; None: none was.
    ``stops_at`` is when a grace ends that runs or begins, ``grace_begun`` whether it began with this run.
    ``question`` is what somebody has to agree to before it is stopped, ``has_consent`` that somebody did, and
    ``refusal`` why the plan leaves it alone though it was named.
    """

    inspected: InspectedNotebook
    step: IdleStep
    reason: str
    outcome: StopOutcome | None = None
    status: str | None = None
    looked_ms_ago: int | None = None
    inside_ms_ago: int | None = None
    stops_at: datetime | None = None
    grace_begun: bool = False
    question: Problem | None = None
    has_consent: bool = False
    refusal: Problem | None = None

    @property
    def outcome_is_planned(self) -> bool:
        """Whether it is yet to be stopped."""
        return self.outcome is not None and self.outcome.is_planned

    @property
    def sent_grace(self) -> bool:
        """Whether a tag that begins a grace was sent, and AWS has not refused it."""
        return self.step.begins_grace and (self.looked_ms_ago is not None or self.outcome_is_unknown)

    @property
    def outcome_is_unknown(self) -> bool:
        """Whether what was sent may have taken effect."""
        return self.outcome is not None and self.outcome.is_unknown

    @property
    def will_stop(self) -> bool:
        """Whether it is to be stopped."""
        return self.step.is_stop

    @property
    def needs_look_inside(self) -> bool:
        """Whether it is to be stopped, or its grace is to begin."""
        return self.step.needs_look_inside

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of it, or that nobody knows."""
        return self.outcome is not None and not self.outcome.is_planned

    @property
    def is_unreadable(self) -> bool:
        """Whether it is kept because something could not be read."""
        return not self.will_stop and has_unreadable_evidence(self.inspected)


@dataclass(frozen=True)
class StopPolicy:
    """What the user calls idle, and how long an idle notebook stays tagged before it stops (None: no tags at all).
    ``run_id`` tells the tags of this run from those of others.
    """

    idle_policy: IdlePolicy
    grace: timedelta | None = None
    run_id: str = field(default_factory=lambda: token_hex(4))
