"""A checkup for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from opskit.decide.checkup import Finding, Permitted, State, exit_of
from opskit.errors import Problem, UsageProblem
from opskit.flows.doctor import Checkup
from opskit.show.answer import Answer, Cell, Column, Table, Tone

_TONES = {State.WELL: Tone.GOOD, State.NOTE: Tone.PLAIN, State.WRONG: Tone.BAD, State.UNKNOWN: Tone.WARN}
_FINDINGS = (Column("What"), Column("State"), Column("How", wrap=True), Column("What to do", wrap=True))
_COMMANDS = (Column("Command"), Column("Allowed"), Column("Lacks", wrap=True))
_WORDS = {True: "yes", False: "no", None: "unknown"}
_COMMAND_TONES = {True: Tone.GOOD, False: Tone.BAD, None: Tone.WARN}


def answer_of(seen: Checkup) -> Answer:
    """The answer of ``doctor``. What stopped it, such as a Region that is not set, has its own exit code."""
    code = exit_of(seen.findings, let_in=seen.failure is None)
    return Answer(
        data=_data(seen),
        exit=seen.failure.exit if isinstance(seen.failure, UsageProblem) else code,
        problems=tuple(_problems(seen)),
        tables=tuple(_tables(seen)),
        notes=(", ".join(f"{name} {version}" for name, version in seen.versions.items()),),
        records="checks",
    )


def _data(seen: Checkup) -> dict[str, Any]:
    return {
        "account": seen.caller and seen.caller.account,
        "arn": seen.caller and seen.caller.arn,
        "region": seen.region,
        "region_from": seen.region_from,
        "endpoint": seen.endpoint,
        "clock_ahead_seconds": seen.clock_ahead,
        "support_plan": seen.support_plan,
        "checks": [asdict(finding) for finding in seen.findings],
        "commands": [{**asdict(each), "allowed": each.allowed} for each in seen.commands],
        "versions": seen.versions,
    }


def _problems(seen: Checkup) -> Iterator[Problem]:
    if seen.failure:
        yield seen.failure.problem
    for finding in seen.findings:
        told = seen.failure and finding.says == seen.failure.problem.message
        if finding.state in (State.WRONG, State.UNKNOWN) and not told:
            code = finding.what.replace(" ", "-")
            yield Problem(code, f"{finding.what}: {finding.says}.", finding.hint, seen.region)


def _tables(seen: Checkup) -> Iterator[Table]:
    yield Table(_FINDINGS, tuple(_finding(each) for each in seen.findings))
    if seen.commands:
        yield Table(_COMMANDS, tuple(_command(each) for each in seen.commands))


def _finding(each: Finding) -> tuple[Cell, ...]:
    return Cell(each.what), Cell(each.state.value, _TONES[each.state]), Cell(each.says), Cell(each.hint)


def _command(each: Permitted) -> tuple[Cell, ...]:
    lacks = ", ".join(each.denied)
    if each.unknown:
        lacks = "; ".join(filter(None, (lacks, f"cannot be told: {', '.join(each.unknown)}")))
    return Cell(each.command), Cell(_WORDS[each.allowed], _COMMAND_TONES[each.allowed]), Cell(lacks)
