"""The SageMaker calls that a plan will make: a request in a file, a pipeline's or state machine's definition, a plan of
Terraform's, a template of CloudFormation's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from opskit.core.exceptions import UsageError
from opskit.guards.rules.operations import JUDGES, REFUSED_OPERATIONS, is_plain_read, judge_request, starts_nothing
from opskit.guards.rules.replaced_resources import without_replaced
from opskit.guards.rules.request_model import (
    Describe,
    InstanceNeed,
    NotDescribed,
    Request,
    RequestNeeds,
    UnknownNeed,
    Unresolved,
)

PLAN_NAME = "plan:"
"""How the name of something begins that only the plan defines."""


class PlanKind(StrEnum):
    """What a file holds."""

    REQUEST = "request"
    PIPELINE = "pipeline"
    STATE_MACHINE = "state-machine"
    TERRAFORM = "terraform"
    TEMPLATE = "cloudformation"


@dataclass(frozen=True)
class PlannedCall:
    """One call. ``source`` is its place in the plan. ``waits`` tells that what follows begins when what it starts has
    ended. ``certain`` False: whether it is made at all is not known. ``replaces``: what has the same name is deleted
    before it is made.
    """

    operation: str
    params: Request
    source: str
    waits: bool = False
    certain: bool = True
    replaces: bool = False


@dataclass(frozen=True)
class PlannedCalls:
    """All calls of a plan. ``definitions`` are answers to what calls only name, by boto3's operation and the name.
    ``together`` are the calls, by their index, that may run at the same time; None: all of them.
    """

    kind: PlanKind
    calls: tuple[PlannedCall, ...]
    definitions: Mapping[tuple[str, str], Request] = field(default_factory=dict)
    together: tuple[frozenset[int], ...] | None = None
    unknowns: tuple[UnknownNeed, ...] = ()
    notes: tuple[str, ...] = ()


def plan_kind_of(document: object) -> PlanKind:
    """What a file's content is.

    Raises:
        UsageError: it is nothing that opskit knows.
    """
    if isinstance(document, list):
        return PlanKind.REQUEST
    if not isinstance(document, Mapping):
        text = "The file is not a JSON object."
        raise UsageError("bad-plan", text, "Pass a request, or a plan as `terraform show -json` prints it.")
    if "resource_changes" in document:
        return PlanKind.TERRAFORM
    if "planned_values" in document or ("terraform_version" in document and "values" in document):
        text = "The file is Terraform's, but it holds no planned changes."
        raise UsageError("no-changes", text, "Pass what `terraform show -json PLANFILE` prints.")
    if "StartAt" in document and "States" in document:
        return PlanKind.STATE_MACHINE
    if isinstance(document.get("Steps"), list):
        return PlanKind.PIPELINE
    resources = document.get("Resources")
    if isinstance(resources, Mapping) and all(
        (isinstance(each, Mapping) and "Type" in each) or name.startswith("Fn::") for name, each in resources.items()
    ):
        return PlanKind.TEMPLATE
    return PlanKind.REQUEST


def merge_plans(plans: Sequence[PlannedCalls]) -> PlannedCalls:
    """Several templates as one plan: all that they make exists at the same time."""
    return PlannedCalls(
        PlanKind.TEMPLATE,
        tuple(call for plan in plans for call in plan.calls),
        {key: told for plan in plans for key, told in plan.definitions.items()},
        unknowns=tuple(unknown for plan in plans for unknown in plan.unknowns),
        notes=tuple(dict.fromkeys(note for plan in plans for note in plan.notes)),
    )


def judge_plan(plan: PlannedCalls, describe: Describe) -> RequestNeeds:
    """What all calls of a plan need. ``describe`` reads of the account what the plan does not define itself."""

    def describe_planned(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        # A space and a user profile have their domain before their name, a pipeline may have a version after it.
        name = next((value for key, value in params.items() if key.endswith("Name")), next(iter(params.values()), None))
        if isinstance(name, Unresolved):
            raise NotDescribed(f"{name.source}: {name.reason}")
        if not isinstance(name, str):
            raise NotDescribed("The name of what it uses is not given.")
        known = plan.definitions.get((operation, name))
        if known is not None:
            return known
        if name.startswith(PLAN_NAME):
            raise NotDescribed(f"{name.removeprefix(PLAN_NAME)} is not in the plan.")
        return describe(operation, params)

    judged = [_in_place(_judge_call(call, describe_planned, describe), call) for call in plan.calls]
    unknowns = [*plan.unknowns, *(unknown for needs in judged for unknown in needs.unknowns)]
    notes = [*plan.notes, *(note for needs in judged for note in needs.notes)]
    return RequestNeeds(
        tuple(need for each in judged for need in each.needs),
        tuple(dict.fromkeys(unknowns)),
        tuple(dict.fromkeys(notes)),
        tuple(_needs_at_once(plan, judged)),
        tuple(dict.fromkeys(limit for needs in judged for limit in needs.limits)),
    )


def _judge_call(call: PlannedCall, describe_planned: Describe, describe: Describe) -> RequestNeeds:
    # Of an operation that is newer nothing tells whether it names instances.
    needs = judge_request(call.operation, call.params, describe_planned, lambda: True)
    return without_replaced(call.operation, call.params, needs, describe) if call.replaces else needs


def linked_definitions(calls: Iterable[tuple[str, Request]]) -> dict[tuple[str, str], Request]:
    """What calls define for other calls of the same plan, as answers to the reads that would tell it."""
    found: dict[tuple[str, str], Request] = {}
    for operation, params in calls:
        member, describe = _DEFINING.get(operation, ("", ""))
        name = params.get(member)
        if isinstance(name, str):
            found[describe, name] = params
    return found


_DEFINING = {
    "CreateEndpointConfig": ("EndpointConfigName", "describe_endpoint_config"),
    "CreatePipeline": ("PipelineName", "describe_pipeline"),
    "UpdatePipeline": ("PipelineName", "describe_pipeline"),
    "CreateSpace": ("SpaceName", "describe_space"),
    "CreateUserProfile": ("UserProfileName", "describe_user_profile"),
    "CreateDataQualityJobDefinition": ("JobDefinitionName", "describe_data_quality_job_definition"),
    "CreateModelQualityJobDefinition": ("JobDefinitionName", "describe_model_quality_job_definition"),
    "CreateModelBiasJobDefinition": ("JobDefinitionName", "describe_model_bias_job_definition"),
    "CreateModelExplainabilityJobDefinition": ("JobDefinitionName", "describe_model_explainability_job_definition"),
}


def _needs_at_once(plan: PlannedCalls, judged: Sequence[RequestNeeds]) -> Iterator[tuple[InstanceNeed, ...]]:
    """The needs that meet. None at all if everything may run at once."""
    if plan.together is None:
        return
    # What nothing waits for goes on beside all that comes after it, as a notebook or an endpoint does.
    stays = {
        index
        for index, needs in enumerate(judged)
        if not plan.calls[index].waits or _keeps_running(plan.calls[index], needs)
    }
    for moment in plan.together:
        yield tuple(need for index in sorted(moment | stays) for need in judged[index].needs)


# Jobs that end by themselves, though nothing bounds how long they take.
_ENDING = ("CreateTransformJob", "CreateHyperParameterTuningJob")


def _keeps_running(call: PlannedCall, needs: RequestNeeds) -> bool:
    """Whether instances stay when the step that started them has ended."""
    return call.operation not in _ENDING and any(need.seconds is None for need in needs.needs)


def _in_place(needs: RequestNeeds, call: PlannedCall) -> RequestNeeds:
    """Needs with their place in the plan rather than in one of its requests."""
    return replace(
        needs,
        needs=tuple(
            replace(
                need,
                source=_place(call, need.source),
                job=_place(call, need.job),
                choice=need.choice and _place(call, need.choice),
                bound=need.bound and _place(call, need.bound),
                certain=need.certain and call.certain,
            )
            for need in needs.needs
        ),
        # What may not be made at all is above no quota.
        limits=tuple(replace(each, source=_place(call, each.source)) for each in needs.limits if call.certain),
        unknowns=tuple(replace(each, source=_unknown_place(call, each.source)) for each in needs.unknowns),
    )


def _place(call: PlannedCall, source: str) -> str:
    source = source.replace(PLAN_NAME, "")
    return f"{call.source}: {source}" if call.source and source else call.source or source


def _unknown_place(call: PlannedCall, source: str) -> str:
    # What is not resolved has its place in the plan already.
    if source.startswith(call.source):
        return source
    return call.source if source == call.operation else _place(call, source)


def plan_request(
    document: object, operation: str | None, guess: Callable[[frozenset[str]], Mapping[str, bool]]
) -> PlannedCalls:
    """The calls in a file of requests: one, a list, or each below its operation's name. ``guess`` names the operations
    whose input has these members, and tells of each whether these are all that it requires.

    Raises:
        UsageError: nothing tells which operation a request is for.
    """
    entries = document if isinstance(document, list) else [document]
    calls: list[PlannedCall] = []
    for index, entry in enumerate(entries):
        source = f"[{index}]" if isinstance(document, list) else ""
        if not isinstance(entry, Mapping):
            raise UsageError("bad-plan", f"Entry {index} is not a request.", "Each entry is an object of JSON.")
        named = [key for key in entry if _is_operation(key) and isinstance(entry[key], Mapping)]
        if operation is None and len(named) == len(entry) > 0:
            calls += [PlannedCall(key, entry[key], f"{source}{key}") for key in named]
        else:
            calls.append(PlannedCall(operation or _guessed(entry, guess), entry, source))
    definitions = linked_definitions((call.operation, call.params) for call in calls)
    return PlannedCalls(PlanKind.REQUEST, tuple(calls), definitions)


def _is_operation(name: str) -> bool:
    return name in JUDGES or name in REFUSED_OPERATIONS or starts_nothing(name)


def check_operation(name: str) -> str:
    """An operation's name as AWS writes it, from ``CreateTrainingJob`` or ``create-training-job``.

    Raises:
        UsageError: opskit knows no such operation, or it only reads.
    """
    written = "".join(word[:1].upper() + word[1:] for word in name.replace("_", "-").split("-"))
    if _is_operation(written):
        return written
    same = [known for known in (*JUDGES, *REFUSED_OPERATIONS) if known.lower() == written.lower()]
    if same:
        return same[0]
    text = f"'{name}' is not a SageMaker operation that starts something."
    raise UsageError("bad-operation", text, "Write it like create-training-job.")


# Members that tell nothing about what a request is for.
_COMMON_MEMBERS = frozenset({"ClientToken", "Tags"})


def _guessed(request: Request, guess: Callable[[frozenset[str]], Mapping[str, bool]]) -> str:
    telling = frozenset(request) - _COMMON_MEMBERS
    taking = guess(frozenset(request)) if telling else {}
    found = {name: is_whole for name, is_whole in taking.items() if not is_plain_read(name)}
    chosen = _only_operation(found)
    if chosen is not None:
        return chosen
    if not found:
        text = "The request fits none of SageMaker's operations."
        raise UsageError("which-operation", text, "Name it: --operation create-training-job.")
    # What starts something comes first: it is what the request has to be judged as.
    names = sorted(found, key=starts_nothing)[:4]
    hint = f"Name it: {' or '.join(f'--operation {_command_name(name)}' for name in names)}."
    raise UsageError("which-operation", f"The request may be for {', '.join(names)}.", hint)


def _only_operation(found: Mapping[str, bool]) -> str | None:
    """The operation that a request is for."""
    if len(found) == 1:
        return next(iter(found))
    whole = [name for name, is_whole in found.items() if is_whole]
    # A request that has not all members yet may be for more than the one that requires the fewest, so only a whole
    # request to create something tells.
    creates = [name for name in whole if name.startswith("Create") and not starts_nothing(name)]
    if len(whole) == len(creates) == 1:
        return creates[0]
    return whole[0] if len(whole) == 1 and all(map(starts_nothing, found)) else None


def _command_name(operation: str) -> str:
    """An operation's name as the AWS CLI writes it: CreateTrainingJob is create-training-job."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", operation).lower()
