"""Gets predictions for the rows of a file: all of it is checked before the first row is sent, then it goes in batches,
so that neither the file nor the answers have to fit in memory.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from opskit.aws.client import AwsClient
from opskit.core.exceptions import UsageError
from opskit.core.file_errors import file_error_text
from opskit.core.owners import Owner
from opskit.training.events import RowsPredicted, RunEventSink
from opskit.training.flows.predict import KnownData, find_newest_endpoint, invoke_rows
from opskit.training.rules.csv_rows import FIRST_BYTES, FeatureRow, feature_rows, foreign_format, written_header
from opskit.training.rules.model import Workflow
from opskit.training.rules.scores import Outputs, class_probabilities, predicted_classes

# InvokeEndpoint takes 6 MB a request and a minute for the answer; what a row costs the model is not known.
BATCH_BYTES = 4_000_000
_BATCH_ROWS = 500


@dataclass(frozen=True)
class RowsFile:
    """A file whose rows were checked. ``source`` names it in messages; ``header`` None: it has none."""

    path: Path
    source: str
    rows: int
    header: tuple[str, ...] | None


@dataclass(frozen=True)
class FilePredictions:
    """The endpoint that was asked, and its answers: in the file ``written`` and not here, or if it is None here."""

    endpoint: str
    rows: int
    outputs: Outputs = ()
    written: Path | None = None


@contextmanager
def open_rows(file: Path, features: Sequence[str]) -> Iterator[RowsFile]:
    """Check every row of a file (``-``: standard input, which is kept in a temporary file meanwhile).

    Raises:
        UsageError: it cannot be read, or one of its rows cannot be predicted.
    """
    if str(file) != "-":
        yield _check_file(file, str(file), features)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "rows.csv"
        # What is not UTF-8 is written as it came, and refused with the rest of the file.
        with copy.open("w", encoding="utf-8", errors="surrogateescape", newline="") as writing:
            try:
                for line in sys.stdin:
                    writing.write(line)
            except UnicodeDecodeError as error:
                raise UsageError(
                    "file-unreadable", f"standard input cannot be read: {file_error_text(error)}."
                ) from error
        yield _check_file(copy, "standard input", features)


def _check_file(path: Path, source: str, features: Sequence[str]) -> RowsFile:
    try:
        with path.open("rb") as start:
            foreign = foreign_format(start.read(FIRST_BYTES))
        if foreign:
            raise UsageError("file-unreadable", f"{source} is {foreign[0]}, not CSV.", foreign[1])
        with path.open(encoding="utf-8-sig", newline="") as reading:
            header = written_header(source, reading, features)
        with path.open(encoding="utf-8-sig", newline="") as reading:
            rows = sum(1 for _ in feature_rows(source, reading, features))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("file-unreadable", f"{source} cannot be read: {file_error_text(error)}.") from error
    return RowsFile(path, source, rows, header)


def predict_file(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    known: KnownData,
    file: RowsFile,
    emit: RunEventSink,
    out: Path | None = None,
) -> FilePredictions:
    """Ask the owner's newest endpoint for every row. With ``out`` the rows are written there as CSV, in their order,
    with the predictions beside them; the file appears when it is whole.

    Raises:
        UsageError: the file changed meanwhile, or ``out`` cannot be written.
        GuardRefused: no endpoint is in service.
        AwsError: there was no response, or not one for each row.
    """
    if out is not None and out.exists() and out.samefile(file.path):
        raise UsageError("bad-flags", f"{out} is the file that is read.", "Name another with --out.")
    endpoint = find_newest_endpoint(client, workflow, owner)
    if out is None:
        outputs: list[tuple[float, ...]] = []
        _ask_in_batches(client, workflow, endpoint, known, file, emit, lambda rows, answers: outputs.extend(answers))
        return FilePredictions(endpoint, file.rows, tuple(outputs))
    with _atomic_replacement(out) as writing:
        writer = csv.writer(writing, lineterminator="\n")
        writer.writerow([*(file.header or known.features), *_new_columns(workflow, known, file)])

        def write_batch(rows: Sequence[FeatureRow], answers: Outputs) -> None:
            columns = _answer_columns(workflow, known, answers)
            writer.writerows([*row.cells, *answer] for row, answer in zip(rows, columns, strict=True))

        _ask_in_batches(client, workflow, endpoint, known, file, emit, write_batch)
    return FilePredictions(endpoint, file.rows, written=out)


def _ask_in_batches(
    client: AwsClient,
    workflow: Workflow,
    endpoint: str,
    known: KnownData,
    file: RowsFile,
    emit: RunEventSink,
    take: Callable[[Sequence[FeatureRow], Outputs], None],
) -> None:
    done = 0
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as reading:
            for batch in _batches(feature_rows(file.source, reading, known.features)):
                take(batch, invoke_rows(client, workflow, endpoint, [row.text for row in batch]))
                done += len(batch)
                emit(RowsPredicted(done, file.rows))
    except UnicodeDecodeError as error:
        raise UsageError("file-changed", f"{file.source} changed while it was read: {error}.") from error
    if done != file.rows:
        raise UsageError("file-changed", f"{file.source} changed while it was read: {done} rows of {file.rows}.")


def _batches(rows: Iterator[FeatureRow]) -> Iterator[list[FeatureRow]]:
    batch: list[FeatureRow] = []
    size = 0
    for row in rows:
        if batch and (len(batch) == _BATCH_ROWS or size + len(row.text) + 1 > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(row.text) + 1
    if batch:
        yield batch


def _new_columns(workflow: Workflow, known: KnownData, file: RowsFile) -> list[str]:
    """The names of the columns beside the rows; none is one that the file has."""
    taken = {name.lower() for name in file.header or known.features}
    names = ["prediction"]
    if workflow.task.has_classes and known.classes:
        names += [f"probability_{name}" for name in known.classes]
    return [name if name.lower() not in taken else f"{name}_opskit" for name in names]


def _answer_columns(workflow: Workflow, known: KnownData, answers: Outputs) -> list[list[str]]:
    if not workflow.task.has_classes:
        return [[repr(row[0])] for row in answers]
    chosen = predicted_classes(workflow.task, answers, len(known.classes))
    # A model that answers with classes alone has no probabilities: their columns stay empty.
    probabilities = class_probabilities(workflow.task, answers, len(known.classes))
    nothing = [""] * len(known.classes)
    return [
        [known.classes[each], *(map(repr, probabilities[at]) if probabilities else nothing)]
        for at, each in enumerate(chosen)
    ]


@contextmanager
def _atomic_replacement(out: Path) -> Iterator[IO[str]]:
    """A file to write to, which takes its place when all of it is written; else nothing is left."""
    half = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with half.open("w", encoding="utf-8", newline="") as writing:
            yield writing
        half.replace(out)
    except OSError as error:
        raise UsageError("files-not-written", f"{out} cannot be written: {file_error_text(error)}.") from error
    finally:
        half.unlink(missing_ok=True)
