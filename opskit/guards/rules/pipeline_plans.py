"""The calls of a SageMaker pipeline's definition, which of its steps may run at the same time, and whether the
conditions of a condition step hold, as far as its parameters tell.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

from opskit.guards.rules.planned_calls import PlanKind, PlannedCall, PlannedCalls
from opskit.guards.rules.request_model import Request, UnknownNeed, Unresolved

Resolve = Callable[[object], object]
"""Puts the pipeline's parameters into a value; ``Unresolved`` where only a run tells it."""

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def conditions_hold(conditions: object, resolve: Resolve) -> bool | None:
    """Whether all conditions hold; None: that is known only when the pipeline runs."""
    if not isinstance(conditions, Sequence) or isinstance(conditions, str) or not conditions:
        return None
    return _all_of([_condition_holds(each, resolve) for each in conditions])


def _condition_holds(condition: object, resolve: Resolve) -> bool | None:
    if not isinstance(condition, Mapping):
        return None
    kind = str(condition.get("Type"))
    if kind == "Not":
        inner = _condition_holds(condition.get("Expression"), resolve)
        return None if inner is None else not inner
    if kind == "Or":
        inner = _all_of([_negated(each, resolve) for each in condition.get("Conditions") or ()])
        return None if inner is None else not inner
    if kind == "In":
        return _is_in(condition, resolve)
    return _compares(condition, kind, resolve)


def _negated(condition: object, resolve: Resolve) -> bool | None:
    inner = _condition_holds(condition, resolve)
    return None if inner is None else not inner


def _all_of(states: Sequence[bool | None]) -> bool | None:
    """One that does not hold decides, also where others are not known."""
    if False in states:
        return False
    return None if None in states else True


def _is_in(condition: Request, resolve: Resolve) -> bool | None:
    value, members = resolve(condition.get("QueryValue")), resolve(condition.get("Values"))
    if not isinstance(members, list) or any(isinstance(each, Unresolved) for each in (value, *members)):
        return None
    return value in members


def _compares(condition: Request, kind: str, resolve: Resolve) -> bool | None:
    compare = _COMPARISONS.get(kind)
    left, right = resolve(condition.get("LeftValue")), resolve(condition.get("RightValue"))
    if compare is None or isinstance(left, Unresolved) or isinstance(right, Unresolved):
        return None
    try:
        return bool(compare(*_as_numbers_if_one_is(left, right)))
    except TypeError:
        return None


def _as_numbers_if_one_is(left: object, right: object) -> tuple[object, object]:
    """Both as numbers where one is."""
    try:
        # A parameter's value may be typed as text. A bool is an int to Python, and no number here.
        if isinstance(left, int | float) != isinstance(right, int | float) and not isinstance(left, bool):
            return float(str(left)), float(str(right))
    except ValueError:
        pass  # then they are compared as they are
    return left, right


_OPERATIONS = {
    "AutoML": "CreateAutoMLJobV2",
    "ClarifyCheck": "CreateProcessingJob",
    "Endpoint": "CreateEndpoint",
    "EndpointConfig": "CreateEndpointConfig",
    "InferenceComponent": "CreateInferenceComponent",
    "Model": "CreateModel",
    "Processing": "CreateProcessingJob",
    "QualityCheck": "CreateProcessingJob",
    "RegisterModel": "CreateModelPackage",
    "Training": "CreateTrainingJob",
    "Transform": "CreateTransformJob",
    "Tuning": "CreateHyperParameterTuningJob",
}
# Steps that start nothing in SageMaker by themselves.
_OTHER_STEPS = {"Callback", "Condition", "Fail", "Lambda"}
_NOT_JUDGED = {
    "Bedrock": "what the step runs in Bedrock is not judged",
    "EMR": "the EMR cluster that the step runs on is not judged",
    "EMRServerless": "the EMR application that the step runs on is not judged",
}


@dataclass(frozen=True)
class _Step:
    step: Request
    name: str
    after: frozenset[str]
    certain: bool = True


# More choices than these are not gone through one by one: then all steps that may meet count together.
_MAX_COMBINATIONS = 2000


def plan_pipeline(definition: Request, values: Mapping[str, object], most_at_once: int | None = None) -> PlannedCalls:
    """The calls of a pipeline's steps, with these values of its parameters, else with their defaults. ``most_at_once``
    is how many steps may run at the same time (None: as many as there are). Steps that a condition leaves out are not
    among them; where only a run tells whether it holds, those of both branches are, and none is certain.
    """
    parameters = _parameters(definition, values)

    def resolve(value: object) -> object:
        return _resolved(value, parameters, "Conditions")

    steps = list(_all_steps(definition.get("Steps"), frozenset(), resolve, certain=True))
    calls: list[PlannedCall] = []
    unknowns: list[UnknownNeed] = []
    names: list[str] = []
    definitions: dict[tuple[str, str], Request] = {}
    for each in steps:
        source = f"Steps[{each.name}]"
        kind = str(each.step.get("Type"))
        operation = _OPERATIONS.get(kind)
        arguments = _resolved(each.step.get("Arguments") or {}, parameters, source)
        if operation == "CreateEndpointConfig" and isinstance(arguments, Mapping):
            definitions["describe_endpoint_config", str(arguments.get("EndpointConfigName"))] = arguments
        if operation and isinstance(arguments, Mapping):
            calls.append(PlannedCall(operation, arguments, source, waits=True, certain=each.certain))
            names.append(each.name)
        elif kind not in _OTHER_STEPS:
            reason = _NOT_JUDGED.get(kind, f"steps of type {kind} are newer than this opskit")
            unknowns.append(UnknownNeed(source, reason))
    together = tuple(_steps_at_once(names, {each.name: each.after for each in steps}, most_at_once))
    return PlannedCalls(PlanKind.PIPELINE, tuple(calls), definitions, together, tuple(unknowns))


def _parameters(definition: Request, values: Mapping[str, object]) -> dict[str, object]:
    declared = definition.get("Parameters") or ()
    found: dict[str, object] = {}
    for each in declared:
        name = str(each.get("Name"))
        if name in values:
            found[name] = values[name]
        elif "DefaultValue" in each:
            found[name] = each["DefaultValue"]
        else:
            found[name] = Unresolved(f"Parameters.{name}", "the parameter has no default")
    return found


def _all_steps(steps: object, after: frozenset[str], resolve: Resolve, *, certain: bool) -> Iterator[_Step]:
    """Each step, also those below a condition, with what it comes after."""
    for step in steps if isinstance(steps, Sequence) else ():
        name = str(step.get("Name"))
        depends = {str(each).partition(".")[0] for each in step.get("DependsOn") or ()}
        own = after | depends | frozenset(_referred_steps(step.get("Arguments")))
        yield _Step(step, name, own, certain)
        arguments = step.get("Arguments")
        if step.get("Type") == "Condition" and isinstance(arguments, Mapping):
            state = conditions_hold(arguments.get("Conditions"), resolve)
            for branch, taken in (("IfSteps", True), ("ElseSteps", False)):
                if state is None or state is taken:
                    inner, is_sure = arguments.get(branch) or (), certain and state is not None
                    yield from _all_steps(inner, frozenset({name}), resolve, certain=is_sure)


def _referred_steps(value: object) -> Iterator[str]:
    """The steps whose results a value uses."""
    if isinstance(value, Mapping):
        reference = value.get("Get")
        if isinstance(reference, str) and reference.startswith("Steps."):
            yield reference.split(".")[1].partition("[")[0]
        for each in value.values():
            yield from _referred_steps(each)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _referred_steps(each)


def _steps_at_once(
    names: Sequence[str], after: Mapping[str, frozenset[str]], most_at_once: int | None
) -> Iterator[frozenset[int]]:
    """The steps that may run at once with each step."""
    before = {name: _ancestors(name, after) for name in names}
    # More than can run at once, never fewer: all that neither come before nor after it.
    found = [
        frozenset(index for index, other in enumerate(names) if other not in before[name] and name not in before[other])
        for name in names
    ]
    for moment in found if most_at_once is None else dict.fromkeys(found):
        # Each choice of as many as may run; where there are too many choices, all of them count as running at once.
        if most_at_once and len(moment) > most_at_once and comb(len(moment), most_at_once) <= _MAX_COMBINATIONS:
            yield from map(frozenset, combinations(sorted(moment), most_at_once))
        else:
            yield moment


def _ancestors(name: str, after: Mapping[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(after.get(name, ()))
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += after.get(each, ())
    return found


def _resolved(value: object, parameters: Mapping[str, object], source: str) -> object:
    """A value with the pipeline's parameters put in."""
    if isinstance(value, Mapping):
        reference = value.get("Get")
        if isinstance(reference, str) and len(value) == 1:
            kind, _, name = reference.partition(".")
            if kind == "Parameters" and name in parameters:
                return parameters[name]
            return Unresolved(source, f"{reference} is known only when the pipeline runs")
        # What a step gives only when it has run, such as Std:JsonGet of a report, stays unresolved.
        if len(value) == 1 and next(iter(value)).startswith("Std:"):
            return Unresolved(source, f"{next(iter(value))} is computed when the pipeline runs")
        return {key: _resolved(each, parameters, f"{source}.{key}") for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_resolved(each, parameters, f"{source}[{index}]") for index, each in enumerate(value)]
    return value
