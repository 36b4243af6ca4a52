"""Look at everything that must be well for opskit to work: who you are, what you may, and this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from opskit.aws import Caller, Connection, Door, side_by_side, usual_region
from opskit.decide.checkup import Finding, Permitted, State, clock_finding, permissions_finding, permitted, skew_finding
from opskit.decide.permissions import CALLS, FIND_REGIONS
from opskit.decide.policy import Scope, grants_of, grants_of_commands
from opskit.errors import OpskitError, extra_hint
from opskit.flows.clock import Clock
from opskit.flows.tried import tried
from opskit.model import Unread
from opskit.observe import machine
from opskit.observe.allowed import Allowed, allowed
from opskit.observe.identity import clock_ahead
from opskit.observe.package_files import find_mixed_files
from opskit.settings import Settings


@dataclass
class Checkup:
    """All that was looked at. None: it was not reached, or AWS did not tell."""

    caller: Caller | None = None
    region: str | None = None
    region_from: str | None = None
    endpoint: str | None = None
    clock_ahead: float | None = None
    support_plan: bool | None = None
    commands: tuple[Permitted, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    failure: OpskitError | None = None


def check_up(settings: Settings, connect: Callable[[], Connection], clock: Clock) -> Checkup:
    """Look at everything; whatever fails is a finding, and the rest is looked at all the same."""
    seen = Checkup(versions=machine.versions())
    try:
        _look_at_account(seen, settings, connect(), clock)
    except OpskitError as error:
        seen.failure = error
        what = "region" if error.problem.code == "no-region" else "credentials"
        seen.findings.insert(0, Finding(what, State.WRONG, error.problem.message, error.problem.hint))
        skew = skew_finding(error.problem)
        seen.findings += [skew] if skew else []
    seen.findings += _machine()
    return seen


def _look_at_account(seen: Checkup, settings: Settings, connection: Connection, clock: Clock) -> None:
    door = connection.door()
    seen.region, seen.region_from = door.region, _where_from(settings)
    seen.endpoint = connection.endpoint()
    seen.findings += _place(seen)
    seen.caller = connection.caller()
    seen.findings.insert(0, Finding("credentials", State.WELL, seen.caller.arn))
    wanted = grants_of_commands(CALLS) | grants_of(FIND_REGIONS)
    ahead, may = side_by_side(
        [
            partial(tried, partial(clock_ahead, door, clock.now)),
            partial(allowed, door, seen.caller, wanted, _scope(door, settings)),
        ]
    )
    seen.clock_ahead = None if isinstance(ahead, OpskitError) else ahead
    seen.commands = permitted(may.answers)
    seen.support_plan = None if isinstance(may.support_plan, Unread) else may.support_plan
    seen.findings += [clock_finding(seen.clock_ahead), permissions_finding(seen.commands), _support(may)]


def _scope(door: Door, settings: Settings) -> Scope:
    bucket = settings.get("bucket") or f"sagemaker-{door.region}-{door.connection.caller().account}"
    return Scope((door.region,), bucket, settings.get("execution-role"))


def _where_from(settings: Settings) -> str:
    set_by = settings.values["regions"]
    if any(name != "all" for name in set_by.value or ()):
        return set_by.source
    usual = usual_region(settings.get("profile"))
    return usual[1] if usual else "boto3"


def _place(seen: Checkup) -> Iterator[Finding]:
    yield Finding("region", State.WELL, f"{seen.region}, from {seen.region_from}")
    if seen.endpoint != "aws":
        hint = "Unset AWS_ENDPOINT_URL to reach AWS."
        yield Finding("endpoint", State.NOTE, f"{seen.endpoint}: this is not AWS itself", hint)


def _support(may: Allowed) -> Finding:
    match may.support_plan:
        case True:
            return Finding("support plan", State.WELL, "the Support API can be used")
        case False:
            hint = "`opskit quotas increase --via console` prints the text to paste; nothing else needs a plan."
            return Finding("support plan", State.NOTE, "none that opens the Support API", hint)
        case Unread(because=because, hint=hint):
            return Finding("support plan", State.UNKNOWN, because, hint)


def _machine() -> Iterator[Finding]:
    for name, folder in machine.folders().items():
        trouble = machine.trouble_with(folder)
        if trouble:
            hint = f"Set XDG_{name.upper()}_HOME to a folder that can be written."
            yield Finding(f"{name} folder", State.WRONG, f"{folder} cannot be used: {trouble}", hint)
        else:
            yield Finding(f"{name} folder", State.WELL, str(folder))
    for extra in machine.missing_extras():
        yield Finding(f"extra {extra}", State.NOTE, "not installed", extra_hint(extra))
    mixed = find_mixed_files()
    if mixed:
        yield Finding("package", State.WRONG, mixed.says, mixed.hint)
