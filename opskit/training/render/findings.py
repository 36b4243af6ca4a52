"""What stands in the way of a workflow, for programs."""

from __future__ import annotations

from typing import Any

from opskit.training.rules.findings import Finding


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
