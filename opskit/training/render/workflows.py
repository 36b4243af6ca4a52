"""The results of ``workflow list``, ``show``, ``check`` and ``init`` for people and programs, and what stands in the
way of a workflow, for programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opskit.core.exceptions import ExitCode
from opskit.core.model import InstanceConfig
from opskit.output.result import Cell, Column, CommandResult, Table
from opskit.training.flows.init_workflow import NewWorkflow
from opskit.training.flows.inspect_workflow import WorkflowInspection
from opskit.training.rules.findings import Finding
from opskit.training.rules.model import Workflow
from opskit.training.rules.table_cells import CellKind
from opskit.training.rules.table_facts import ColumnFacts
from opskit.training.workflow import ListedWorkflow


def finding_record(finding: Finding) -> dict[str, Any]:
    """A finding in JSON. ``column`` is the column of the data or the key of workflow.toml."""
    return {
        "code": finding.code,
        "file": finding.file,
        "column": finding.place,
        "line": finding.line,
        "value": finding.value,
        "message": finding.message,
        "hint": finding.hint,
    }


def list_result(listed: Sequence[ListedWorkflow]) -> CommandResult:
    """The result of ``workflow list``."""
    records = [
        {
            "name": each.name,
            "title": each.workflow.title if each.workflow else None,
            "task": each.workflow.task.value if each.workflow else None,
            "algorithm": each.workflow.framework if each.workflow else None,
            "folder": each.workflow.folder if each.workflow else None,
            "error": each.problem.message if each.problem else None,
        }
        for each in listed
    ]
    rows = [
        (Cell(str(record["name"])), Cell(str(record["task"] or "?")), Cell(str(record["title"] or record["error"])))
        for record in records
    ]
    table = Table((Column("Workflow", key=True), Column("Task"), Column("What it is", wrap=True)), rows)
    problems = tuple(each.problem for each in listed if each.problem)
    exit = ExitCode.PARTIAL if problems else ExitCode.OK
    return CommandResult({"workflows": records}, exit, problems, (table,), records="workflows")


def show_result(workflow: Workflow) -> CommandResult:
    """The result of ``workflow show``."""
    record = _workflow_record(workflow)
    rows = [
        (Cell(f"{table}.{key}" if table else key), Cell(_shown(value)))
        for table, key, value in _flat_settings(record)
        if value not in (None, [], {}, "")
    ]
    return CommandResult(
        {"workflow": record}, tables=(Table((Column("Key", key=True), Column("Value", wrap=True)), rows),)
    )


def _workflow_record(workflow: Workflow) -> dict[str, Any]:
    """A workflow as its workflow.toml has it, with defaults filled in."""
    settings = workflow.settings
    return {
        "name": workflow.name,
        "title": workflow.title,
        "task": workflow.task.value,
        "folder": workflow.folder,
        "data": {
            "file": workflow.data_file,
            "sha256": workflow.sha256,
            "target": workflow.target,
            "skip_lines": workflow.skip_lines,
            "ignore": list(workflow.ignore),
            "keep": list(workflow.keep),
            "positive": workflow.positive,
        },
        "split": {
            "test": workflow.split.test,
            "validation": workflow.split.validation,
            "seed": workflow.split.seed,
        },
        "image": {"framework": workflow.framework, "version": workflow.version},
        "hyperparameters": dict(workflow.hyperparameters),
        "training": {
            **_config_record(workflow.training),
            "volume_gb": workflow.volume_gb,
            "keep_alive_seconds": settings.keep_alive_seconds,
        },
        "transform": _config_record(workflow.transform),
        "endpoint": _config_record(workflow.endpoint),
        "network": {
            "subnets": list(settings.subnets),
            "security_groups": list(settings.security_groups),
            "isolation": settings.network_isolation,
        },
        "encryption": {"volume_kms_key": settings.volume_kms_key, "s3_kms_key": settings.s3_kms_key},
        "tags": dict(settings.tags),
        "environment": dict(settings.environment),
    }


def _config_record(config: InstanceConfig) -> dict[str, Any]:
    limit = {} if config.max_seconds is None else {"max_run_seconds": config.max_seconds}
    return {"instance_type": config.instance_type, "instance_count": config.count, **limit}


def _flat_settings(record: dict[str, Any]) -> list[tuple[str, str, Any]]:
    flat: list[tuple[str, str, Any]] = []
    for name, value in record.items():
        flat += [(name, key, each) for key, each in value.items()] if isinstance(value, dict) else [("", name, value)]
    return flat


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def workflow_check_result(
    workflow: Workflow, inspection: WorkflowInspection, *, updated: bool = False
) -> CommandResult:
    """The result of ``workflow check``. ``updated``: the checksum was written anew."""
    notes = [f"data.sha256 was written anew: {workflow.sha256}."] if updated else []
    notes += inspection.notes
    if not inspection.findings:
        plan = f"opskit train {workflow.cli_ref} --dry-run"  # knows the images, which takes seconds to load
        notes.append(f"No problems found in settings and data. The plan also looks up image.version: {plan}")
    data = {**_inspection_record(workflow, inspection), "updated": updated}
    return CommandResult(
        data, inspection.exit, tuple(inspection.problems()), _column_tables(workflow, inspection), tuple(notes)
    )


def init_result(made: NewWorkflow) -> CommandResult:
    """The result of ``workflow init``. What stands in the way of training is told, and the files are written."""
    workflow, inspection = made.workflow, made.inspection
    notes = [f"Wrote {path}" for path in made.files] + list(made.notes) + list(inspection.notes)
    if inspection.findings:
        notes += [f"To mend before training: {problem.message}" for problem in inspection.problems()]
        notes.append(f"Then: opskit workflow check {workflow.cli_ref} --update")
    else:
        notes.append(f"Next: opskit train {workflow.cli_ref} --dry-run")
    data = {**_inspection_record(workflow, inspection), "files": [str(path) for path in made.files]}
    return CommandResult(data, tables=_column_tables(workflow, inspection), notes=tuple(notes))


def _inspection_record(workflow: Workflow, inspection: WorkflowInspection) -> dict[str, Any]:
    facts = inspection.facts
    return {
        "name": workflow.name,
        "folder": workflow.folder,
        "task": workflow.task.value,
        "algorithm": workflow.framework,
        "sha256": workflow.sha256,
        "rows": facts.rows if facts else None,
        "columns": [_column_record(workflow, column) for column in (facts.columns if facts else ())],
        "class_names": list(inspection.classes),
        "findings": [finding_record(finding) for finding in inspection.findings],
        "notes": list(inspection.notes),
    }


def _column_record(workflow: Workflow, column: ColumnFacts) -> dict[str, Any]:
    return {
        "name": column.name,
        "role": "target" if column.name == workflow.target else "feature",
        "type": column.type_name,
        "missing": column.counts[CellKind.MISSING],
        "lowest": float(column.low.value) if column.low else None,
        "highest": float(column.high.value) if column.high else None,
    }


def _column_tables(workflow: Workflow, inspection: WorkflowInspection) -> tuple[Table, ...]:
    if inspection.facts is None:
        return ()
    columns = (
        Column("Column", key=True),
        Column("Role"),
        Column("Type"),
        Column("Missing", right=True),
        Column("Lowest", right=True, optional=True),
        Column("Highest", right=True, optional=True),
    )
    rows = []
    for column in inspection.facts.columns:
        record = _column_record(workflow, column)
        low, high = (column.low.value if column.low else ""), (column.high.value if column.high else "")
        role = record["role"]
        rows.append(
            (Cell(column.name), Cell(role), Cell(record["type"]), Cell(str(record["missing"])), Cell(low), Cell(high))
        )
    return (Table(columns, rows, title=f"{inspection.facts.rows} rows"),)
