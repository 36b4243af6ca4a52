"""Reading the algorithm's data, from a channel's files or a request's body: libsvm, or CSV without a header."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from opskit.sandbox.container.failure import UserError, load_xgboost

CONTENT_TYPES = ("csv", "libsvm", "text/csv", "text/libsvm", "text/x-libsvm")
# AWS's container looks for the delimiter in so much of a request's first line.
_SNIFFED_LENGTH = 512
# AWS's container looks no deeper.
_MAX_FOLDER_DEPTH = 3


class DataFormat(StrEnum):
    """The formats the algorithm reads."""

    CSV = "csv"
    LIBSVM = "libsvm"


def parse_data_format(content_type: str | None) -> DataFormat:
    """The format of a channel's or a request's content type; libsvm where a channel has none.

    Raises:
        UserError: another type, in the container's words.
    """
    if content_type is None:
        return DataFormat.LIBSVM
    media_type, *parameters = (part.strip() for part in content_type.lower().split(";"))
    if media_type not in CONTENT_TYPES:
        raise UserError(f"{content_type} is not an accepted ContentType: {', '.join(CONTENT_TYPES)}.")
    if media_type.endswith("csv") and any(
        part.startswith("label_size") and part != "label_size=1" for part in parameters
    ):
        raise UserError(
            f"{content_type} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )
    return DataFormat.CSV if media_type.endswith("csv") else DataFormat.LIBSVM


@dataclass(frozen=True)
class DataTable:
    """Rows as the algorithm takes them; ``labels`` and ``weights`` are None where the rows have none."""

    features: Any
    labels: Any
    weights: Any = None

    def to_matrix(self) -> Any:
        """The rows as xgboost's own matrix."""
        return load_xgboost().DMatrix(self.features, label=self.labels, weight=self.weights)


def read_channel(folder: Path, data_format: DataFormat, *, weighted: bool = False) -> DataTable | None:
    """All rows of a channel's files, None where it has no rows.

    Raises:
        UserError: a file is not what its content type says.
    """
    files = list(_channel_files(folder))
    match data_format:
        case DataFormat.CSV:
            rows = [row for path in files for row in _read_csv_file(path)]
            return _csv_table(rows, weighted=weighted) if rows else None
        case DataFormat.LIBSVM:
            lines = [_parse_libsvm_line(path, text) for path in files for text in _nonempty_lines(path)]
            return _sparse_table(lines) if lines else None


def _channel_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        # Other programs' files, such as _SUCCESS and .DS_Store.
        if any(part.startswith((".", "_")) for part in parts) or not path.is_file():
            continue
        if len(parts) > _MAX_FOLDER_DEPTH + 1:
            raise UserError(f"Folder depth exceed the limit: {_MAX_FOLDER_DEPTH}.")
        yield path


def _nonempty_lines(path: Path) -> Iterator[str]:
    with path.open(errors="replace") as file:
        for line in file:
            if line.strip():
                yield line.strip()


def _read_csv_file(path: Path) -> list[list[float]]:
    rows: list[list[float]] = []
    delimiter = None
    for line in _nonempty_lines(path):
        delimiter = delimiter or _detect_delimiter(line)
        row = _parse_csv_row(line, delimiter, path.name, first=not rows)
        if rows and len(row) != len(rows[0]):
            raise UserError(
                f"Failed to load csv data with exception:\nrow {len(rows) + 1} of file '{path.name}' has "
                f"{len(row)} columns, the first row has {len(rows[0])}"
            )
        rows.append(row)
    return rows


def _detect_delimiter(line: str) -> str:
    try:
        return csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error


def _parse_csv_row(line: str, delimiter: str, name: str, *, first: bool) -> list[float]:
    row = []
    for text in line.split(delimiter):
        try:
            row.append(_parse_csv_cell(text))
        except ValueError as error:
            where = "the header line" if first else "the line"
            raise UserError(
                f"Non-numeric value '{text.strip()[:50]}' found in {where} '{line[:50]}...' of file '{name}'. "
                "CSV format require no header line in it. If header line is already removed, XGBoost does not "
                "accept non-numeric value in the data."
            ) from error
    return row


def _parse_csv_cell(text: str) -> float:
    return float(text) if text.strip() else math.nan


def _csv_table(rows: list[list[float]], *, weighted: bool) -> DataTable:
    import numpy

    if len({len(row) for row in rows}) > 1:
        raise UserError(
            "Failed to load csv data with exception:\nthe files of the channel differ in their number of columns"
        )
    table = numpy.array(rows)
    first = 2 if weighted else 1
    features = table[:, first : first + _columns_with_values(table[:, first:])]
    if not features.shape[1]:
        raise UserError("Failed to load csv data with exception:\nthe data has a label but no features")
    return DataTable(features, table[:, 0], table[:, 1] if weighted else None)


def _columns_with_values(features: Any) -> int:
    """The number of columns as xgboost's own reader of CSV counts them."""
    import numpy

    filled = numpy.flatnonzero(~numpy.isnan(features).all(axis=0))
    # It skips empty cells, so the last column that has a value in any row is the last one there is.
    return int(filled[-1]) + 1 if filled.size else 0


@dataclass(frozen=True)
class _SparseRow:
    """A row that names only the cells that are not 0. ``weight`` None: it has none of its own."""

    label: float
    weight: float | None
    cells: list[tuple[int, float]]


def _parse_libsvm_line(path: Path, text: str) -> _SparseRow:
    try:
        return _parse_sparse_row(text)
    except ValueError as error:
        raise UserError(
            f"First line '{text[:50]}...' of file '{path.name}' is not 'LIBSVM' format. "
            "Please ensure the file is in 'LIBSVM' format."
        ) from error


def _parse_sparse_row(text: str) -> _SparseRow:
    head, *cells = text.split()
    label, _, weight = head.partition(":")
    return _SparseRow(float(label), float(weight) if weight else None, [_parse_sparse_cell(cell) for cell in cells])


def _parse_sparse_cell(text: str) -> tuple[int, float]:
    index, _, value = text.partition(":")
    return int(index), float(value)


def _sparse_table(lines: list[_SparseRow]) -> DataTable:
    import numpy

    weights = [line.weight for line in lines]
    return DataTable(
        _build_csr_matrix([line.cells for line in lines]),
        numpy.array([line.label for line in lines]),
        None if None in weights else numpy.array(weights, dtype=float),
    )


def _build_csr_matrix(rows: list[list[tuple[int, float]]], columns: int = 0) -> Any:
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    row_index, column_index, values = [], [], []
    for row_number, row in enumerate(rows):
        for column, value in row:
            row_index.append(row_number)
            column_index.append(column)
            values.append(value)
    width = max([columns, *(column + 1 for column in column_index)])
    return csr_matrix((values, (row_index, column_index)), shape=(len(rows), width))


def read_request_body(body: str, data_format: DataFormat, columns: int) -> Any:
    """The features of a request's body (no label), one row a line, for a model of ``columns`` features.

    Raises:
        UserError: the body is not what its content type says.
    """
    try:
        match data_format:
            case DataFormat.CSV:
                return _dense_features(body)
            case DataFormat.LIBSVM:
                lines = [line for line in body.splitlines() if line.strip()]
                return _build_csr_matrix(list(_sparse_body_rows(lines)), columns)
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"Loading {data_format} data failed with Exception, please ensure data is in {data_format} format:\n "
            f"{type(error)}\n {error}"
        ) from error


def _dense_features(body: str) -> Any:
    """The rows of a CSV body as AWS's container reads them: empty lines at its ends are cut off, the first line says
    what separates cells, and a letter or a digit that does is taken for a comma.
    """
    import numpy

    lines = body.strip().split("\n")
    sniffed = csv.Sniffer().sniff(lines[0][:_SNIFFED_LENGTH]).delimiter
    delimiter = "," if sniffed.isalnum() else sniffed
    return numpy.array([[float(text or "nan") for text in line.split(delimiter)] for line in lines])


def _sparse_body_rows(lines: Iterable[str]) -> Iterator[list[tuple[int, float]]]:
    for line in lines:
        yield [_parse_sparse_cell(text) for text in line.split() if ":" in text]
