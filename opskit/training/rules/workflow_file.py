"""Reads the text of a workflow.toml into a workflow, and says of what it refuses where it stands."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.core.model import InstanceConfig
from opskit.training.rules.algorithms.table import find_algorithm
from opskit.training.rules.model import JobSettings, SplitRatios, Task, Workflow
from opskit.training.rules.workflow_shape import (
    TABLE_SPECS,
    TABLES,
    TOP_KEYS,
    FreeShape,
    KeySpec,
    required_names,
)
from opskit.training.rules.workflow_values import read_free_value, read_value

WORKFLOW_HINT = "docs/workflow-file.md lists every key; `opskit workflow init` writes a workflow for your own data."

_TOP_NAMES = (*(spec.name for spec in TOP_KEYS), *TABLE_SPECS)
_KNOWN_KEYS: Mapping[str, tuple[str, ...]] = {
    table.name: tuple(spec.name for spec in table.keys) for table in TABLES if not table.is_free
}
# AWS's own prefix, which it refuses, and opskit's, by which it knows what is its own.
_RESERVED_TAGS = ("aws:", "opskit:")
_LONGEST_WARM_POOL = 6 * 3600  # SageMaker's maximum of KeepAlivePeriodInSeconds


def parse_workflow_text(text: str, path: str, folder: str, word: str) -> Workflow:
    """The workflow in a workflow.toml. ``path`` names the file in errors, ``folder`` is where it lies, ``word`` what
    leads to it on the command line.

    Raises:
        UsageError: it is not TOML, or no workflow.
    """
    try:
        table = tomllib.loads(text.removeprefix("\ufeff"))  # editors of Windows begin a file with a byte order mark
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, arrays within arrays without end
        raise UsageError("workflow-malformed", f"{path} is not valid TOML: {error}.") from error
    _check_keys(table, text, path)
    values = _read_values(table, text, path)
    try:
        return _build_workflow(values, folder, word)
    except ValueError as error:
        raise UsageError("workflow-malformed", f"{path}: {error}.", WORKFLOW_HINT) from error
    except UsageError as error:
        place = f"{path}{_line_text(('image', 'framework'), text)}"
        raise UsageError(error.problem.code, f"{place}: {error.problem.message}", error.problem.hint) from error


def find_line(names: tuple[str, ...], text: str) -> int | None:
    """The line of a key, as far as one line says so: TOML's own reader does not tell. None: no single line does."""
    line_numbers, table = [], ""
    for number, line in enumerate(text.splitlines(), 1):
        head, is_pair, _ = line.partition("=")
        header = re.match(r"\s*\[+([^\]]+)\]", line)
        table = header[1] if header else table
        dotted = table if header else f"{table}.{head}" if is_pair else ""
        if tuple(part.strip(" \t'\"") for part in dotted.split(".") if part.strip()) == names:
            line_numbers.append(number)
    return line_numbers[0] if len(line_numbers) == 1 else None


def _line_text(names: tuple[str, ...], text: str) -> str:
    line = find_line(names, text)
    return f", line {line}" if line else ""


def _check_keys(table: Mapping[str, Any], text: str, path: str) -> None:
    """Refuse what nobody would read, since a misspelt limit that is ignored would not hold: a key or a table that a
    workflow does not have.
    """
    for name in TABLE_SPECS:
        if not isinstance(table.get(name, {}), dict):
            raise UsageError("workflow-malformed", f"{path}: {name} must be a table.", f"Write [{name}].")
    unknown: list[tuple[str, ...]] = [(name,) for name in table if name not in _TOP_NAMES]
    unknown += [(name, key) for name, known in _KNOWN_KEYS.items() for key in table.get(name, {}) if key not in known]
    if unknown:
        message = " ".join(f"{path}{_line_text(names, text)}: {_unknown_key(table, names)}." for names in unknown)
        hint = " ".join(dict.fromkeys(_suggest_table_key(names) for names in unknown))
        raise UsageError("workflow-unknown-key", message, hint)


def _unknown_key(table: Mapping[str, Any], names: tuple[str, ...]) -> str:
    if len(names) > 1:
        return f"there is no key '{names[1]}' in [{names[0]}]"
    return f"there is no table [{names[0]}]" if isinstance(table[names[0]], dict) else f"there is no key '{names[0]}'"


def _suggest_table_key(names: tuple[str, ...]) -> str:
    """What was meant by a key nobody knows: one spelt like it in its table, or its namesake in another place."""
    *place, key = names
    known = _KNOWN_KEYS[place[0]] if place else _TOP_NAMES
    homes = [f"[{name}]" for name, keys in _KNOWN_KEYS.items() if key in keys]
    homes += ["the top of the file, above every table"] if place and key in _TOP_NAMES else []
    if homes:
        return f"'{key}' belongs in {' or '.join(homes)}."
    close = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1)
    if close:
        return f"Did you mean '{'.'.join([*place, close[0]])}'?"
    return f"{f'[{place[0]}]' if place else 'A workflow'} has: {', '.join(known)}."


_Values = dict[str, Any]
"""The top keys by name, and a mapping for each table."""


def _read_values(table: Mapping[str, Any], text: str, path: str) -> _Values:
    """Every value, as the shape wants it.

    Raises:
        UsageError: something is missing, or holds what it cannot.
    """
    missing = [name for name in required_names() if name not in table]
    if missing:
        raise UsageError("workflow-malformed", f"{path} lacks '{missing[0]}'.", WORKFLOW_HINT)
    values: _Values = {spec.name: _read_key(spec, table, (), text, path) for spec in TOP_KEYS}
    for spec in TABLES:
        content = table.get(spec.name, {})
        if spec.free:
            values[spec.name] = _read_free_table(spec.name, spec.free, content, text, path)
        else:
            values[spec.name] = {key.name: _read_key(key, content, (spec.name,), text, path) for key in spec.keys}
    return values


def _read_key(spec: KeySpec, content: Mapping[str, Any], place: tuple[str, ...], text: str, path: str) -> Any:
    names = (*place, spec.name)
    if spec.name not in content:
        # A table that is left out has no required keys of its own.
        if spec.required:
            raise UsageError("workflow-malformed", f"{path} lacks '{'.'.join(names)}'.", WORKFLOW_HINT)
        return spec.default
    try:
        return read_value(spec, content[spec.name])
    except ValueError as error:
        raise _malformed_value(names, text, path, error) from error
    except UsageError as error:
        where = f"{path}{_line_text(names, text)}"
        raise UsageError(error.problem.code, f"{where}: {error.problem.message}", error.problem.hint) from error


def _read_free_table(
    name: str, shape: FreeShape, content: Mapping[str, Any], text: str, path: str
) -> tuple[tuple[str, str], ...]:
    read = []
    if len(content) > shape.most:
        raise _malformed_value((name,), text, path, ValueError(f"has {len(content)} entries, not at most {shape.most}"))
    for key, value in content.items():
        try:
            read.append((key, read_free_value(shape, key, value)))
        except ValueError as error:
            raise _malformed_value((name, key), text, path, error) from error
    return tuple(sorted(read))


def _malformed_value(names: tuple[str, ...], text: str, path: str, error: ValueError) -> UsageError:
    place = f"{path}{_line_text(names, text)}"
    return UsageError("workflow-malformed", f"{place}: {'.'.join(names)} {error}.", WORKFLOW_HINT)


def _build_workflow(values: _Values, folder: str, word: str) -> Workflow:
    data, image, training, split = values["data"], values["image"], values["training"], values["split"]
    algorithm = find_algorithm(image["framework"])
    task = Task(values["task"]) if values["task"] else algorithm.find_task(dict(values["hyperparameters"]))
    return Workflow(
        name=values["name"],
        cli_ref=word,
        title=values["title"] or values["name"],
        folder=folder,
        data_file=data["file"],
        sha256=data["sha256"],
        skip_lines=data["skip_lines"],
        target=data["target"],
        split=SplitRatios(split["test"], split["validation"], split["seed"]),
        framework=image["framework"],
        version=image["version"],
        hyperparameters=values["hyperparameters"],
        training=_build_config(training),
        transform=_build_config(values["transform"]),
        endpoint=_build_config(values["endpoint"]),
        volume_gb=training["volume_gb"],
        # An objective that cannot be scored has no task, and is refused with the other settings before anything runs.
        task=task or Task.REGRESSION,
        ignore=data["ignore"],
        keep=data["keep"],
        positive=data["positive"],
        settings=_build_settings(values),
    )


def _build_config(table: Mapping[str, Any]) -> InstanceConfig:
    return InstanceConfig(table["instance_type"], table["instance_count"], table.get("max_run"))


def _build_settings(values: _Values) -> JobSettings:
    network, encryption = values["network"], values["encryption"]
    if bool(network["subnets"]) is not bool(network["security_groups"]):
        raise ValueError("network.subnets and network.security_groups belong together: AWS wants both")
    if (values["training"]["keep_alive"] or 0) > _LONGEST_WARM_POOL:
        raise ValueError(f"training.keep_alive is at most {_LONGEST_WARM_POOL // 3600}h")
    reserved = [key for key, _ in values["tags"] if key.lower().startswith(_RESERVED_TAGS)]
    if reserved:
        raise ValueError(f"tags: '{reserved[0]}' begins with a reserved prefix ({' or '.join(_RESERVED_TAGS)})")
    return JobSettings(
        subnets=network["subnets"],
        security_groups=network["security_groups"],
        network_isolation=network["isolation"],
        volume_kms_key=encryption["volume_kms_key"],
        s3_kms_key=encryption["s3_kms_key"],
        tags=values["tags"],
        environment=values["environment"],
        keep_alive_seconds=values["training"]["keep_alive"],
    )
