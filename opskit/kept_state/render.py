"""The answers of the commands about opskit's state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opskit.kept_state.flows import MovedState
from opskit.output.result import Cell, Column, CommandResult, Table

_KINDS: Mapping[str, str] = {
    "journal": "entries of the journal",
    "asked": "queued or recently filed increases",
    "looks": "last looks at requests",
    "looks_inside": "inspections of notebook instances",
    "untold_graces": "notices of graces",
    "ended_jobs": "marks of ended jobs",
    "endpoint_configs": "endpoint configurations",
    "notebook_volumes": "notebook volumes",
    "trail_owners": "owners from CloudTrail",
    "listed_prices": "listed prices",
    "learnt_paces": "learnt rates",
}
_COLUMNS = (Column("What", key=True), Column("Found", right=True), Column("Written", right=True))


def template_result(template: Mapping[str, Any]) -> CommandResult:
    """The answer of ``state template``: on the screen the template alone, so that it can go into a file as it is."""
    return CommandResult({"template": template}, notes=(json.dumps(template, indent=2),))


def move_result(moved: MovedState, source: str, target: str) -> CommandResult:
    """The answer of ``state move``."""
    rows = tuple(
        (Cell(text), Cell(str(moved.found[kind])), Cell(str(moved.written[kind]))) for kind, text in _KINDS.items()
    )
    total = sum(moved.written.values())
    verb = "would be written" if moved.dry_run else "were written"
    note = f"{total} of {sum(moved.found.values())} {verb} to {target}; the rest is already there."
    data = {
        "from": source,
        "to": target,
        "dry_run": moved.dry_run,
        "moved": [{"what": kind, "found": moved.found[kind], "written": moved.written[kind]} for kind in _KINDS],
    }
    next_step = () if moved.dry_run else (f"From now on: export OPSKIT_STATE={target}",)
    return CommandResult(data, tables=(Table(_COLUMNS, rows),), notes=(note, *next_step))
