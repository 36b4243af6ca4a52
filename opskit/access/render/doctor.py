"""A checkup for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opskit.access.flows.doctor import DoctorReport
from opskit.access.rules.diagnostics import CheckState, CommandPermissions, Finding, doctor_exit_code
from opskit.core.exceptions import Problem, UsageError
from opskit.output.result import Cell, Column, CommandResult, Style, Table

_TONES = {
    CheckState.OK: Style.GOOD,
    CheckState.NOTE: Style.PLAIN,
    CheckState.WRONG: Style.BAD,
    CheckState.UNKNOWN: Style.WARN,
}
_FINDINGS = (Column("What"), Column("State"), Column("How", wrap=True), Column("What to do", wrap=True))
_COMMANDS = (Column("Command"), Column("Allowed"), Column("Lacks", wrap=True))
_WORDS = {True: "yes", False: "no", None: "unknown"}
_COMMAND_TONES = {True: Style.GOOD, False: Style.BAD, None: Style.WARN}


def doctor_result(report: DoctorReport) -> CommandResult:
    """The answer of ``doctor``. What stopped it, such as a Region that is not set, has its own exit code."""
    code = doctor_exit_code(report.findings, let_in=report.failure is None)
    return CommandResult(
        data=_doctor_data(report),
        exit=report.failure.exit if isinstance(report.failure, UsageError) else code,
        problems=tuple(_finding_problems(report)),
        tables=tuple(_doctor_tables(report)),
        notes=(
            "To see what is billed now, who owns it and how to stop it: opskit costs",
            ", ".join(f"{name} {version}" for name, version in report.versions.items()),
        ),
        records="checks",
    )


def _doctor_data(report: DoctorReport) -> dict[str, Any]:
    return {
        "account": report.caller and report.caller.account,
        "arn": report.caller and report.caller.arn,
        "region": report.region,
        "region_from": report.region_from,
        "endpoint": report.endpoint,
        "clock_ahead_seconds": report.clock_skew,
        "support_plan": report.support_plan,
        "checks": [_check_record(finding) for finding in report.findings],
        "commands": [_command_record(command_permissions) for command_permissions in report.commands],
        "versions": report.versions,
    }


def _check_record(finding: Finding) -> dict[str, Any]:
    return {"what": finding.what, "state": finding.state, "says": finding.detail, "hint": finding.hint}


def _command_record(command_permissions: CommandPermissions) -> dict[str, Any]:
    return {
        "command": command_permissions.command,
        "denied": command_permissions.denied,
        "unknown": command_permissions.unknown,
        "because": command_permissions.reason,
        "allowed": command_permissions.allowed,
    }


def _finding_problems(report: DoctorReport) -> Iterator[Problem]:
    if report.failure:
        yield report.failure.problem
    for finding in report.findings:
        is_same = report.failure and finding.detail == report.failure.problem.message
        if finding.state.is_problem and not is_same:
            code = finding.what.replace(" ", "-")
            yield Problem(code, f"{finding.what}: {finding.detail}.", finding.hint, report.region)


def _doctor_tables(report: DoctorReport) -> Iterator[Table]:
    yield Table(_FINDINGS, tuple(_finding_row(finding) for finding in report.findings))
    if report.commands:
        yield Table(_COMMANDS, tuple(_permissions_row(command_permissions) for command_permissions in report.commands))


def _finding_row(finding: Finding) -> tuple[Cell, ...]:
    return (
        Cell(finding.what),
        Cell(finding.state.value, _TONES[finding.state]),
        Cell(finding.detail),
        Cell(finding.hint),
    )


def _permissions_row(command_permissions: CommandPermissions) -> tuple[Cell, ...]:
    lacks = ", ".join(command_permissions.denied)
    if command_permissions.unknown:
        lacks = "; ".join(filter(None, (lacks, f"cannot be told: {', '.join(command_permissions.unknown)}")))
    return (
        Cell(command_permissions.command),
        Cell(_WORDS[command_permissions.allowed], _COMMAND_TONES[command_permissions.allowed]),
        Cell(lacks),
    )
