"""Is an endpoint idle? Evidence in, verdict out.

An endpoint is idle only where everything was read and nothing speaks against it. AWS publishes ``Invocations`` only
for minutes in which there were some, so no data points mean none, but only where CloudWatch's answer is whole: what it
refused, throttled or left unfinished is unknown, and unknown is never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from opskit.core.aws_statuses import EndpointStatus
from opskit.core.grace import Patience, price_patience
from opskit.core.model import Unknown
from opskit.core.tags import DEPLOYED_UNTIL, MAX_CLOCK_SKEW, SAGEMAKER_BEGAN, keep_reason, parse_timestamp
from opskit.core.text import format_duration
from opskit.endpoints.rules.model import EndpointUse, EndpointVerdict, HostedEndpoint

_AFTER_BOUND = timedelta(hours=1)
"""So long without an invocation an endpoint is idle whose ``deploy --for`` is over."""
_SHORTEST_PATIENCE = timedelta(hours=1)
"""However dear an endpoint is, it is not idle sooner: CloudWatch lags, and its points are minutes long."""


@dataclass(frozen=True)
class EndpointPolicy:
    """What the user calls idle: no invocation, deployment or scaling for ``after``. ``production`` are the tags
    (``env=prod``, in upper or lower case) of endpoints that are never stopped for being idle. ``patience_usd``: an
    endpoint whose price is known may instead be idle for as long as it costs that much (None: ``after`` counts);
    ``after_because`` then says how that makes the time of one endpoint.
    """

    after: timedelta = timedelta(days=14)
    production: tuple[str, ...] = ()
    patience_usd: Decimal | None = None
    after_because: str = ""

    @property
    def patience(self) -> Patience:
        """After how long an endpoint is idle."""
        return Patience(self.after, self.after_because)

    def for_price(self, usd_per_hour: Decimal | None) -> EndpointPolicy:
        """The policy for one endpoint, by its price in USD per hour (None: nobody knows it)."""
        patience = price_patience(self.patience_usd, usd_per_hour, self.after, _SHORTEST_PATIENCE)
        return replace(self, after=patience.span, after_because=patience.because, patience_usd=None)


@dataclass(frozen=True)
class EndpointAssessment:
    """The verdict over one endpoint and why. ``idle`` None: it cannot be told. ``readable`` False: something that the
    verdict needs could not be read.
    """

    verdict: EndpointVerdict
    reason: str
    idle: timedelta | None = None
    readable: bool = True

    @property
    def is_idle(self) -> bool:
        """Whether nobody invokes it."""
        return self.verdict.is_idle


def assess_endpoint(
    endpoint: HostedEndpoint,
    tags: Mapping[str, str] | Unknown,
    use: EndpointUse | Unknown | None,
    policy: EndpointPolicy,
    now: datetime,
) -> EndpointAssessment:
    """The verdict over what was read at ``now``. ``use`` None: it was not asked for."""
    if (by_status := _assess_status(endpoint)) is not None:
        return by_status
    if isinstance(tags, Unknown):
        return _unreadable(f"its tags could not be read: {tags.reason}")
    if (kept := protection_reason(tags, policy, now)) is not None:
        return EndpointAssessment(EndpointVerdict.PROTECTED, kept)
    if endpoint.is_deploying:
        return EndpointAssessment(EndpointVerdict.BUSY, "a deployment is in progress")
    if (impossible := _impossible_time(endpoint, now)) is not None:
        return _unreadable(impossible)
    if use is None:
        return _unreadable("its invocations were not read")
    if isinstance(use, Unknown):
        return _unreadable(f"its invocations could not be read: {use.reason}")
    return _assess_use(endpoint, use, endpoint_patience(endpoint, tags, policy), now)


def _impossible_time(endpoint: HostedEndpoint, now: datetime) -> str | None:
    """What AWS says of a change at a time when there can have been none; None: of none."""
    if max(endpoint.created, endpoint.modified) > now + MAX_CLOCK_SKEW:
        return "AWS says that it changed in the future: check this machine's clock"
    earliest = min(endpoint.created, endpoint.modified)
    return f"AWS says that it changed in {earliest.year}" if earliest < SAGEMAKER_BEGAN else None


def protection_reason(tags: Mapping[str, str], policy: EndpointPolicy, now: datetime) -> str | None:
    """Why the tags forbid to stop an endpoint for being idle; None where they do not."""
    if (kept := keep_reason(tags, now)) is not None:
        return kept
    if DEPLOYED_UNTIL in tags:
        until = parse_timestamp(tags[DEPLOYED_UNTIL])
        if until is None:
            return f"the time in its tag {DEPLOYED_UNTIL} cannot be read"
        if until > now:
            return f"deployed until {until:%Y-%m-%d %H:%M} UTC"
    return next(
        (f"its tag {key}={value} says production" for key, value in tags.items() if _is_in(key, value, policy)), None
    )


def _is_in(key: str, value: str, policy: EndpointPolicy) -> bool:
    said = f"{key.strip()}={value.strip()}".casefold()
    return said in {each.strip().casefold() for each in policy.production}


def endpoint_patience(endpoint: HostedEndpoint, tags: Mapping[str, str] | Unknown, policy: EndpointPolicy) -> Patience:
    """After how long it is idle: sooner where whoever deployed it said for how long, and that is over. A bound from
    before it was made is that of an earlier life.
    """
    bound = None if isinstance(tags, Unknown) else parse_timestamp(tags.get(DEPLOYED_UNTIL))
    if bound is None or bound <= endpoint.created or policy.after <= _AFTER_BOUND:
        return policy.patience
    return Patience(_AFTER_BOUND, f"its time, {DEPLOYED_UNTIL}, is over")


def _assess_status(endpoint: HostedEndpoint) -> EndpointAssessment | None:
    """What the status alone tells; None: it is in service."""
    said = f"AWS says {endpoint.status}"
    match EndpointStatus(endpoint.status):
        case EndpointStatus.IN_SERVICE:
            return None
        case EndpointStatus.CREATING:
            return EndpointAssessment(EndpointVerdict.STARTING, said)
        case EndpointStatus.UPDATING | EndpointStatus.SYSTEM_UPDATING | EndpointStatus.ROLLING_BACK:
            return EndpointAssessment(EndpointVerdict.BUSY, f"a deployment is in progress ({said})")
        case EndpointStatus.DELETING:
            return EndpointAssessment(EndpointVerdict.STOPPED, said)
        case EndpointStatus.FAILED:
            return EndpointAssessment(EndpointVerdict.FAILED, f"{said}: {endpoint.failure or 'it gives no reason'}")
        case EndpointStatus.OUT_OF_SERVICE | EndpointStatus.UPDATE_ROLLBACK_FAILED:
            return EndpointAssessment(EndpointVerdict.UNKNOWN, f"{said}, during which it may bill")
        case EndpointStatus.UNKNOWN:
            return _unreadable(f"{said}, which opskit does not know")


def _unreadable(reason: str) -> EndpointAssessment:
    return EndpointAssessment(EndpointVerdict.UNKNOWN, reason, readable=False)


def _assess_use(endpoint: HostedEndpoint, use: EndpointUse, patience: Patience, now: datetime) -> EndpointAssessment:
    latest, what = max([(endpoint.created, "created"), (endpoint.modified, "deployed or scaled"), *_invoked(use)])
    age = max(now - latest, timedelta(0))
    if latest > now + MAX_CLOCK_SKEW:
        return _unreadable(f"it is said to be {what} in the future ({latest:%Y-%m-%d %H:%M} UTC)")
    if age < patience.span:
        since = _since_invoked(use, now, age) if what == "invoked" else format_duration(age)
        return EndpointAssessment(EndpointVerdict.BUSY, f"last {what} {since} ago, less than {patience}", age)
    if isinstance(use.backlog, int) and use.backlog > 0:
        return EndpointAssessment(EndpointVerdict.BUSY, f"{use.backlog} requests wait in its queue")
    if (unread := use.unread()) is not None:
        return _unreadable(f"its invocations could not be read: {unread.reason}")
    if not use.invocations:
        return _unreadable("AWS names no variant of it whose invocations could be read")
    if use.since > now - patience.span:
        return _unreadable(f"its invocations were read for {format_duration(now - use.since)} only")
    limit = f"; it may be idle for {patience}" if patience.because else ""
    if what == "invoked":
        return EndpointAssessment(EndpointVerdict.IDLE, f"last invoked {_since_invoked(use, now, age)} ago{limit}", age)
    # Before the time that was asked about it may have been invoked, so that is all that can be said.
    silent = min(age, now - use.since)
    said = f"no invocation in {format_duration(silent)}; {what} {format_duration(age)} ago"
    return EndpointAssessment(EndpointVerdict.IDLE, f"{said}{limit}", silent)


def _since_invoked(use: EndpointUse, now: datetime, least: timedelta) -> str:
    """The time since the last invocation. CloudWatch tells only in which period one was: from ``least`` since the end
    of that to the time since its beginning.
    """
    most = max(now - (use.last_invocation() or now), least)
    bounds = dict.fromkeys((format_duration(least), format_duration(most)))
    return " to ".join(bounds)


def _invoked(use: EndpointUse) -> list[tuple[datetime, str]]:
    last = use.last_use()
    return [] if last is None else [(last, "invoked")]
