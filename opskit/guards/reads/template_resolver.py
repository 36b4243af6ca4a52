"""Resolves what a CloudFormation template computes: its functions by cfn-lint, its conditions by what is known here."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from opskit.aws.partitions import partition_of
from opskit.core.exceptions import MissingExtra, UsageError
from opskit.guards.rules.request_model import Unresolved

_NOT_KNOWN = "known only when the stack is made"
# Those that the Region tells; the account and the stack's own name are not known here.
_REGION_PSEUDO_PARAMETERS = ("AWS::Region", "AWS::Partition", "AWS::URLSuffix")
# cfn-lint has made-up values for these.
_UNKNOWN_PSEUDO_PARAMETERS = ("AWS::AccountId", "AWS::NotificationARNs", "AWS::StackId", "AWS::StackName")


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
        self._open: set[str] = set()
        context = create_context_for_template(self._cfn)
        self._validator = CfnTemplateValidator({}, context=context, cfn=self._cfn)

    def holds(self, condition: str) -> bool | None:
        """Whether a condition of the template holds; None: not known."""
        if condition in self._open:  # it names itself
            return None
        self._open.add(condition)
        try:
            state = self._evaluate((self.template.get("Conditions") or {}).get(condition))
        finally:
            self._open.discard(condition)
        return state if state is not None else self._satisfiable(condition)

    def _evaluate(self, expression: Any) -> bool | None:
        """Whether an expression of conditions holds by what is known here: parameters, constants and the Region."""
        if not isinstance(expression, Mapping) or len(expression) != 1:
            return None
        name, argument = next(iter(expression.items()))
        parts = argument if isinstance(argument, list) else [argument]
        if name == "Condition":
            return self.holds(str(argument))
        if name == "Fn::Equals" and len(parts) == 2:
            left, right = (self.resolve(each, "Conditions") for each in parts)
            return None if _is_open(left) or _is_open(right) else _as_text(left) == _as_text(right)
        states = [self._evaluate(each) for each in parts]
        if name == "Fn::Not" and len(states) == 1:
            return None if states[0] is None else not states[0]
        if name in ("Fn::And", "Fn::Or"):
            decides = name == "Fn::Or"
            return decides if decides in states else None if None in states else not decides
        return None

    def _satisfiable(self, condition: str) -> bool | None:
        """Whether cfn-lint finds only one state of a condition possible with these parameters."""
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
        if name in _REGION_PSEUDO_PARAMETERS:
            return self._region_pseudo_parameter(name)
        if name in _UNKNOWN_PSEUDO_PARAMETERS:
            return Unresolved(place, f"{name} is {_NOT_KNOWN}")
        if name in self._parameters:
            return self._parameters[name]
        if name in self._declared:
            return Unresolved(place, f"the parameter {name} has no default (--parameter {name}=…)")
        return self._resolve_once(call, place)

    def _region_pseudo_parameter(self, name: str) -> str:
        partition = partition_of(self.region)
        told = {
            "AWS::Region": self.region,
            "AWS::Partition": partition.name,
            "AWS::URLSuffix": partition.dns_suffixes[0],
        }
        return told[name]

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


def _is_open(value: Any) -> bool:
    """Whether a value, or a part of it, is not known."""
    if isinstance(value, list):
        return any(map(_is_open, value))
    return isinstance(value, Unresolved | Mapping) or value is _NO_VALUE


def _as_text(value: Any) -> str:
    """A value as CloudFormation compares it: text, with booleans as they are written."""
    return str(value).lower() if isinstance(value, bool) else str(value)
