"""The SageMaker calls that making a stack of a CloudFormation template will make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from opskit.guards.rules.operations import JUDGES, REFUSED_OPERATIONS, starts_nothing
from opskit.guards.rules.planned_calls import PLAN_NAME, PlanKind, PlannedCall, PlannedCalls
from opskit.guards.rules.request_model import Request, UnknownNeed, Unresolved

_PREFIX = "AWS::SageMaker::"
_SCALABLE = "AWS::ApplicationAutoScaling::ScalableTarget"
_NEW_NOTE = "A template does not tell what exists already: each of its resources counts as new."
# Macros of AWS's that add nothing of SageMaker's.
_KNOWN_MACROS = {
    "AWS::CodeDeployBlueGreen",
    "AWS::CodeStar",
    "AWS::LanguageExtensions",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
    "AWS::Serverless-2016-10-31",
}
_STACKS = {
    "AWS::CloudFormation::Stack",
    "AWS::CloudFormation::StackSet",
    "AWS::Serverless::Application",
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct",
}
_STACK_REASON = "what the template of the nested stack makes is not read"

Resolve = Callable[[Any, str], Any]
"""Resolves the functions in a value, of which the second argument is the place; ``Unresolved`` where it cannot."""
ConditionHolds = Callable[[str], bool | None]
"""Whether a condition holds; None: it is not known."""


@dataclass
class _Stack:
    """A stack's template and what was found in it so far. ``name`` stands before the places."""

    name: str
    resolve: Resolve
    configs: set[str]
    calls: list[PlannedCall] = field(default_factory=list)
    unknowns: list[UnknownNeed] = field(default_factory=list)
    definitions: dict[tuple[str, str], Request] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def plan_template(
    template: Request,
    resolve: Resolve,
    condition_holds: ConditionHolds,
    stack: str = "",
    others: Mapping[str, Any] | None = None,
) -> PlannedCalls:
    """The calls for a template's resources. Where ``condition_holds`` does not know whether a condition holds, the
    resource is not certain. ``stack`` is a name to put before the places; ``others`` are templates that are planned
    beside this one, by the names of their files. What is not read, such as a nested stack or a macro, is unknown.
    """
    resources: Mapping[str, Any] = template.get("Resources") or {}
    configs = {name for name, resource in resources.items() if _kind_of(resource) == f"{_PREFIX}EndpointConfig"}
    found = _Stack(stack, resolve, configs, unknowns=list(_unread_macros(template, stack)))
    for name, resource in resources.items():
        condition = resource.get("Condition") if isinstance(resource, Mapping) else None
        made = True if condition is None else condition_holds(str(condition))
        reason = _unread_reason(name, resource, others or {})
        if made is False:
            continue
        if reason is not None:
            found.unknowns.append(UnknownNeed(f"{stack}{name}", reason))
        elif _kind_of(resource) == _SCALABLE:
            found.notes += _scaling_notes(name, resource, found)
        elif _kind_of(resource).startswith(_PREFIX):
            if made is None:
                text = f"whether the condition {condition} holds is not known"
                found.unknowns.append(UnknownNeed(f"{stack}{name}", text))
            _add_resource(name, resource, found, certain=made is not None)
    notes = (*((_NEW_NOTE,) if found.calls else ()), *found.notes)
    unknowns = tuple(found.unknowns)
    return PlannedCalls(PlanKind.TEMPLATE, tuple(found.calls), found.definitions, unknowns=unknowns, notes=notes)


def _add_resource(name: str, resource: Request, found: _Stack, *, certain: bool) -> None:
    kind, source = _kind_of(resource), f"{found.name}{name}"
    operation = f"Create{kind.removeprefix(_PREFIX)}"
    if starts_nothing(operation) and name not in found.configs:
        return
    raw = resource.get("Properties") or {}
    made_by_macros = [UnknownNeed(place, _macro_reason()) for place in _macro_places(raw, source)]
    found.unknowns += made_by_macros
    properties = found.resolve(raw, source)
    if not isinstance(properties, Mapping):
        if not made_by_macros:
            reason = properties.reason if isinstance(properties, Unresolved) else "its properties cannot be read"
            found.unknowns.append(UnknownNeed(source, reason))
        return
    if name in found.configs:
        names = _names_of(found.name, name, properties)
        found.definitions |= {("describe_endpoint_config", key): properties for key in names}
    if operation == "CreateEndpoint":
        properties = _with_config(properties, resource, found.configs, found.name)
    if operation in JUDGES or operation in REFUSED_OPERATIONS:
        found.calls.append(PlannedCall(operation, properties, source, certain=certain))
    elif not starts_nothing(operation):
        found.unknowns.append(UnknownNeed(source, f"{kind} is newer than this opskit"))


def _scaling_notes(name: str, resource: Request, found: _Stack) -> list[str]:
    properties = found.resolve(resource.get("Properties") or {}, name)
    if not isinstance(properties, Mapping) or properties.get("ServiceNamespace") != "sagemaker":
        return []
    most = properties.get("MaxCapacity")
    number = "more" if isinstance(most, Unresolved) else most
    return [f"{found.name}{name} may scale an endpoint's variant to {number} instances, which is not judged."]


def _kind_of(resource: object) -> str:
    kind = resource.get("Type") if isinstance(resource, Mapping) else None
    return kind if isinstance(kind, str) else ""


def _unread_reason(name: str, resource: object, others: Mapping[str, Any]) -> str | None:
    """Why it is not known what an entry of a template's resources makes; None: its type tells."""
    kind = _kind_of(resource)
    if name.startswith("Fn::ForEach"):
        return "the resources that the loop makes are not read"
    if name.startswith("Fn::") or (isinstance(resource, Mapping) and "Fn::Transform" in resource):
        return _macro_reason()
    if kind in _STACKS:
        return _stack_reason(resource, others)
    if kind.endswith("::MODULE"):
        return "the resources of a module are not read"
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return "what the program of a custom resource makes is not known"
    is_known = kind.startswith(("AWS::", "Alexa::"))
    return None if is_known else f"what the resource type {kind or '(none)'} makes is not known"


def _stack_reason(resource: Any, others: Mapping[str, Any]) -> str | None:
    """Why a nested stack is not known; None: CDK left its template beside this one, with no other values for it."""
    asset = str((resource.get("Metadata") or {}).get("aws:asset:path"))
    template = others.get(asset.removesuffix(".template.json"))
    if not isinstance(template, Mapping):
        return _STACK_REASON
    declared = template.get("Parameters") or {}
    given = (resource.get("Properties") or {}).get("Parameters") or {}
    changed = [name for name in given if "Default" in (declared.get(name) or {})]
    return f"the nested stack has another value for its parameter {changed[0]}" if changed else None


def _unread_macros(template: Request, stack: str) -> Iterator[UnknownNeed]:
    """The macros that work on a whole template."""
    transforms = template.get("Transform")
    for each in transforms if isinstance(transforms, list) else [transforms] if transforms else []:
        name = each.get("Name") if isinstance(each, Mapping) else each
        if name not in _KNOWN_MACROS:
            yield UnknownNeed(f"{stack}Transform", _macro_reason(f" {name}"))
    if "Fn::Transform" in template:
        yield UnknownNeed(f"{stack}Fn::Transform", _macro_reason())


def _macro_reason(name: str = "") -> str:
    return f"what the macro{name} makes of the template is not known"


def _macro_places(value: object, place: str) -> Iterator[str]:
    """The places below a value where a macro or a loop adds something."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            below = f"{place}.{key}"
            is_macro = str(key) == "Fn::Transform" or str(key).startswith("Fn::ForEach")
            yield from [below] if is_macro else _macro_places(each, below)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _macro_places(each, f"{place}[{index}]")


def _names_of(stack: str, name: str, properties: Request) -> list[str]:
    own = properties.get("EndpointConfigName")
    return [f"{PLAN_NAME}{stack}{name}", *([own] if isinstance(own, str) else [])]


def _with_config(properties: Request, resource: Request, configs: set[str], stack: str) -> Request:
    """An endpoint's properties, where a reference to a configuration of the template became its name in the plan."""
    if not isinstance(properties.get("EndpointConfigName"), Unresolved):
        return properties
    raw = (resource.get("Properties") or {}).get("EndpointConfigName")
    referred = _referenced_resource(raw)
    return {**properties, "EndpointConfigName": f"{PLAN_NAME}{stack}{referred}"} if referred in configs else properties


def _referenced_resource(value: object) -> str | None:
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    if "Ref" in value:
        return str(value["Ref"])
    attribute = value.get("Fn::GetAtt")
    if isinstance(attribute, str):
        return attribute.partition(".")[0]
    return str(attribute[0]) if isinstance(attribute, list) and attribute else None
