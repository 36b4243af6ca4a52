"""The calls of a SageMaker pipeline's definition, and which of its steps may run at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from opskit.guards.rules.planned_calls import PlanKind, PlannedCall, PlannedCalls
from opskit.guards.rules.request_model import Request, UnknownNeed, Unresolved

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


def plan_pipeline(definition: Request, values: Mapping[str, object]) -> PlannedCalls:
    """The calls of a pipeline's steps, with these values of its parameters, else with their defaults."""
    parameters = _parameters(definition, values)
    steps = list(_all_steps(definition.get("Steps"), frozenset()))
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
            calls.append(PlannedCall(operation, arguments, source, waits=True))
            names.append(each.name)
        elif kind not in _OTHER_STEPS:
            reason = _NOT_JUDGED.get(kind, f"steps of type {kind} are newer than this opskit")
            unknowns.append(UnknownNeed(source, reason))
    together = tuple(_moments(names, {each.name: each.after for each in steps}))
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


def _all_steps(steps: object, after: frozenset[str]) -> Iterator[_Step]:
    """Each step, also those below a condition, with what it comes after."""
    for step in steps if isinstance(steps, Sequence) else ():
        name = str(step.get("Name"))
        depends = {str(each).partition(".")[0] for each in step.get("DependsOn") or ()}
        own = after | depends | frozenset(_referred_steps(step.get("Arguments")))
        yield _Step(step, name, own)
        arguments = step.get("Arguments")
        if step.get("Type") == "Condition" and isinstance(arguments, Mapping):
            for branch in ("IfSteps", "ElseSteps"):
                yield from _all_steps(arguments.get(branch) or (), frozenset({name}))


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


def _moments(names: Sequence[str], after: Mapping[str, frozenset[str]]) -> Iterator[frozenset[int]]:
    """For each step the steps that neither come before nor after it: more than can run at once, never fewer."""
    before = {name: _ancestors(name, after) for name in names}
    for name in names:
        yield frozenset(
            index for index, other in enumerate(names) if other not in before[name] and name not in before[other]
        )


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
    """A value with the pipeline's parameters put in. What a step will give only when it has run stays unresolved."""
    if isinstance(value, Mapping):
        reference = value.get("Get")
        if isinstance(reference, str) and len(value) == 1:
            kind, _, name = reference.partition(".")
            if kind == "Parameters" and name in parameters:
                return parameters[name]
            return Unresolved(source, f"{reference} is known only when the pipeline runs")
        if len(value) == 1 and next(iter(value)).startswith("Std:"):
            return Unresolved(source, f"{next(iter(value))} is computed when the pipeline runs")
        return {key: _resolved(each, parameters, f"{source}.{key}") for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_resolved(each, parameters, f"{source}[{index}]") for index, each in enumerate(value)]
    return value
