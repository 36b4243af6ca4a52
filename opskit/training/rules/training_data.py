"""What a built-in algorithm cannot learn from, found in the data before anything is paid for: words, True and False,
labels that are missing, infinite numbers.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence

from opskit.core.exceptions import UsageError
from opskit.training.rules.model import Workflow

# What pandas, which writes the training files, reads as a missing value.
_MISSING = frozenset(
    {
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A"),
        *("NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)
_BOOLEANS = frozenset({"true", "false"})
# How many columns one message names.
_MOST_TOLD = 3


def check_training_data(workflow: Workflow, content: bytes) -> None:
    """Refuse data that the algorithm would fail on after minutes that are paid for. Missing features are allowed.

    Raises:
        UsageError: a column holds what is not a number, a label is missing, or it is not CSV.
    """
    header, rows = _read_table(workflow, content)
    if workflow.target not in header:
        return  # told by who splits the rows, with the columns there are
    try:
        bad = list(_bad_columns(workflow, header, rows))
    except csv.Error as error:
        raise UsageError("data-not-csv", f"{workflow.data_file} is not CSV: {error}.") from error
    if not bad:
        return
    told = "; ".join(bad[:_MOST_TOLD])
    more = f"; and {len(bad) - _MOST_TOLD} more columns" if len(bad) > _MOST_TOLD else ""
    text = f"{workflow.data_file} cannot be learnt from: {told}{more}."
    hint = (
        "The built-in algorithms read numbers only: write True/False as 1/0 (pandas: get_dummies(dtype=int)), words as "
        "numbers or one column each, and leave out rows without a label. Then set data.sha256 anew."
    )
    raise UsageError("data-not-numeric", text, hint)


def _read_table(workflow: Workflow, content: bytes) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names of the columns, and the rows with the number of their line."""
    lines = content.decode("utf-8-sig", "replace").splitlines(keepends=True)
    reader = csv.reader(lines[workflow.skip_lines :])
    header = [name.strip() for name in next(reader, [])]
    return header, ((reader.line_num + workflow.skip_lines, cells) for cells in reader if cells)


def _bad_columns(workflow: Workflow, header: Sequence[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[str]:
    """What is wrong with each column that cannot be used: its first bad value."""
    found: dict[str, str] = {}
    for line, cells in rows:
        for name, cell in zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False):
            if name not in found and (wrong := _wrong_value(cell.strip(), is_label=name == workflow.target)):
                found[name] = f"column '{name}' {wrong} (line {line})"
    yield from (found[name] for name in header if name in found)


def _wrong_value(cell: str, *, is_label: bool) -> str:
    """What is wrong with a value; "" if nothing is."""
    if cell in _MISSING:
        return "is the target and has no value" if is_label else ""
    if cell.lower() in _BOOLEANS:
        return f"holds '{cell}'"
    try:
        # Python's float reads 1_000 as a number; pandas, which writes the training files, keeps it as text.
        number = math.nan if "_" in cell else float(cell)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        return f"holds '{cell[:40]}', which is not a number"
    return f"holds '{cell[:40]}', which is no finite number" if math.isinf(number) else ""
