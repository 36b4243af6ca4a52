"""The SageMaker calls that making a stack of a CloudFormation template will make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opskit.guards.rules.operations import JUDGED, REFUSED, starts_nothing
from opskit.guards.rules.planned_calls import PLAN_NAME, PlanKind, PlannedCall, PlannedCalls
from opskit.guards.rules.request_model import Request, UnknownNeed, Unresolved

_PREFIX = "AWS::SageMaker::"
_NEW_NOTE = "A template does not tell what exists already: each of its resources counts as new."

Resolve = Callable[[Any, str], Any]
"""Resolves the functions in a value, of which the second argument is the place; ``Unresolved`` where it cannot."""


def plan_template(
    template: Request, resolve: Resolve, is_made: Callable[[str], bool | None], stack: str = ""
) -> PlannedCalls:
    """The calls for a template's resources. ``is_made`` tells of a condition whether it holds; None: it is not known,
    and then the resource counts. ``stack`` is a name to put before the places.
    """
    calls: list[PlannedCall] = []
    unknowns: list[UnknownNeed] = []
    definitions: dict[tuple[str, str], Request] = {}
    resources: Mapping[str, Any] = template.get("Resources") or {}
    configs = {
        name
        for name, resource in resources.items()
        if isinstance(resource, Mapping) and resource.get("Type") == f"{_PREFIX}EndpointConfig"
    }
    for name, resource in resources.items():
        kind = str(resource.get("Type")) if isinstance(resource, Mapping) else ""
        if not kind.startswith(_PREFIX):
            continue
        condition = resource.get("Condition")
        made = True if condition is None else is_made(str(condition))
        if made is False:
            continue
        source = f"{stack}{name}"
        if made is None:
            unknowns.append(UnknownNeed(source, f"whether the condition {condition} holds is not known"))
        properties = resolve(resource.get("Properties") or {}, source)
        operation = f"Create{kind.removeprefix(_PREFIX)}"
        if name in configs and isinstance(properties, Mapping):
            definitions |= {("describe_endpoint_config", key): properties for key in _names_of(stack, name, properties)}
        if operation == "CreateEndpoint":
            properties = _with_config(properties, resource, configs, stack)
        if operation in JUDGED or operation in REFUSED:
            calls.append(PlannedCall(operation, properties, source))
        elif not starts_nothing(operation):
            unknowns.append(UnknownNeed(source, f"{kind} is newer than this opskit"))
    notes = (_NEW_NOTE,) if calls else ()
    return PlannedCalls(PlanKind.TEMPLATE, tuple(calls), definitions, unknowns=tuple(unknowns), notes=notes)


def _names_of(stack: str, name: str, properties: Request) -> list[str]:
    own = properties.get("EndpointConfigName")
    return [f"{PLAN_NAME}{stack}{name}", *([own] if isinstance(own, str) else [])]


def _with_config(properties: Request, resource: Request, configs: set[str], stack: str) -> Request:
    """An endpoint's properties, where a reference to a configuration of the template became its name in the plan."""
    if not isinstance(properties.get("EndpointConfigName"), Unresolved):
        return properties
    raw = (resource.get("Properties") or {}).get("EndpointConfigName")
    referred = _referred_resource(raw)
    return {**properties, "EndpointConfigName": f"{PLAN_NAME}{stack}{referred}"} if referred in configs else properties


def _referred_resource(value: object) -> str | None:
    if not isinstance(value, Mapping) or len(value) != 1:
        return None
    if "Ref" in value:
        return str(value["Ref"])
    attribute = value.get("Fn::GetAtt")
    if isinstance(attribute, str):
        return attribute.partition(".")[0]
    return str(attribute[0]) if isinstance(attribute, list) and attribute else None
