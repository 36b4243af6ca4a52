"""What is due for one endpoint, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_hex

from opskit.core.exceptions import Problem
from opskit.core.grace import IdleStep
from opskit.core.model import Unknown
from opskit.core.stop_outcome import StopOutcome
from opskit.endpoints.flows.inspect import InspectedEndpoint
from opskit.endpoints.rules.idleness import EndpointPolicy


@dataclass(frozen=True)
class EndpointStop:
    """One endpoint: what was seen, what is due, and what became of that.

    ``outcome`` None: there was nothing to do, or nothing but its tag. ``looked_ms_ago`` is how old the oldest of what
    the change stands on was when it was sent; None: none was. ``stops_at`` is when a grace ends that runs or begins,
    ``grace_begun`` whether it began with this run. ``question`` is what somebody has to agree to, ``refusal`` why it is
    left alone though it was to be stopped. ``return_note`` says whether the quota will be there when it is brought
    back, ``data_unread`` why it is not known whether the models' data are in S3.
    """

    inspected: InspectedEndpoint
    step: IdleStep
    reason: str
    outcome: StopOutcome | None = None
    status: str | None = None
    looked_ms_ago: int | None = None
    stops_at: datetime | None = None
    grace_begun: bool = False
    question: Problem | None = None
    refusal: Problem | None = None
    return_note: str | Unknown | None = None
    data_unread: Unknown | None = None

    @property
    def is_planned(self) -> bool:
        """Whether it is yet to be stopped."""
        return self.outcome is not None and self.outcome.is_planned

    @property
    def will_stop(self) -> bool:
        """Whether it is to be stopped."""
        return self.step.is_stop

    @property
    def is_done(self) -> bool:
        """Whether this run stopped it."""
        return self.outcome is StopOutcome.DONE

    @property
    def sent_grace(self) -> bool:
        """Whether a tag that begins a grace was sent, and AWS has not refused it."""
        return self.step.begins_grace and (self.looked_ms_ago is not None or self.outcome_is_unknown)

    @property
    def outcome_is_unknown(self) -> bool:
        """Whether what was sent may have taken effect."""
        return self.outcome is not None and self.outcome.is_unknown

    @property
    def is_unreadable(self) -> bool:
        """Whether it is kept because something could not be read."""
        return not self.will_stop and not self.inspected.assessment.readable


@dataclass(frozen=True)
class EndpointStopPolicy:
    """What the user calls idle, and how long an idle endpoint stays tagged before it is stopped (None: no tags at all).
    ``run_id`` tells the tags of this run from those of others. ``by_name``: endpoints were named, so idleness does not
    decide.
    """

    idle_policy: EndpointPolicy
    grace: timedelta | None = None
    by_name: bool = False
    run_id: str = field(default_factory=lambda: token_hex(4))
