"""What ``-o csv`` writes: a header and a line a record, and nothing at all where there is no record."""

from __future__ import annotations

import io
from typing import Any

import pytest

from opskit.core.exceptions import ExitCode, Problem
from opskit.core.setting_values import OutputFormat
from opskit.output.result import CommandResult
from opskit.output.screen import Screen


def csv_of(data: dict[str, Any], records: str | None = None) -> str:
    written = io.StringIO()
    result = CommandResult(data, ExitCode.OK, (Problem("failed", "It failed."),), records=records)
    Screen(OutputFormat.CSV, stdout=written, stderr=io.StringIO()).show_result(("some",), result)
    return written.getvalue()


@pytest.mark.parametrize(
    ("data", "records"), [({}, None), ({}, "rows"), ({"rows": []}, "rows"), ({"rows": [{}]}, "rows")]
)
def test_without_a_record_nothing_is_written(data: dict[str, Any], records: str | None) -> None:
    assert csv_of(data, records) == ""


def test_a_field_that_only_a_later_record_has_is_a_column() -> None:
    rows = [{"name": "a"}, {"name": "b", "why": "late"}]
    assert csv_of({"rows": rows}, "rows") == "name,why\na,\nb,late\n"
