"""The SageMaker calls of a Step Functions definition, and which of its states may run at the same time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opskit.guards.rules.operations import is_plain_read, starts_nothing
from opskit.guards.rules.planned_calls import PlanKind, PlannedCall, PlannedCalls, linked_definitions
from opskit.guards.rules.request_model import Request, UnknownNeed, Unresolved

# arn:aws:states:::sagemaker:createTrainingJob.sync, and arn:aws:states:::aws-sdk:sagemaker:createEndpoint
_STATES = r"arn:(?:aws[\w-]*|\$\{AWS::Partition\}):states:[^:]*:[^:]*:"
_RESOURCE = re.compile(rf"{_STATES}(?:aws-sdk:)?sagemaker:(\w+?)(\.sync(?::\d)?|\.waitForTaskToken)?")
_OTHER_SERVICE = re.compile(rf"{_STATES}(?:aws-sdk:)?([\w-]+):(\w+)(?:\.\w+(?::\d)?)?")
_FUNCTION = re.compile(r"arn:[^:]+:lambda:.+")
# Services that run somebody's program, and those whose calls may start what SageMaker counts.
_PROGRAMS = {
    "activity",
    "apigateway",
    "codebuild",
    "ecs",
    "eks",
    "elasticmapreduce",
    "emr-containers",
    "emr-serverless",
    "glue",
    "http",
    "lambda",
}
_STARTERS = {
    ("batch", "submit"): "the job that it submits to AWS Batch is not read",
    ("cloudformation", "create"): "the stack that it makes is not read",
    ("cloudformation", "execute"): "the stack that it makes is not read",
    ("cloudformation", "update"): "the stack that it makes is not read",
    ("servicecatalog", "provision"): "the product that it provisions is not read",
    ("sfn", "redrive"): "the state machine that it starts is not read",
    ("sfn", "start"): "the state machine that it starts is not read",
    ("states", "start"): "the state machine that it starts is not read",
}
_LOOP_REASON = "how often the loop around it runs is known only when the state machine runs"
_PLAIN_STATES = ("Choice", "Fail", "Pass", "Succeed", "Wait")

_BY_INPUT = "the input of the state decides it"


@dataclass
class _Walk:
    """What was found so far. ``paths`` are the parallel branches that each call stands in."""

    calls: list[PlannedCall] = field(default_factory=list)
    paths: list[tuple[str, ...]] = field(default_factory=list)
    unknowns: list[UnknownNeed] = field(default_factory=list)
    definitions: dict[tuple[str, str], Request] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    loops: int = 0
    """How many loops are around the state."""


def plan_state_machine(definition: Request) -> PlannedCalls:
    """The calls of a state machine. States follow one another; branches of a Parallel state run at the same time, and
    so do the iterations of a Map state, of which only its MaxConcurrency tells how many there are.
    """
    walk = _Walk()
    _walk_states(definition, "", (), walk)
    together = tuple(_calls_at_once(walk.paths))
    unknowns, notes = tuple(walk.unknowns), tuple(walk.notes)
    return PlannedCalls(PlanKind.STATE_MACHINE, tuple(walk.calls), walk.definitions, together, unknowns, notes)


def _walk_states(machine: Request, above: str, path: tuple[str, ...], walk: _Walk) -> None:
    states = machine.get("States")
    if not isinstance(states, Mapping):
        walk.unknowns.append(UnknownNeed(f"{above}States", "the states are not given"))
        return
    repeated = _repeated_states(states)
    for name, state in states.items():
        walk.loops += name in repeated
        _walk_workflow_state(state, f"{above}States.{name}", path, walk)
        walk.loops -= name in repeated


def _walk_workflow_state(state: Request, source: str, path: tuple[str, ...], walk: _Walk) -> None:
    kind = state.get("Type")
    if kind == "Task":
        _add_task(state, source, path, walk)
    elif kind == "Map":
        _walk_map(state, source, path, walk)
    elif kind == "Parallel":
        for index, branch in enumerate(state.get("Branches") or ()):
            _walk_states(branch, f"{source}.Branches[{index}].", (*path, f"{source} {index}"), walk)
    elif kind not in _PLAIN_STATES:
        walk.unknowns.append(UnknownNeed(source, "the kind of state is not known"))


def _repeated_states(states: Mapping[str, Any]) -> set[str]:
    """The states that may come after themselves."""
    following = {name: list(_following_states(state)) for name, state in states.items()}
    return {name for name in following if name in _reachable_states(name, following)}


def _following_states(state: Request) -> Iterator[str]:
    branches = [state, *(state.get("Choices") or ()), *(state.get("Catch") or ())]
    yield from (str(branch["Next"]) for branch in branches if "Next" in branch)
    if "Default" in state:
        yield str(state["Default"])


def _reachable_states(name: str, following: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(following[name])
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += following.get(each, ())
    return found


def _walk_map(state: Request, source: str, path: tuple[str, ...], walk: _Walk) -> None:
    """An iteration of a Map is counted as often as may run at once; without a bound nothing tells how often it runs."""
    processor = state.get("ItemProcessor") or state.get("Iterator") or {}
    at_once = state.get("MaxConcurrency")
    found = len(walk.calls)
    if isinstance(at_once, int) and not isinstance(at_once, bool) and 0 < at_once <= _MAX_COPIES:
        for index in range(at_once):
            _walk_states(processor, f"{source}.ItemProcessor.", (*path, f"{source} #{index}"), walk)
    else:
        _walk_states(processor, f"{source}.ItemProcessor.", (*path, f"{source} #0"), walk)
    if len(walk.calls) > found:
        walk.unknowns.append(UnknownNeed(source, "how many items the Map state has is known only when it runs"))


# As many iterations as are counted one by one; a Map may run thousands at once.
_MAX_COPIES = 100


def _add_task(state: Request, source: str, path: tuple[str, ...], walk: _Walk) -> None:
    resource = state.get("Resource")
    match = _RESOURCE.fullmatch(resource) if isinstance(resource, str) else None
    if match is None:
        _add_other_task(resource, source, walk)
        return
    operation = match[1][0].upper() + match[1][1:]
    if is_plain_read(operation):
        return
    params = _resolved(state.get("Parameters") or state.get("Arguments") or {}, f"{source}.Parameters")
    if not isinstance(params, Mapping):
        walk.unknowns.append(UnknownNeed(source, "its arguments are known only when the state machine runs"))
        return
    walk.definitions |= linked_definitions([(operation, params)])
    walk.calls.append(PlannedCall(operation, params, source, waits=bool(match[2])))
    walk.paths.append(path)
    if walk.loops and not starts_nothing(operation):
        walk.unknowns.append(UnknownNeed(source, _LOOP_REASON))


def _add_other_task(resource: object, source: str, walk: _Walk) -> None:
    """What is said of a task that is no call of SageMaker's."""
    match = _OTHER_SERVICE.fullmatch(resource) if isinstance(resource, str) else None
    service, action = (match[1], match[2]) if match else ("", "")
    if isinstance(resource, str) and _FUNCTION.fullmatch(resource):
        service = "lambda"
    reasons = [why for (name, verb), why in _STARTERS.items() if name == service and action.startswith(verb)]
    if reasons or service in ("", "sagemaker"):
        walk.unknowns.append(UnknownNeed(source, reasons[0] if reasons else "what its Resource starts is not known"))
    elif service in _PROGRAMS:
        walk.notes.append(f"{source} runs a program; what that starts is not covered")


def _calls_at_once(paths: Sequence[tuple[str, ...]]) -> Iterator[frozenset[int]]:
    """For each call those that may run beside it."""
    for index, path in enumerate(paths):
        # The others wait for it: only branches of a Parallel or Map state around both run at the same time.
        yield frozenset({index, *(other for other, there in enumerate(paths) if _are_parallel(path, there))})


def _are_parallel(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            return mine.rpartition(" ")[0] == theirs.rpartition(" ")[0]
    return False


def _resolved(value: object, source: str) -> object:
    """A state's parameters, where what the input decides (``Name.$``, ``{% … %}``) is unresolved."""
    if isinstance(value, Mapping):
        resolved: dict[str, object] = {}
        for key, each in value.items():
            name = str(key).removesuffix(".$")
            place = f"{source}.{name}"
            is_path = str(key).endswith(".$")
            resolved[name] = (
                Unresolved(place, "the input of the state decides it") if is_path else _resolved(each, place)
            )
        return resolved
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_resolved(each, f"{source}[{index}]") for index, each in enumerate(value)]
    if isinstance(value, str) and value.startswith("{%"):
        return Unresolved(source, _BY_INPUT)
    return value
