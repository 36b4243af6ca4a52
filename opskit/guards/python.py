"""The guard for Python programs: ``opskit.guard`` and what goes with it."""

from __future__ import annotations

import functools
import inspect
import json
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, ParamSpec, TypedDict, TypeVar
from weakref import WeakKeyDictionary

from opskit.aws.client import AwsClient
from opskit.aws.gather import start_in_background
from opskit.aws.outgoing_calls import (
    OutgoingCall,
    add_call_listener,
    open_default_reader,
    read_as,
    remove_call_listener,
)
from opskit.aws.session import open_session
from opskit.core.clock import Clock
from opskit.core.exceptions import OpskitError, UsageError
from opskit.core.model import Requirement, Workload
from opskit.guards.flows.account_reading import READING_SECONDS
from opskit.guards.flows.call_guard import CallGuard, SharedReadings
from opskit.guards.flows.conditions import GuardConditions, check_conditions
from opskit.guards.reads.guard_access import read_guard_access
from opskit.guards.render.guard import guard_result
from opskit.guards.rules.call_budget import CallPolicy, parse_policy, parse_usd
from opskit.guards.rules.declared_needs import Declared, declared_needs
from opskit.guards.rules.guard_access import GuardAccess, access_text, merge_access

P = ParamSpec("P")
T = TypeVar("T")

# All guards of a process share their readings.
_readings = SharedReadings(Clock())
_lock = threading.RLock()
_process_guard: ProcessGuard | None = None
# The guard of each session that has one; a second takes the place of the first, as when a cell is run again.
_session_guards: WeakKeyDictionary[Any, ProcessGuard] = WeakKeyDictionary()
# Its clients send their calls by a way of their own.
_ASYNC_LIBRARY = "aiobotocore"


class GuardWarning(UserWarning):
    """What a guard may not read, or lets through although it cannot judge it."""


class ProcessGuard:
    """A guard that is on: until ``stop``, until its ``with`` block ends, or, as a decorator, during each call of the
    function. ``access`` is what it may not read; ``replaced`` is the process's guard before this one.
    """

    def __init__(self, policy: CallPolicy, declared: Declared, boto3_session: Any = None) -> None:
        self._declared = declared
        self.policy = policy
        self.access = GuardAccess()
        # A wrong type or number is said before anything is on.
        self._needs = declared_needs(declared, policy.hours)
        self._session = boto3_session
        self.replaced: ProcessGuard | None = None
        self._guard = CallGuard(policy, _readings, _warn_user, self._is_watched)

    def _is_watched(self, call: OutgoingCall) -> bool:
        return self._session is None or call.is_of_session(self._session)

    def start(self) -> None:
        """Look at every call from now on.

        Raises:
            UsageError: this botocore cannot be looked at.
        """
        remove_call_listener(self._guard.check_call)
        add_call_listener(self._guard.check_call)

    def stop(self) -> None:
        """Look at no call any more."""
        remove_call_listener(self._guard.check_call)

    def refuse_calls(self, reason: str, hint: str) -> None:
        """Refuse every call that starts something, since nothing can be judged."""
        self._guard.refusal = (reason, hint)

    def check_declared(self) -> None:
        """Judge the instances that were declared.

        Raises:
            GuardRefused: there is no room, or they are over budget, or that cannot be told.
        """
        if self._needs.needs:
            self._guard.check_needs(self._needs, self._open_client())

    def check_access(self) -> None:
        """Find out what may be read, and warn of what may not."""
        self.access = self._read_access()
        if not self.access.is_complete:
            _warn_user(access_text(self.access, json.dumps(self.access.missing_policy(), indent=2)))

    def _read_access(self) -> GuardAccess:
        try:
            client = self._open_client()
            reading = start_in_background(lambda: read_guard_access(client, with_prices=self.policy.has_budget))
            return reading.result(READING_SECONDS)
        except TimeoutError:
            return merge_access((), [f"AWS did not answer within {READING_SECONDS:g} s"])
        except OpskitError as failure:
            why = failure.problem.message.rstrip(".")
            return merge_access(
                (), [f"{why} (calls of clients with credentials of their own are looked at with these)"]
            )

    def _open_client(self) -> AwsClient:
        if self._session is None:
            return open_default_reader() or open_session(read_seconds=READING_SECONDS).client()
        return read_as(self._session.client("sagemaker"))

    def __enter__(self) -> ProcessGuard:
        global _process_guard  # noqa: PLW0603 - one guard is the process's own
        with _lock:
            # The guard that this one replaced holds inside the block too.
            if _process_guard is self:
                _process_guard = self.replaced
                if _process_guard:
                    _process_guard.start()
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """As a decorator: the guard is on during each call of the function.

        Raises:
            UsageError: the function is a generator, whose body runs after the call.
        """
        with self:  # takes it out of the process's own place
            pass
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            text = "A generator's body runs after its call, when the guard is off again."
            raise UsageError("generator", text, "Write `with opskit.guard(…):` inside it.")

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            with ProcessGuard(self.policy, self._declared, self._session) as inner:
                inner.check_declared()
                return function(*args, **kwargs)

        @functools.wraps(function)
        async def guarded_coroutine(*args: P.args, **kwargs: P.kwargs) -> Any:
            with ProcessGuard(self.policy, self._declared, self._session) as inner:
                inner.check_declared()
                return await function(*args, **kwargs)  # type: ignore[misc]

        return guarded_coroutine if inspect.iscoroutinefunction(function) else guarded  # type: ignore[return-value]

    def __repr__(self) -> str:
        bounds = [
            f"{name}={value}"
            for name in ("max_usd", "max_usd_hour")
            if (value := getattr(self.policy, name)) is not None
        ]
        unread = "" if self.access.is_complete else ", incomplete"
        return f"<opskit.guard({', '.join(bounds)}) on_unknown={self.policy.on_unknown.value}{unread}>"


def _warn_user(text: str) -> None:
    warnings.warn(text, GuardWarning, stacklevel=2)


def start_guard(
    max_usd: object = None,
    *,
    max_usd_hour: object = None,
    hours: object = 24,
    on_unknown: str = "refuse",
    session: Any = None,
    declared: Declared | None = None,
    first_look: bool = True,
) -> ProcessGuard:
    """Put a guard on: over the calls of a boto3 session, or over those of the process, where it takes the place of the
    one before.

    Raises:
        UsageError: an argument is none.
        GuardRefused: the declared instances do not fit.
    """
    global _process_guard
    guard = ProcessGuard(parse_policy(max_usd, max_usd_hour, hours, on_unknown), declared or {}, session)
    with _lock:
        if session is None:
            if _process_guard:
                _process_guard.stop()
            guard.replaced, _process_guard = _process_guard, guard
        else:
            if before := _session_guards.get(session):
                before.stop()
            _session_guards[session] = guard
        guard.start()
    if _ASYNC_LIBRARY in sys.modules:
        _warn_user(f"The clients of {_ASYNC_LIBRARY} are not covered by opskit's guard.")
    try:
        if first_look:
            guard.check_access()
        guard.check_declared()
    except BaseException:
        # Nothing is on after an error: the guard before holds again.
        with guard:
            pass
        raise
    return guard


def refuse_every_start(reason: str, hint: str) -> None:
    """Let no call be sent that starts something, until ``guard`` takes this one's place or ``unguard`` ends it.

    Raises:
        UsageError: this botocore cannot be looked at.
    """
    global _process_guard  # noqa: PLW0603
    guard = ProcessGuard(CallPolicy(), {})
    guard.refuse_calls(reason, hint)
    with _lock:
        guard.start()
        _process_guard = guard


def current_guard() -> ProcessGuard | None:
    """The process's guard; None: there is none, or only in blocks and for sessions."""
    return _process_guard


def stop_guards() -> None:
    """Take the process's guard off. Guards of sessions and of blocks stay."""
    global _process_guard  # noqa: PLW0603
    with _lock:
        if _process_guard:
            _process_guard.stop()
        _process_guard = None


def boto3_session_of(session: Any) -> Any:
    """The boto3 session in what a user calls a session: boto3's own, or one of the SageMaker SDK's.

    Raises:
        UsageError: it is none of these.
    """
    found = getattr(session, "boto_session", session)
    if not hasattr(found, "_session") or not callable(getattr(found, "client", None)):
        raise UsageError("bad-session", f"{type(session).__name__} is not a boto3 session.", "Pass boto3.Session().")
    return found


def declared_of(counts: Mapping[Workload, Mapping[str, int] | None]) -> Declared:
    """The instances that were declared, by workload; without those that were not."""
    return {workload: dict(types) for workload, types in counts.items() if types}


class RoomReport(TypedDict):
    """What ``check_room`` found. ``verdict`` is ``fits``, ``short``, ``pending``, ``not-offered``, ``over-budget`` or
    ``unknown``; ``quotas`` are the records of ``opskit quotas check -o json``; ``estimate_usd`` is the most that it
    costs (None: not known; without ``hours`` it never is); ``problems`` are sentences. ``account`` None: AWS has not
    told it. ``hours`` None: none were given.
    """

    account: str | None
    region: str
    verdict: str
    quotas: list[dict[str, Any]]
    hours: Decimal | None
    estimate_usd: Decimal | None
    problems: list[str]


def report_room(declared: Declared, max_usd: object, hours: object, session: Any) -> RoomReport:
    """Look at quotas, what is in use and prices for declared instances, without putting a guard on.

    Raises:
        UsageError: an argument is none.
        AwsError: there are no valid credentials.
    """
    budget, length = parse_usd(max_usd, "max_usd"), parse_usd(hours, "hours")
    needs = declared_needs(declared, length or Decimal(0)).needs
    if not needs:
        hint = "Write it like check_room(training={'ml.m5.xlarge': 2})."
        raise UsageError("nothing-to-check", "Nothing says which instances are meant.", hint)
    if budget is not None and not length:
        raise UsageError("no-hours", "A budget takes a duration.", "Add hours=6.")
    requirements = tuple(Requirement(need.instance_type, need.workload, need.count) for need in needs)
    conditions = GuardConditions(requirements, int(length * 3600) if length else None, budget)
    client = open_session().client() if session is None else read_as(session.client("sagemaker"))
    done = check_conditions(client, conditions, Clock(), lambda text: None)
    data = guard_result(done, conditions, "", client.region).data
    identity = client.session.known_identity()
    # What has room and cannot be held against the budget is unknown.
    refused = [error for error in done.blockers if error.problem.code == "over-budget"]
    budgeted = "over-budget" if refused else "unknown"
    return RoomReport(
        account=identity.account if identity else None,
        region=client.region,
        verdict=budgeted if done.blockers and data["verdict"] == "fits" else data["verdict"],
        quotas=data["quotas"],
        hours=data["hours"],
        estimate_usd=data["estimate_usd"],
        problems=[error.problem.message for error in done.blockers],
    )
