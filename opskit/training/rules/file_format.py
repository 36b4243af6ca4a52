"""What a file that should be CSV is instead, told by its first bytes."""

from __future__ import annotations

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
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

FIRST_BYTES = 16
"""So many tell every format that is known here."""


def foreign_format(content: bytes) -> tuple[str, str] | None:
    """What content is, and how it becomes CSV; None: nothing that is known here, so perhaps CSV."""
    for beginning, name, remedy in _BEGINNINGS:
        if content.startswith(beginning):
            return name, remedy
    return None
