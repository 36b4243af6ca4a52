"""Reads the rows that a user wants predictions for, one at a time; and tells by its first bytes what a file is that
should be CSV.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from opskit.core.exceptions import UsageError
from opskit.training.rules.table_cells import CellKind, cell_number, classify_cell, feature_line, read_csv_rows

_FILE_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed with gzip", "Decompress it: gunzip FILE."),
    (b"BZh", "compressed with bzip2", "Decompress it: bunzip2 FILE."),
    (b"\xfd7zXZ\x00", "compressed with xz", "Decompress it: unxz FILE."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Decompress it: unzstd FILE."),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "Unzip it, or save the sheet as CSV UTF-8."),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "Save the sheet as CSV UTF-8."),
    (b"PAR1", "Parquet", "Write it as CSV (pandas: read_parquet, then to_csv(index=False))."),
    (b"\x89HDF", "HDF5", "Write it as CSV (pandas: to_csv(index=False))."),
    (b"SQLite format 3\x00", "an SQLite database", "Write the table as CSV: sqlite3 -header -csv FILE 'select …'."),
    (b"\xff\xfe", "UTF-16 text", "Save it as UTF-8: iconv -f UTF-16 -t UTF-8."),
    (b"\xfe\xff", "UTF-16 text", "Save it as UTF-8: iconv -f UTF-16 -t UTF-8."),
)

UTF8_HINT = "Save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8, where a Windows program wrote it."
"""How text of another encoding is made readable: Excel writes a CSV in this one on most Windows machines."""

FIRST_BYTES = 16
"""So many tell every format that is known here."""


def foreign_format(content: bytes) -> tuple[str, str] | None:
    """What content is, and how it becomes CSV; None: nothing that is known here, so perhaps CSV."""
    for beginning, name, remedy in _FILE_SIGNATURES:
        if content.startswith(beginning):
            return name, remedy
    return None


def first_foreign_byte(error: UnicodeDecodeError) -> tuple[int, str]:
    """The line of the first byte that is no UTF-8 text, and the byte, such as 0xe9."""
    return error.object.count(b"\n", 0, error.start) + 1, f"0x{error.object[error.start]:02x}"


@dataclass(frozen=True)
class FeatureRow:
    """A row as it was written, and as the model takes it: numbers only, in the order of the training data. True and
    False are 1 and 0, as in training.
    """

    cells: tuple[str, ...]
    text: str


def feature_rows(source: str, lines: Iterable[str], features: Sequence[str]) -> Iterator[FeatureRow]:
    """The rows of a CSV. With a header the columns may come in any order, with others in between. ``source`` names the
    text in errors.

    Raises:
        UsageError: there are no rows, or a row has something other than numbers.
    """
    columns, width, found = list(range(len(features))), len(features), 0
    for at, (line, cells) in enumerate(_csv_lines(source, lines)):
        header = _header_columns(source, cells, features) if at == 0 else None
        if header:
            columns, width = header, len(cells)
            continue
        found += 1
        yield FeatureRow(tuple(cells), _parse_row(f"{source}, line {line}", cells, columns, features, width))
    if not found:
        raise UsageError("file-empty", f"{source} has no rows.", _row_shape(features))


def written_header(source: str, lines: Iterable[str], features: Sequence[str]) -> tuple[str, ...] | None:
    """The header as it is written; None where the first line is a row.

    Raises:
        UsageError: it is not CSV, or its header lacks a feature.
    """
    first = next(_csv_lines(source, lines), None)
    if first is None or _header_columns(source, first[1], features) is None:
        return None
    return tuple(cell.strip() for cell in first[1])


def _csv_lines(source: str, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    # Spreadsheets begin UTF-8 files with a byte order mark, which would become part of the first name.
    unmarked = (line.removeprefix("\ufeff") if at == 0 else line for at, line in enumerate(lines))
    try:
        for row in read_csv_rows(unmarked):
            yield row.line, row.cells
    except csv.Error as error:
        raise UsageError("file-unreadable", f"{source} is not CSV: {error}.") from error


def _header_columns(source: str, cells: Sequence[str], features: Sequence[str]) -> list[int] | None:
    """The column of each feature, by the header; None if the first line is not a header. A line of numbers is a row
    unless it is the features as they are, since features may be called by numbers.
    """
    names = [cell.strip() for cell in cells]
    if all(classify_cell(name).is_number for name in names) and names != list(features):
        return None
    found = [_columns_named(name, names, features) for name in features]
    if not any(found):
        return None
    known = f"The features are: {', '.join(features)}."
    if missing := [name for name, columns in zip(features, found, strict=True) if not columns]:
        text = f"{source} has a header, and no column {', '.join(missing)} in it."
        raise UsageError("column-missing", text, known)
    if doubled := [name for name, columns in zip(features, found, strict=True) if len(columns) > 1]:
        text = f"{source} has a header with several columns for {', '.join(doubled)}."
        raise UsageError("column-doubled", text, known)
    return [columns[0] for columns in found]


def _columns_named(feature: str, names: Sequence[str], features: Sequence[str]) -> list[int]:
    """The columns of a feature: by its exact name, or where no other feature's differs in case alone, in any case."""
    exact = [at for at, name in enumerate(names) if name == feature]
    if exact or [name.lower() for name in features].count(feature.lower()) > 1:
        return exact
    return [at for at, name in enumerate(names) if name.lower() == feature.lower()]


def _row_shape(features: Sequence[str]) -> str:
    return f"A row has the {len(features)} features: {', '.join(features)}."


def _parse_row(where: str, cells: Sequence[str], columns: Sequence[int], features: Sequence[str], width: int) -> str:
    shape = _row_shape(features)
    if len(cells) != width:
        more = " Leave out the target." if len(cells) == width + 1 else ""
        raise UsageError("bad-row", f"{where} has {len(cells)} values, not {width}.", shape + more)
    named = zip(columns, features, strict=True)
    return feature_line([_parse_feature(f"{where}, column '{name}'", cells[at].strip(), shape) for at, name in named])


def _parse_feature(where: str, cell: str, shape: str) -> float:
    match classify_cell(cell):
        case CellKind.NUMBER | CellKind.BOOLEAN | CellKind.MISSING:
            return cell_number(cell)
        case CellKind.DATE | CellKind.WORD | CellKind.INFINITE:
            raise UsageError("bad-row", f"{where}: '{cell[:40]}' is not a number.", shape)
