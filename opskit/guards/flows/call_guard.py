"""Looks at each SageMaker call of this process before it is sent, and raises where it may not be.

Calls of the same moment share what was read. Since that reading does not show what they start, what is let through is
counted on top of it: two calls that fit one by one, but not together, do not both pass. AWS's lists show what was made
only after a while, so it is counted until a reading shows it, or it is known to have ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import start_in_background
from opskit.aws.outgoing_calls import OutgoingCall
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OpskitError
from opskit.guards.flows.account_reading import READING_SECONDS, AccountReading, PendingReading, start_reading
from opskit.guards.rules.call_budget import CallPolicy
from opskit.guards.rules.call_refused import CallRefused
from opskit.guards.rules.call_verdict import CallVerdict, Outcome, judge_call, unknown_warning
from opskit.guards.rules.operations import is_plain_read, judge_request, starts_nothing
from opskit.guards.rules.request_model import InstanceNeed, NotDescribed, RequestNeeds, UnknownNeed
from opskit.guards.rules.started_resources import StartedResource, started_resource

# Nothing older than this is acted on: calls within it share one reading.
MOMENT_SECONDS = 1.0
# What no reading has shown by then was not made, or has ended unseen: lists lag by seconds, not by minutes.
UNSEEN_SECONDS = 300.0
# By then a Describe finds what was made.
FOUND_SECONDS = 30.0
# Each is one read more for a reading.
_MAX_DESCRIBED = 10


@dataclass(frozen=True)
class _SharedReading:
    account: tuple[object, ...]
    began: float
    pending: PendingReading


@dataclass(frozen=True, eq=False)
class _Grant:
    """Needs that were let through, and what they belong to; ``resource`` None: it cannot be told from others."""

    account: tuple[object, ...]
    at: float
    needs: tuple[InstanceNeed, ...]
    resource: StartedResource | None


@dataclass
class SharedReadings:
    """The readings of this moment, and what was let through since. Safe across threads."""

    clock: Clock
    lock: threading.Lock = field(default_factory=threading.Lock)
    _readings: dict[tuple[object, ...], _SharedReading] = field(default_factory=dict)
    _grants: list[_Grant] = field(default_factory=list)

    def find_or_start(self, client: AwsClient, wanted: RequestNeeds, *, with_prices: bool) -> _SharedReading:
        """A reading of this moment that shows what these needs meet: one that others have begun, or a new one."""
        needs, names = wanted.needs, frozenset(limit.quota_name for limit in wanted.limits)
        types = frozenset(
            (need.instance_type, need.workload, need.price_workload, need.takes_quota, need.volume_gb != 0)
            for need in needs
        )
        account = _account_key(client)
        key = (account, types, names, with_prices)
        with self.lock:
            now = self.clock.monotonic()
            self._readings = {
                each: reading for each, reading in self._readings.items() if now - reading.began < MOMENT_SECONDS
            }
            shared = self._readings.get(key)
            if shared is None:
                unseen = {
                    each.resource: now - each.at > FOUND_SECONDS
                    for each in self._grants[-_MAX_DESCRIBED:]
                    if each.account == account and each.resource
                }
                # Begun under the lock, which it holds but for a moment: the reading itself is done by threads of its
                # own.
                pending = start_reading(
                    client,
                    needs,
                    self.clock.now(),
                    wanted.limits,
                    with_prices=with_prices,
                    started=unseen,
                )
                shared = self._readings[key] = _SharedReading(account, now, pending)
            return shared

    def take_unseen_grants(self, reading: _SharedReading, found: AccountReading) -> list[InstanceNeed]:
        """The granted needs that a reading does not show; others are dropped. The caller holds the lock."""
        now, holders = self.clock.monotonic(), found.holders()
        kept: list[_Grant] = []
        counted: list[InstanceNeed] = []
        for grant in self._grants:
            unseen = grant.needs
            # Only a reading that began after the call was let through can show what it made.
            if grant.account == reading.account and grant.resource and grant.at < reading.began:
                unseen = () if grant.resource in found.ended else grant.resource.needs_not_listed(grant.needs, holders)
            # What nothing tells from others is in every reading that began after it.
            longest = UNSEEN_SECONDS if grant.resource else READING_SECONDS + MOMENT_SECONDS
            if unseen and now - grant.at < longest:
                kept.append(grant)
                is_counted = grant.resource or grant.at >= reading.began
                counted += unseen if is_counted and grant.account == reading.account else ()
        self._grants = kept
        return counted

    def grant(
        self, reading: _SharedReading, needs: tuple[InstanceNeed, ...], resource: StartedResource | None = None
    ) -> _Grant:
        """Note what is let through; the lock is held by the caller."""
        granted = _Grant(reading.account, self.clock.monotonic(), needs, resource)
        self._grants.append(granted)
        return granted

    def forget_ended(self, operation: str, params: Mapping[str, Any]) -> None:
        """Forget what a call deletes or stops: as long as it holds instances, AWS's lists show it."""
        with self.lock:
            self._grants = [
                each for each in self._grants if not (each.resource and each.resource.is_ended_by(operation, params))
            ]

    def release_grant(self, granted: _Grant) -> None:
        """Forget what was let through, and was not started."""
        with self.lock:
            self._grants = [each for each in self._grants if each is not granted]


def _account_key(client: AwsClient) -> tuple[object, ...]:
    """What a reading is about."""
    try:
        # By the credentials, not the session: each thread of a program may have a boto3 session of its own with the
        # same ones.
        return client.session.account_key(client.region)
    except AwsError:  # the reading says why; nobody shares it
        return (id(client.session), client.region)


@dataclass
class CallGuard:
    """A guard over calls. ``is_watched`` tells which calls it checks; ``warn`` says what is let through unjudged.
    ``refusal`` is why it refuses all, since it can judge none, and the next step; None: it can judge.
    """

    policy: CallPolicy
    readings: SharedReadings
    warn: Callable[[str], None]
    is_watched: Callable[[OutgoingCall], bool] = lambda call: True
    refusal: tuple[str, str] | None = None

    def check_call(self, call: OutgoingCall) -> None:
        """Return if a call may be sent.

        Raises:
            GuardRefused: it may not.
        """
        if is_plain_read(call.operation) or not self.is_watched(call):
            return
        if starts_nothing(call.operation):
            self.readings.forget_ended(call.operation, call.params)
            return
        if not call.is_well_formed():  # botocore says why, and sends nothing
            return
        if self.refusal is not None:
            reason, hint = self.refusal
            raise CallRefused(replace(_unknown_verdict(call, reason.rstrip(".")), next_step=hint))
        self._act_on(self._find_verdict(call))

    def check_needs(self, needs: RequestNeeds, client: AwsClient) -> None:
        """Return if instances that a program declares fit.

        Raises:
            GuardRefused: they do not.
        """
        reading = self.readings.find_or_start(client, needs, with_prices=self.policy.has_budget)
        self._act_on(self._assess_needs(None, client.region, needs, reading, READING_SECONDS))

    def _act_on(self, verdict: CallVerdict) -> None:
        match verdict.outcome:
            case Outcome.REFUSED:
                raise CallRefused(verdict)
            case Outcome.UNKNOWN if self.policy.on_unknown.refuses:
                raise CallRefused(verdict)
            case Outcome.UNKNOWN:
                self.warn(unknown_warning(verdict))
            case Outcome.FITS:
                if verdict.needs.is_free:
                    for note in verdict.notes:
                        self.warn(note)

    def _find_verdict(self, call: OutgoingCall) -> CallVerdict:
        """The verdict, within the time that a call may wait."""
        until = time.monotonic() + READING_SECONDS
        try:
            needs, reading = start_in_background(lambda: self._read_needs(call)).result(READING_SECONDS)
            if reading is None:
                return judge_call(call.operation, call.region, needs, (), {}, self.policy)
            return self._assess_needs(call, call.region, needs, reading, max(0.0, until - time.monotonic()))
        # What goes wrong in here is unknown, not the program's: its call is refused with a reason, and sees no
        # exception of ours.
        except TimeoutError:
            return _unknown_verdict(call, f"AWS did not answer within {READING_SECONDS:g} s")
        except OpskitError as failure:
            return _unknown_verdict(call, failure.problem.message.rstrip("."))
        except Exception as error:  # an error of opskit's own must neither pass for the program's, nor for a yes
            return _unknown_verdict(call, f"opskit failed ({type(error).__name__}: {error})")

    def _assess_needs(
        self, call: OutgoingCall | None, region: str, needs: RequestNeeds, reading: _SharedReading, seconds: float
    ) -> CallVerdict:
        """The verdict from a reading, with what was let through since it began. What this lets through is noted, until
        AWS turns out not to have taken it. ``call`` None: the needs were declared.
        """
        found = reading.pending.finish(seconds)
        with self.readings.lock:
            headrooms = found.assess_needs(needs, self.readings.take_unseen_grants(reading, found))
            operation = call.operation if call else ""
            verdict = judge_call(
                operation,
                region,
                needs,
                headrooms,
                found.prices,
                self.policy,
                found.problems(),
                found.quotas(),
            )
            # What is declared is not sent: the calls that start it come later.
            if call and _is_sent(verdict, self.policy):
                resource = started_resource(call.operation, call.params)
                # Under the lock of the count above: of two calls that fit one by one only one may pass.
                granted = self.readings.grant(reading, needs.needs, resource)
                call.on_not_accepted(partial(self.readings.release_grant, granted))
        return verdict

    def _read_needs(self, call: OutgoingCall) -> tuple[RequestNeeds, _SharedReading | None]:
        """What a call needs, and the reading that shows whether there is room; None: nothing has to be read."""
        opened: list[AwsClient] = []

        def describe(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
            opened[:] = opened or [_open_reader(call)]
            return read_description(opened[0], operation, params)

        needs = judge_request(call.operation, call.params, describe, call.reaches_instances)
        if not needs.needs and not needs.limits:
            return needs, None
        client = opened[0] if opened else call.open_reader()
        return needs, self.readings.find_or_start(client, needs, with_prices=self.policy.has_budget)


def _open_reader(call: OutgoingCall) -> AwsClient:
    try:
        return call.open_reader()
    except AwsError as failure:
        raise NotDescribed(failure.problem.message) from failure


def read_description(client: AwsClient, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read what a request names, with SageMaker's own operation.

    Raises:
        NotDescribed: it could not be read.
    """
    try:
        return client.read("sagemaker", operation, **params)
    except AwsError as failure:
        raise NotDescribed(failure.problem.message) from failure


def _is_sent(verdict: CallVerdict, policy: CallPolicy) -> bool:
    match verdict.outcome:
        case Outcome.FITS:
            return True
        case Outcome.UNKNOWN:
            return not policy.on_unknown.refuses
        case Outcome.REFUSED:
            return False


def _unknown_verdict(call: OutgoingCall, reason: str) -> CallVerdict:
    needs = RequestNeeds(unknowns=(UnknownNeed(call.operation, reason),))
    return CallVerdict(call.operation, call.region, needs, unknowns=(reason,))
