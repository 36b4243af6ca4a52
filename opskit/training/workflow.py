"""Finds and parses workflows: a folder with a `workflow.toml`, its data, and its model card. Users bring their own."""

from __future__ import annotations

import difflib
import hashlib
import shlex
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import opskit
from opskit.core.exceptions import Problem, UsageError
from opskit.core.file_errors import file_error_text, read_named_text
from opskit.training.rules.model import Workflow
from opskit.training.rules.workflow_file import WORKFLOW_HINT, parse_workflow_text

ENTRY_POINTS = "opskit.workflows"
"""The entry point group in which other packages offer workflows. The value names a package or a folder's path."""

FILE_NAME = "workflow.toml"


def find_workflow(wanted: str) -> Workflow:
    """A workflow by name, or by the path of its folder (anything with a separator in it, or ``.``).

    Raises:
        UsageError: there is none of this name, or it is not a workflow.
    """
    if wanted in (".", "..") or "/" in wanted or "\\" in wanted:
        return load_workflow(Path(wanted), shlex.quote(wanted))
    if (shipped := _shipped_workflows().get(wanted)) is not None:
        return load_workflow(shipped, wanted)
    if wanted in (offered := _entry_points()):
        return load_workflow(_entry_point_folder(offered[wanted]), wanted)
    raise _unknown_workflow(wanted, known_workflows())


def known_workflows() -> list[str]:
    """The names of the workflows that come with opskit and with installed packages."""
    return sorted({*_shipped_workflows(), *_entry_points()})


@dataclass(frozen=True)
class ListedWorkflow:
    """A workflow that can be named. None for ``workflow``: it could not be loaded, and ``problem`` says why."""

    name: str
    workflow: Workflow | None = None
    problem: Problem | None = None


def list_workflows() -> list[ListedWorkflow]:
    """Every workflow that can be named, in the order of their names; a broken one does not hide the others."""
    listed = []
    for name in known_workflows():
        try:
            listed.append(ListedWorkflow(name, find_workflow(name)))
        except UsageError as error:
            listed.append(ListedWorkflow(name, problem=error.problem))
    return listed


def load_workflow(folder: Path, word: str = "") -> Workflow:
    """The workflow of a folder. ``word`` is what leads to it on the command line where the folder's path does not.

    Raises:
        UsageError: the folder has no workflow, or one that makes no sense.
    """
    path = folder / FILE_NAME
    text = read_workflow_text(folder)
    return parse_workflow_text(text, str(path), str(folder.resolve()), word or shlex.quote(str(folder)))


def read_workflow_text(folder: Path) -> str:
    """The text of a folder's workflow.toml.

    Raises:
        UsageError: it cannot be read.
    """
    path = folder / FILE_NAME
    return read_named_text(path, "workflow-unreadable", WORKFLOW_HINT)


def load_verified_data(workflow: Workflow) -> bytes:
    """The workflow's data, byte for byte what its checksum promises.

    Raises:
        UsageError: it cannot be read, or it is not the data the workflow was written for.
    """
    path = Path(workflow.folder) / workflow.data_file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            "data-unreadable", f"The data file {path} cannot be read: {file_error_text(error)}."
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != workflow.sha256:
        text = f"{path} is not the data '{workflow.name}' was written for: its SHA-256 is {digest}."
        hint = f"Restore it. If the change is meant: opskit workflow check {workflow.cli_ref} --update"
        raise UsageError("data-changed", text, hint)
    return content


def _shipped_workflows() -> dict[str, Path]:
    """The workflows that come with opskit: inside the package in a wheel, beside it in a checkout."""
    package = Path(opskit.__file__).parent
    inside, beside = package / "workflows", package.parent / "workflows"
    home = inside if inside.is_dir() else beside
    return {path.parent.name: path.parent for path in sorted(home.glob(f"*/{FILE_NAME}"))}


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _entry_point_folder(point: EntryPoint) -> Path:
    """The folder an entry point names: a package's own, or the path a module holds."""
    try:
        found = point.load()
    except Exception as error:  # it is other people's code, and may fail in any way
        text = f"The workflow '{point.name}' of {point.value} cannot be loaded: {type(error).__name__}: {error}."
        raise UsageError("workflow-unreadable", text, "Repair or uninstall the package that offers it.") from error
    if isinstance(found, ModuleType):
        return Path(next(iter(found.__path__)) if hasattr(found, "__path__") else str(found.__file__)).resolve()
    if isinstance(found, str | Path):
        return Path(found)
    raise UsageError("workflow-malformed", f"The entry point {point.value} names neither a package nor a folder.")


def _unknown_workflow(wanted: str, known: list[str]) -> UsageError:
    is_folder = (Path(wanted) / FILE_NAME).is_file()
    close = [f"./{wanted}"] if is_folder else difflib.get_close_matches(wanted, known, n=1)
    meant = f"Did you mean '{close[0]}'? " if close else ""
    text = f"There is no workflow '{wanted}'."
    return UsageError("workflow-unknown", text, f"{meant}Known: {', '.join(known)}; or give a folder's path.")
