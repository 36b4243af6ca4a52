"""Reads a plan's file."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.core.exceptions import MissingExtra, UsageError
from opskit.core.file_errors import file_error_text
from opskit.core.json_text import load_outside_json

# A plan of Terraform's for a large estate has some tens of megabytes.
_MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class CloudAssembly:
    """What `cdk synth` leaves in a folder: the template of each stack, by its name."""

    templates: Mapping[str, Any]


def read_plan_file(path: str) -> Any:
    """A file's content, or standard input's where the path is ``-``: JSON or YAML. Of a folder of CDK's: its
    ``CloudAssembly``.

    Raises:
        UsageError: it cannot be read, or it is neither.
        MissingExtra: it is YAML, which takes cfn-lint to read.
    """
    if path != "-" and Path(path).is_dir():
        return _read_assembly(Path(path))
    return parse_plan_text(_read_text(path), _name_of(path))


def parse_plan_text(text: str, name: str) -> Any:
    """The content of a plan in JSON or YAML. ``name`` is what errors call it.

    Raises:
        UsageError: it is neither.
        MissingExtra: it is YAML, which takes cfn-lint to read.
    """
    try:
        return _parse_json(text, name) if text.lstrip()[:1] in ("{", "[") else _parse_yaml(text, name)
    except RecursionError as error:
        raise UsageError("bad-plan", f"{name} is nested too deep to be a plan.") from error


def _parse_json(text: str, name: str) -> Any:
    try:
        return load_outside_json(text)
    except ValueError as error:
        hint = "Pass JSON, such as `terraform show -json PLANFILE` prints, or a CloudFormation template."
        raise UsageError("bad-plan", f"{name} is not JSON: {error}.", hint) from error


def _read_assembly(folder: Path) -> CloudAssembly:
    files = sorted(folder.rglob("*.template.json"))  # of nested stages too
    if not files:
        text = f"'{folder}' holds no templates of CDK's (*.template.json)."
        raise UsageError("bad-plan", text, "Run `cdk synth` first, and pass its cdk.out.")
    return CloudAssembly({file.name.removesuffix(".template.json"): read_plan_file(str(file)) for file in files})


def _read_text(path: str) -> str:
    try:
        raw = sys.stdin.buffer.read(_MAX_BYTES + 1) if path == "-" else _read_bytes(Path(path))
        if len(raw) > _MAX_BYTES:
            raise UsageError("bad-plan", f"{_name_of(path)} is larger than {_MAX_BYTES // 1_000_000} MB.")
        return raw.decode("utf-8-sig")
    except OSError as error:
        text = f"Could not read {_name_of(path)}: {file_error_text(error)}."
        raise UsageError("unreadable-file", text) from error
    except UnicodeDecodeError as error:
        raise UsageError("bad-plan", f"{_name_of(path)} is not UTF-8 text.", _binary_hint(raw)) from error


def _read_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES + 1)


def _binary_hint(raw: bytes) -> str:
    # A plan file of Terraform's is a zip archive.
    return "Print it as JSON: terraform show -json PLANFILE" if raw.startswith(b"PK") else ""


def _name_of(path: str) -> str:
    return "Standard input" if path == "-" else f"'{path}'"


# A name and a colon begin a line of each mapping in YAML.
_YAML_KEY = re.compile(r"^(?:- )?[\w:\"'-]+:(?:\s|$)", re.MULTILINE)


def _parse_yaml(text: str, name: str) -> Any:
    if not _YAML_KEY.search(text):
        hint = "Pass JSON, such as `terraform show -json PLANFILE` prints, a request, or a CloudFormation template."
        raise UsageError("bad-plan", f"{name} is neither JSON nor YAML.", hint)
    try:
        from cfnlint.decode.cfn_yaml import loads
    except ImportError as error:
        raise MissingExtra("plans", "A plan in YAML") from error
    from yaml import YAMLError

    try:
        return loads(text)
    except (YAMLError, ValueError, TypeError) as error:
        raise UsageError("bad-plan", f"{name} is not YAML: {' '.join(str(error).split())}.") from error
    except Exception as error:  # cfn-lint's own, which derive from nothing more
        if type(error).__module__.startswith("cfnlint."):
            why = "; ".join(getattr(match, "message", "") for match in getattr(error, "matches", ()))
            raise UsageError("bad-plan", f"{name} is not a template: {why or error}.") from error
        raise
