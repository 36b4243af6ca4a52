"""Makes a workflow's folder for somebody's own data, and writes checksums. It changes files of this machine only."""

from __future__ import annotations

import csv
import hashlib
import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from opskit.core.exceptions import UsageError
from opskit.core.file_errors import file_error_text
from opskit.training.flows.inspect_workflow import WorkflowInspection, inspect_workflow
from opskit.training.rules.csv_rows import UTF8_HINT, first_foreign_byte, foreign_format
from opskit.training.rules.model import Task, Workflow
from opskit.training.rules.workflow_draft import (
    DraftOptions,
    draft_model_card,
    draft_workflow,
    replace_checksum,
    valid_name,
)
from opskit.training.rules.workflow_file import parse_workflow_text
from opskit.training.workflow import FILE_NAME, load_verified_data, load_workflow, read_workflow_text


@dataclass(frozen=True)
class NewWorkflow:
    """A workflow that was written: the files, what was decided for the user, and what a look at it found."""

    workflow: Workflow
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    inspection: WorkflowInspection


def init_workflow(
    folder: Path,
    data: Path,
    target: str,
    instance_type: str,
    *,
    name: str | None,
    task: Task | None,
    ignore: tuple[str, ...],
    skip_lines: int = 0,
) -> NewWorkflow:
    """Write workflow.toml and a model card into a folder, and copy the data into it unless it lies there already.

    Raises:
        UsageError: there is a workflow already, the data cannot be read or have no such target, or the folder cannot be
            written.
    """
    if (folder / FILE_NAME).exists():
        text = f"{folder / FILE_NAME} already exists."
        raise UsageError("workflow-exists", text, f"To check it: opskit workflow check {_folder_word(folder)}")
    content = _read_data(data)
    inside = data.resolve().is_relative_to(folder.resolve())
    place = data.resolve().relative_to(folder.resolve()) if inside else Path("data") / data.name
    if not inside and (folder / place).exists():
        raise UsageError("file-exists", f"{folder / place} already exists.", "Name it as the data, or move it away.")
    if foreign := foreign_format(content):
        raise UsageError("data-not-csv", f"{data} is {foreign[0]}, not CSV.", foreign[1])
    options = DraftOptions(
        name or valid_name(folder.resolve().name),
        str(data),
        place.as_posix(),
        target,
        task,
        ignore,
        instance_type,
        skip_lines,
    )
    try:
        draft = draft_workflow(options, content.decode("utf-8-sig"), hashlib.sha256(content).hexdigest())
    except UnicodeDecodeError as error:
        line, byte = first_foreign_byte(error)
        message = f"{data}, line {line}: it is not UTF-8 text (byte {byte})."
        raise UsageError("data-not-utf8", message, UTF8_HINT) from error
    except csv.Error as error:
        raise UsageError("data-not-csv", f"{data} is not CSV: {error}.") from error
    parse_workflow_text(draft.text, str(folder / FILE_NAME), str(folder), _folder_word(folder))
    files = _write_files(folder, None if inside else (data, place), options, draft.text)
    workflow = load_workflow(folder, _folder_word(folder))
    return NewWorkflow(workflow, files, draft.notes, inspect_workflow(workflow, content))


def _folder_word(folder: Path) -> str:
    """The folder as it is written on the command line: with a separator, or it would be taken for a name."""
    text = os.fspath(folder)
    return shlex.quote(text if os.sep in text or text in (".", "..") else f".{os.sep}{text}")


def _read_data(data: Path) -> bytes:
    try:
        return data.read_bytes()
    except OSError as error:
        raise UsageError(
            "data-unreadable", f"The data file {data} cannot be read: {file_error_text(error)}."
        ) from error


def _write_files(folder: Path, copied: tuple[Path, Path] | None, options: DraftOptions, text: str) -> tuple[Path, ...]:
    """Write what is missing; workflow.toml comes last, so that a folder that has one is whole."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if copied:
            source, place = copied
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / place)
            written.append(folder / place)
        card = folder / "MODEL_CARD.md"
        if not card.exists():
            card.write_text(draft_model_card(options.name, options.target, options.data_file), encoding="utf-8")
            written.append(card)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "files-not-written", f"{error.filename or folder} cannot be written: {file_error_text(error)}."
        ) from error
    return (*written, folder / FILE_NAME)


def update_checksum(workflow: Workflow) -> bool:
    """Write the checksum of the data as they are now into workflow.toml. Returns whether it was another.

    Raises:
        UsageError: the data cannot be read, or workflow.toml not be written.
    """
    content = _read_data(Path(workflow.folder) / workflow.data_file)
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 == workflow.sha256:
        return False
    folder = Path(workflow.folder)
    text = replace_checksum(read_workflow_text(folder), sha256)
    if text is None:
        path = folder / FILE_NAME
        raise UsageError("checksum-not-written", f"{path} has no single line for data.sha256.", f"Write: {sha256}")
    try:
        (folder / FILE_NAME).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            "files-not-written", f"{folder / FILE_NAME} cannot be written: {file_error_text(error)}."
        ) from error
    return True


def check_workflow(workflow: Workflow) -> WorkflowInspection:
    """Look at a workflow and its data.

    Raises:
        UsageError: the data cannot be read, or are not those it was written for.
    """
    return inspect_workflow(workflow, load_verified_data(workflow))
