"""Look at everything that must be well for opskit to work: who you are, what you may, and this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from opskit.access.reads import local_environment
from opskit.access.reads.permissions import PermissionReport, read_permissions
from opskit.access.rules.diagnostics import (
    CheckState,
    CommandPermissions,
    Finding,
    PermissionAnswer,
    clock_finding,
    command_permissions,
    cost_finding,
    permissions_finding,
    skew_finding,
)
from opskit.access.rules.grants import Grant, grants_of_commands, required_grants
from opskit.access.rules.permissions import API_CALLS, REGION_DISCOVERY_CALLS, STATE_CALLS
from opskit.access.rules.policy import Scope
from opskit.aws.client import AwsClient, read_clock_skew
from opskit.aws.gather import gather
from opskit.aws.region_spelling import spelling_hint
from opskit.aws.session import AwsSession, CallerIdentity, find_default_region
from opskit.core.aws_names import default_bucket
from opskit.core.clock import Clock
from opskit.core.exceptions import AccessDenied, AwsError, OpskitError, extra_hint
from opskit.core.model import Unknown
from opskit.core.package_files import find_mixed_files
from opskit.core.result_or_error import result_or_error
from opskit.core.setting_values import parse_state_place
from opskit.core.settings import Settings
from opskit.state.damaged_files import damaged_files_hint
from opskit.state.home import state_home
from opskit.state.paths import NO_TABLE_HINT
from opskit.state.table_home import table_problem


@dataclass
class DoctorReport:
    """All that was looked at. None: not known; ``findings`` or ``failure`` say why."""

    caller: CallerIdentity | None = None
    region: str | None = None
    region_from: str | None = None
    endpoint: str | None = None
    clock_skew: float | None = None
    support_plan: bool | None = None
    commands: tuple[CommandPermissions, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    failure: OpskitError | None = None


def run_checks(settings: Settings, connect: Callable[[], AwsSession], clock: Clock) -> DoctorReport:
    """Look at everything; whatever fails is a finding, and the rest is looked at all the same."""
    report = DoctorReport(versions=local_environment.read_versions())
    try:
        _check_account(report, settings, connect(), clock)
    except OpskitError as error:
        report.failure = error
        what = "region" if error.problem.code == "no-region" else "credentials"
        report.findings.insert(0, Finding(what, CheckState.WRONG, error.problem.message, error.problem.hint))
        skew = skew_finding(error.problem)
        report.findings += [skew] if skew else []
    report.findings += _machine_findings()
    return report


def _check_account(report: DoctorReport, settings: Settings, session: AwsSession, clock: Clock) -> None:
    client = session.client()
    report.region, report.region_from = client.region, _region_source(settings)
    report.endpoint = session.endpoint_id()
    report.findings += _environment_findings(report)
    report.caller = session.identity()
    report.findings.insert(0, Finding("credentials", CheckState.OK, report.caller.arn))
    wanted = grants_of_commands(API_CALLS) | required_grants(REGION_DISCOVERY_CALLS) | _state_grants(session)
    skew, may = gather(
        partial(result_or_error, partial(read_clock_skew, client, clock.now)),
        partial(read_permissions, client, report.caller, wanted, _policy_scope(client, settings)),
    )
    report.clock_skew = None if isinstance(skew, OpskitError) else skew
    told = Unknown.from_problem(skew.problem) if isinstance(skew, OpskitError) else skew
    report.commands = command_permissions(may.answers)
    report.support_plan = None if isinstance(may.support_plan, Unknown) else may.support_plan
    report.findings += [
        clock_finding(told),
        permissions_finding(report.commands),
        _support_plan_finding(may),
        cost_finding(),
        *_table_findings({grant.action: may.answers[grant] for grant in _state_grants(session)}),
    ]


def _state_grants(session: AwsSession) -> frozenset[Grant]:
    """What the table of opskit's state needs of this caller; nothing where there is none, or where another role uses
    it: it is used with the credentials from which a role was assumed.
    """
    return required_grants(STATE_CALLS) if state_home().name and session.assumed_from is None else frozenset()


def _table_findings(allowed: Mapping[str, PermissionAnswer]) -> Iterator[Finding]:
    """The table of opskit's state, where it is in one. ``allowed`` are the answers of IAM by the actions on it."""
    denied = [action for action, answer in allowed.items() if answer is False]
    untold = [answer for answer in allowed.values() if isinstance(answer, Unknown)]
    home = state_home()
    if home.name is None:
        return
    try:
        problem = table_problem(home)
    except AwsError as error:
        refused = isinstance(error, AccessDenied) or error.aws_code == "ResourceNotFoundException"
        hint = NO_TABLE_HINT if error.aws_code == "ResourceNotFoundException" else error.problem.hint
        state = CheckState.WRONG if refused else CheckState.UNKNOWN
        yield Finding("state table", state, f"{home.name}: {error.problem.message}", hint)
        return
    if problem:
        yield Finding("state table", CheckState.WRONG, f"{home.name} cannot be used: {problem}", NO_TABLE_HINT)
    elif denied:
        hint = f"`opskit iam policy COMMAND --state {home.name}` has what a command needs."
        text = f"{home.name} can be read, but not written: {', '.join(sorted(denied))} is not allowed"
        yield Finding("state table", CheckState.WRONG, text, hint)
    elif untold:
        text = f"{home.name} can be read; whether it can be written is not known: {untold[0].reason.rstrip('.')}"
        yield Finding("state table", CheckState.UNKNOWN, text)
    else:
        yield Finding("state table", CheckState.OK, home.name)


def _policy_scope(client: AwsClient, settings: Settings) -> Scope:
    bucket = settings.get("bucket") or default_bucket(client.region, client.session.identity().account)
    state = parse_state_place(settings.get("state"))
    return Scope((client.region,), bucket, settings.get("execution-role"), state=state)


def _region_source(settings: Settings) -> str:
    set_by = settings.values["regions"]
    if any(name != "all" for name in set_by.value or ()):
        return set_by.source
    default = find_default_region(settings.get("profile"))
    return default[1] if default else "boto3"


def _environment_findings(report: DoctorReport) -> Iterator[Finding]:
    doubt = spelling_hint(report.region or "").strip()  # a note, no fault: the Region may be newer than botocore
    state = CheckState.NOTE if doubt else CheckState.OK
    yield Finding("region", state, f"{report.region}, from {report.region_from}", doubt)
    if report.endpoint != "aws":
        hint = "Unset AWS_ENDPOINT_URL to reach AWS."
        yield Finding("endpoint", CheckState.NOTE, f"{report.endpoint}: this is not AWS itself", hint)


def _support_plan_finding(may: PermissionReport) -> Finding:
    match may.support_plan:
        case True:
            return Finding("support plan", CheckState.OK, "the Support API can be used")
        case False:
            hint = "`opskit quotas increase --via console` prints the text to paste; nothing else needs a plan."
            return Finding("support plan", CheckState.NOTE, "none that opens the Support API", hint)
        case Unknown(reason=reason, hint=hint):
            return Finding("support plan", CheckState.UNKNOWN, reason, hint)


def _machine_findings() -> Iterator[Finding]:
    for name, folder in local_environment.local_folders().items():
        problem = local_environment.folder_problem(folder)
        if problem:
            hint = f"Set XDG_{name.upper()}_HOME to a folder that can be written."
            yield Finding(f"{name} folder", CheckState.WRONG, f"{folder} cannot be used: {problem}", hint)
        elif hint := damaged_files_hint(folder):
            yield Finding(f"{name} folder", CheckState.WRONG, f"files in {folder} are damaged", hint)
        else:
            yield Finding(f"{name} folder", CheckState.OK, str(folder))
    for extra in local_environment.missing_extras():
        yield Finding(f"extra {extra}", CheckState.NOTE, "not installed", extra_hint(extra))
    mixed = find_mixed_files()
    if mixed:
        yield Finding("package", CheckState.WRONG, mixed.detail, mixed.hint)
