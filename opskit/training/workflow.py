"""Finds and parses workflows: a folder with a `workflow.toml`, its data, and its model card. Users bring their own."""

from __future__ import annotations

import csv
import difflib
import hashlib
import re
import shlex
import tomllib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import opskit
from opskit.core.exceptions import UsageError
from opskit.core.model import InstanceConfig
from opskit.core.setting_values import parse_duration
from opskit.training.rules.model import SplitRatios, Workflow

ENTRY_POINTS = "opskit.workflows"
"""The entry point group in which other packages offer workflows. The value names a package or a folder's path."""

FILE_NAME = "workflow.toml"

_NAME = re.compile(r"(?=.{1,32}$)[a-z0-9](-?[a-z0-9])*")  # part of SageMaker names, which end at 63 characters

_INSTANCES = ("instance_type", "instance_count")
# Every key of each table. Unknown keys are refused, since a misspelt limit that is ignored would not hold.
_TABLE_KEYS: Mapping[str, tuple[str, ...]] = {
    "data": ("file", "sha256", "skip_lines", "target"),
    "split": ("test", "validation", "seed"),
    "image": ("framework", "version"),
    "training": (*_INSTANCES, "volume_gb", "max_run"),
    "transform": (*_INSTANCES, "max_run"),
    "endpoint": _INSTANCES,
}
# Tables whose keys belong to the algorithm, which refuses unknown ones itself.
_FREE_TABLES = ("hyperparameters",)
_TOP_KEYS = ("name", "title", *_TABLE_KEYS, *_FREE_TABLES)


def find_workflow(wanted: str) -> Workflow:
    """A workflow by name, or by the path of its folder (anything with a separator in it, or ``.``).

    Raises:
        UsageError: there is none of this name, or it is not a workflow.
    """
    if wanted in (".", "..") or "/" in wanted or "\\" in wanted:
        return load_workflow(Path(wanted), shlex.quote(wanted))
    shipped, offered = _shipped_workflows(), _entry_points()
    if wanted in shipped:
        return load_workflow(shipped[wanted], wanted)
    if wanted in offered:
        return load_workflow(_entry_point_folder(offered[wanted]), wanted)
    raise _unknown_workflow(wanted, known_workflows())


def known_workflows() -> list[str]:
    """The names of the workflows that come with opskit and with installed packages."""
    return sorted({*_shipped_workflows(), *_entry_points()})


def load_workflow(folder: Path, word: str = "") -> Workflow:
    """The workflow of a folder. ``word`` is what leads to it on the command line where the folder's path does not.

    Raises:
        UsageError: the folder has no workflow, or one that makes no sense.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("workflow-unreadable", f"{path} cannot be read: {error}.", _WORKFLOW_HINT) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError("workflow-malformed", f"{path} is not valid TOML: {error}.") from error
    _check_keys(table, text, path)
    try:
        return _parse_workflow(table, folder.resolve(), word or shlex.quote(str(folder)))
    except KeyError as error:
        raise UsageError("workflow-malformed", f"{path} lacks {error}.", _WORKFLOW_HINT) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError("workflow-malformed", f"{path}: {error}.", _WORKFLOW_HINT) from error


_WORKFLOW_HINT = f"A workflow is a folder with a {FILE_NAME}; the one of 'boston' shows every key."


def load_verified_data(workflow: Workflow) -> bytes:
    """The workflow's data, byte for byte what its checksum promises.

    Raises:
        UsageError: it cannot be read, or it is not the data the workflow was written for.
    """
    path = Path(workflow.folder) / workflow.data_file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError("data-unreadable", f"The data file {path} cannot be read: {error}.") from error
    digest = hashlib.sha256(content).hexdigest()
    if digest != workflow.sha256:
        text = f"{path} is not the data '{workflow.name}' was written for: its SHA-256 is {digest}."
        raise UsageError("data-changed", text, f"Restore it, or set data.sha256 in {FILE_NAME} if the change is meant.")
    return content


def feature_names(workflow: Workflow, content: bytes) -> tuple[str, ...]:
    """The names of the features, in the order the model takes them.

    Raises:
        UsageError: the data has no such target column.
    """
    lines = content.decode("utf-8-sig").splitlines()[workflow.skip_lines :]
    names = [name.strip() for name in next(csv.reader(lines[:1]), [])]
    if workflow.target not in names:
        text = f"{workflow.data_file} has no column '{workflow.target}'."
        raise UsageError("target-missing", text, f"It has: {', '.join(names)}.")
    return tuple(name for name in names if name != workflow.target)


def _check_keys(table: Mapping[str, Any], text: str, path: Path) -> None:
    """Refuse what nobody would read: a key or a table that a workflow does not have."""
    for name in (*_TABLE_KEYS, *_FREE_TABLES):
        if not isinstance(table.get(name, {}), dict):
            raise UsageError("workflow-malformed", f"{path}: {name} must be a table.", f"Write [{name}].")
    unknown: list[tuple[str, ...]] = [(name,) for name in table if name not in _TOP_KEYS]
    unknown += [(name, key) for name, known in _TABLE_KEYS.items() for key in table.get(name, {}) if key not in known]
    if unknown:
        message = " ".join(f"{path}{_line_number(names, text)}: {_unknown_key(table, names)}." for names in unknown)
        hint = " ".join(dict.fromkeys(_suggest_table_key(names) for names in unknown))
        raise UsageError("workflow-unknown-key", message, hint)


def _unknown_key(table: Mapping[str, Any], names: tuple[str, ...]) -> str:
    if len(names) > 1:
        return f"there is no key '{names[1]}' in [{names[0]}]"
    return f"there is no table [{names[0]}]" if isinstance(table[names[0]], dict) else f"there is no key '{names[0]}'"


def _suggest_table_key(names: tuple[str, ...]) -> str:
    """What was meant by a key nobody knows: one spelt like it in its table, or its namesake in another place."""
    *place, key = names
    known = _TABLE_KEYS[place[0]] if place else _TOP_KEYS
    homes = [f"[{name}]" for name, keys in _TABLE_KEYS.items() if key in keys]
    homes += ["the top of the file, above every table"] if place and key in _TOP_KEYS else []
    if homes:
        return f"'{key}' belongs in {' or '.join(homes)}."
    close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1)
    if close:
        return f"Did you mean '{'.'.join([*place, close[0]])}'?"
    return f"{f'[{place[0]}]' if place else 'A workflow'} has: {', '.join(known)}."


def _line_number(names: tuple[str, ...], text: str) -> str:
    """Where a key stands, as far as one line says so; TOML's own reader does not tell."""
    line_numbers, table = [], ""
    for number, line in enumerate(text.splitlines(), 1):
        head, is_pair, _ = line.partition("=")
        header = re.match(r"\s*\[+([^\]]+)\]", line)
        table = header[1] if header else table
        dotted = table if header else f"{table}.{head}" if is_pair else ""
        if tuple(part.strip(" \t'\"") for part in dotted.split(".") if part.strip()) == names:
            line_numbers.append(number)
    return f", line {line_numbers[0]}" if len(line_numbers) == 1 else ""


def _parse_workflow(table: Mapping[str, Any], folder: Path, word: str) -> Workflow:
    name, data, image = str(table["name"]), table["data"], table["image"]
    if not _NAME.fullmatch(name):
        raise ValueError(f"name: '{name}' is not made of lower-case letters, digits and single hyphens, at most 32")
    return Workflow(
        name=name,
        cli_ref=word,
        title=str(table.get("title", name)),
        folder=str(folder),
        data_file=str(data["file"]),
        sha256=str(data["sha256"]),
        skip_lines=int(data.get("skip_lines", 0)),
        target=str(data["target"]),
        split=_parse_split(table["split"]),
        framework=str(image["framework"]),
        version=str(image["version"]),
        hyperparameters=tuple(
            sorted((key, _hyperparameter_text(value)) for key, value in table["hyperparameters"].items())
        ),
        training=_parse_instances(table["training"], "max_run"),
        transform=_parse_instances(table["transform"], "max_run"),
        endpoint=_parse_instances(table["endpoint"]),
        volume_gb=int(table["training"].get("volume_gb", 10)),
    )


def _parse_split(table: Mapping[str, Any]) -> SplitRatios:
    split = SplitRatios(float(table["test"]), float(table["validation"]), int(table["seed"]))
    if not (0 < split.test < 1 and 0 < split.validation < 1):
        raise ValueError("split: test and validation are shares between 0 and 1")
    return split


def _parse_instances(table: Mapping[str, Any], max_run: str | None = None) -> InstanceConfig:
    seconds = None if max_run is None else int(parse_duration(str(table[max_run])).total_seconds())
    count = int(table.get("instance_count", 1))
    if count < 1:
        raise ValueError("instance_count is at least 1")
    return InstanceConfig(str(table["instance_type"]), count, seconds)


def _hyperparameter_text(value: object) -> str:
    """A hyperparameter as SageMaker takes it: text."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise TypeError(f"a hyperparameter is text or a number, not {value!r}")
    return str(value)


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
