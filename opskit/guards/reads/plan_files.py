"""Reads a plan's file, and resolves what a CloudFormation template computes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.core.exceptions import MissingExtra, UsageError
from opskit.guards.rules.request_model import Unresolved

# A plan of Terraform's for a large estate has some tens of megabytes.
_MOST_BYTES = 200_000_000
_NOT_KNOWN = "known only when the stack is made"


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
        return json.loads(text)
    except ValueError as error:
        hint = "Pass JSON, such as `terraform show -json PLANFILE` prints, or a CloudFormation template."
        raise UsageError("bad-plan", f"{name} is no JSON: {error}.", hint) from error


def _read_assembly(folder: Path) -> CloudAssembly:
    files = sorted(folder.rglob("*.template.json"))  # of nested stages too
    if not files:
        text = f"'{folder}' holds no templates of CDK's (*.template.json)."
        raise UsageError("bad-plan", text, "Run `cdk synth` first, and pass its cdk.out.")
    return CloudAssembly({file.name.removesuffix(".template.json"): read_plan_file(str(file)) for file in files})


def _read_text(path: str) -> str:
    try:
        raw = sys.stdin.buffer.read(_MOST_BYTES + 1) if path == "-" else _read_bytes(Path(path))
        if len(raw) > _MOST_BYTES:
            raise UsageError("bad-plan", f"{_name_of(path)} is larger than {_MOST_BYTES // 1_000_000} MB.")
        return raw.decode("utf-8-sig")
    except OSError as error:
        text = f"Could not read {_name_of(path)}: {error.strerror or error}."
        raise UsageError("unreadable-file", text) from error
    except UnicodeDecodeError as error:
        raise UsageError("bad-plan", f"{_name_of(path)} is no text in UTF-8.", _binary_hint(raw)) from error


def _read_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


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
        raise UsageError("bad-plan", f"{name} is no JSON and no YAML.", hint)
    try:
        from cfnlint.decode.cfn_yaml import loads
    except ImportError as error:
        raise MissingExtra("plans", "A plan in YAML") from error
    from yaml import YAMLError

    try:
        return loads(text)
    except (YAMLError, ValueError, TypeError) as error:
        raise UsageError("bad-plan", f"{name} is no YAML: {' '.join(str(error).split())}.") from error
    except Exception as error:  # cfn-lint's own, which derive from nothing more
        if type(error).__module__.startswith("cfnlint."):
            why = "; ".join(getattr(match, "message", "") for match in getattr(error, "matches", ()))
            raise UsageError("bad-plan", f"{name} is no template: {why or error}.") from error
        raise


@dataclass
class TemplateResolver:
    """What a template's functions give, with these values of its parameters, else with their defaults. cfn-lint
    resolves them.
    """

    template: Any
    region: str
    values: Mapping[str, str]

    def __post_init__(self) -> None:
        try:
            from cfnlint.context import create_context_for_template
            from cfnlint.jsonschema import CfnTemplateValidator
            from cfnlint.template import Template
        except ImportError as error:
            raise MissingExtra("plans", "A CloudFormation template") from error
        declared = self.template.get("Parameters") or {}
        if unknown := self.values.keys() - declared.keys():
            names = ", ".join(sorted(unknown))
            raise UsageError("no-parameter", f"The template has no parameter {names}.")
        self._parameters = {
            name: self.values.get(name, parameter.get("Default"))
            for name, parameter in declared.items()
            if name in self.values or "Default" in parameter
        }
        self._declared = declared
        self._cfn = Template("template", _with_values(self.template, self._parameters), [self.region])
        context = create_context_for_template(self._cfn)
        self._validator = CfnTemplateValidator({}, context=context, cfn=self._cfn)

    def holds(self, condition: str) -> bool | None:
        """Whether a condition of the template holds; None: not known."""
        known = {name: str(value) for name, value in self._parameters.items()}
        may = [self._cfn.conditions.satisfiable({condition: state}, known) for state in (True, False)]
        return may[0] if may.count(True) == 1 else None

    def resolve(self, value: Any, place: str) -> Any:
        """A value with its functions resolved, and ``Unresolved`` where that cannot be done."""
        if isinstance(value, Mapping):
            if len(value) == 1 and _is_function(next(iter(value))):
                return self._resolve_function(value, place)
            resolved = {str(key): self.resolve(each, f"{place}.{key}") for key, each in value.items()}
            return {key: each for key, each in resolved.items() if each is not _NO_VALUE}
        if isinstance(value, list):
            entries = [self.resolve(each, f"{place}[{index}]") for index, each in enumerate(value)]
            return [each for each in entries if each is not _NO_VALUE]
        return value

    def _resolve_function(self, call: Mapping[str, Any], place: str) -> Any:
        name, argument = next(iter(call.items()))
        if name == "Ref":
            return self._resolve_reference(str(argument), call, place)
        if name == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
            state = self.holds(str(argument[0]))
            if state is None:
                return Unresolved(place, f"whether the condition {argument[0]} holds is not known")
            return self.resolve(argument[1 if state else 2], place)
        return self._resolve_once(call, place)

    def _resolve_reference(self, name: str, call: Mapping[str, Any], place: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._parameters:
            return self._parameters[name]
        if name in self._declared:
            return Unresolved(place, f"the parameter {name} has no default (--parameter {name}=…)")
        return self._resolve_once(call, place)

    def _resolve_once(self, call: Mapping[str, Any], place: str) -> Any:
        results = [value for value, _, error in self._validator.resolve_value(call) if error is None]
        # Several: it depends on what is not known here.
        return results[0] if len(results) == 1 else Unresolved(place, _NOT_KNOWN)


def _with_values(template: Any, parameters: Mapping[str, Any]) -> Any:
    """A copy of a template in which each parameter may have its one value only: cfn-lint tries each that is allowed."""
    copy = deepcopy(template)
    for name, value in parameters.items():
        parameter = copy["Parameters"][name]
        parameter["Default"] = value
        parameter.pop("AllowedValues", None)
    return copy


_NO_VALUE = object()


def _is_function(name: object) -> bool:
    return name in ("Ref", "Condition") or str(name).startswith("Fn::")
