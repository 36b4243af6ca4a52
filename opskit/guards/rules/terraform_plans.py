"""The SageMaker calls that applying a plan of Terraform's will make, from what ``terraform show -json`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opskit.guards.rules.operations import JUDGES, REFUSED_OPERATIONS, starts_nothing
from opskit.guards.rules.planned_calls import PLAN_NAME, PlanKind, PlannedCall, PlannedCalls
from opskit.guards.rules.request_model import Request, UnknownNeed, Unresolved

# The providers that have SageMaker's resources, by the beginning of their types' names.
_PREFIXES = ("aws_sagemaker_", "awscc_sagemaker_")
# Types whose names are not the API's, by what follows the prefix.
_API_NAMES = {
    "endpoint_configuration": "EndpointConfig",
    "notebook_instance_lifecycle_configuration": "NotebookInstanceLifecycleConfig",
    "mlflow_tracking_server": "MlflowTrackingServer",
    "mlflow_app": "MlflowApp",
    "human_task_ui": "HumanTaskUi",
    "servicecatalog_portfolio_status": "CodeRepository",  # a switch, which starts as little as that
    "device": "DeviceFleet",
    "model_package_group_policy": "ModelPackageGroup",
}
# Members that Terraform has as a list, and AWS as a list too; any other block of one entry is a structure of AWS's.
_LISTS = {
    "production_variants",
    "shadow_production_variants",
    "instance_groups",
    "restricted_instance_groups",
    "instance_pools",
    "accelerator_types",
    "validation_profiles",
    "model_variants",
    "instance_types",
    "specifications",
}
# Types that make whatever a template or a type's name says.
_STACK_REASON = "what the template of the stack makes is not read"
_UNREAD_TYPES = {
    "aws_cloudcontrolapi_resource": "what the Cloud Control API makes is not read",
    "aws_cloudformation_stack": _STACK_REASON,
    "aws_cloudformation_stack_instances": _STACK_REASON,
    "aws_cloudformation_stack_set_instance": _STACK_REASON,
    "aws_servicecatalog_provisioned_product": _STACK_REASON,
    "awscc_cloudformation_stack": _STACK_REASON,
    "awscc_cloudformation_stack_set": _STACK_REASON,
    "awscc_servicecatalog_cloudformation_provisioned_product": _STACK_REASON,
}
# What an update of a notebook instance may take more of a quota with.
_NOTEBOOK_SIZES = ("InstanceType", "VolumeSizeInGB")
_NOT_KNOWN = "known only after the plan is applied"
_BESIDE_NOTE = "A resource that is replaced by create_before_destroy counts beside the old one."


@dataclass(frozen=True)
class _Change:
    """A change of one resource. ``api_name`` is what AWS's API calls it."""

    address: str
    api_name: str
    actions: tuple[str, ...]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def plan_terraform(document: Request) -> PlannedCalls:
    """The calls of a plan: what it creates, replaces or changes."""
    changes = list(_sagemaker_changes(document))
    references = dict(_config_references(document.get("configuration")))
    configs = {change.address: change for change in changes if change.api_name == "EndpointConfig"}
    calls: list[PlannedCall] = []
    unknowns = list(_unread_changes(document))
    for change in changes:
        call = _planned_call(change, _used_config(change, references, configs))
        if call is None:
            continue
        if call.operation in JUDGES or call.operation in REFUSED_OPERATIONS:
            calls.append(call)
        elif not starts_nothing(call.operation):
            unknowns.append(UnknownNeed(change.address, "the resource type is newer than this opskit"))
    beside = any(change.actions == ("create", "delete") and change.api_name != "EndpointConfig" for change in changes)
    notes = [_BESIDE_NOTE] if beside and calls else []
    return PlannedCalls(
        PlanKind.TERRAFORM,
        tuple(calls),
        dict(_definitions(changes)),
        unknowns=tuple(unknowns),
        notes=(*notes, *_scaling_notes(document)),
    )


def _unread_changes(document: Request) -> Iterator[UnknownNeed]:
    """What a plan makes, and does not tell of."""
    for resource in document.get("resource_changes") or ():
        change = resource.get("change") or {}
        why = _UNREAD_TYPES.get(str(resource.get("type")))
        is_other = not str((change.get("after") or {}).get("type_name", "AWS::SageMaker")).startswith("AWS::SageMaker")
        if why and not is_other and {"create", "update"} & set(change.get("actions") or ()):
            yield UnknownNeed(str(resource.get("address")), why)
    for index, deferred in enumerate(document.get("deferred_changes") or ()):
        resource = deferred.get("resource_change") or {}
        kind = str(resource.get("type") or "")
        if not kind or kind in _UNREAD_TYPES or kind.startswith(_PREFIXES):
            place = str(resource.get("address") or f"deferred_changes[{index}]")
            yield UnknownNeed(place, f"Terraform defers the change ({deferred.get('reason')})")
    if document.get("errored"):
        yield UnknownNeed("errored", "the plan is incomplete: Terraform ended with an error")


def _sagemaker_changes(document: Request) -> Iterator[_Change]:
    for resource in document.get("resource_changes") or ():
        name = str(resource.get("type"))
        prefix = next((each for each in _PREFIXES if name.startswith(each)), None)
        change = resource.get("change") or {}
        actions = tuple(change.get("actions") or ())
        # A configuration that stays as it is may be one that an endpoint of the plan will use.
        is_config = "endpoint_config" in name and "delete" not in actions
        if prefix is None or not (is_config or {"create", "update"} & set(actions)):
            continue
        short = name.removeprefix(prefix)
        address = str(resource.get("address"))
        after = _as_request(change.get("after") or {}, change.get("after_unknown") or {}, address)
        before = _as_request(change.get("before") or {}, {}, address)
        yield _Change(address, _API_NAMES.get(short) or _camel(short), actions, before, after)


def _planned_call(change: _Change, config: str | None) -> PlannedCall | None:
    """The call that a change makes; None: it starts nothing."""
    params = dict(change.after)
    if config is not None:
        params["EndpointConfigName"] = config
    if "create" in change.actions:
        # Without create_before_destroy the old one is deleted first, of which the name is that of before.
        replaces = change.actions == ("delete", "create")
        named = {key: change.before[key] for key in ("Name",) if replaces and key in change.before}
        return PlannedCall(f"Create{change.api_name}", {**params, **named}, change.address, replaces=replaces)
    if "update" not in change.actions:
        return None
    if change.api_name == "NotebookInstance":
        # The provider stops the instance, changes it, and starts it again: what is new takes the old one's place.
        news = [member for member in _NOTEBOOK_SIZES if change.before.get(member) != change.after.get(member)]
        replacing = PlannedCall("CreateNotebookInstance", params, change.address, replaces=True)
        return replacing if news else None
    operation = f"Update{change.api_name}"
    is_known = operation in JUDGES or operation in REFUSED_OPERATIONS or starts_nothing(operation)
    return PlannedCall(operation if is_known else f"Create{change.api_name}", params, change.address)


def _definitions(changes: Sequence[_Change]) -> Iterator[tuple[tuple[str, str], Request]]:
    """The endpoint configurations of the plan, by their addresses and their names."""
    for change in changes:
        if change.api_name == "EndpointConfig":
            yield ("describe_endpoint_config", f"{PLAN_NAME}{change.address}"), change.after
            name = change.after.get("Name")
            if isinstance(name, str):
                yield ("describe_endpoint_config", name), change.after


def _used_config(change: _Change, references: Mapping[str, str], configs: Mapping[str, _Change]) -> str | None:
    """The configuration of the plan that an endpoint refers to, as a name; None: it refers to none, or names one."""
    if change.api_name != "Endpoint" or isinstance(change.after.get("EndpointConfigName"), str):
        return None
    referred = references.get(_without_index(change.address))
    found = [address for address in configs if _without_index(address) == referred]
    # With count or for_each, an endpoint's configuration is the one with the same index.
    same_index = [address for address in found if _index_of(address) == _index_of(change.address)]
    chosen = same_index if len(found) > 1 else found
    return f"{PLAN_NAME}{chosen[0]}" if len(chosen) == 1 else None


def _config_references(configuration: object) -> Iterator[tuple[str, str]]:
    """Which configuration each endpoint refers to, as addresses without indexes."""
    root = configuration.get("root_module") if isinstance(configuration, Mapping) else None
    yield from _module_references(root or {}, "")


def _module_references(module: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for resource in module.get("resources") or ():
        expression = (resource.get("expressions") or {}).get("endpoint_config_name") or {}
        for reference in expression.get("references") or ():
            base = ".".join(str(reference).split(".")[:2])
            if base.startswith(_PREFIXES):
                yield f"{above}{resource.get('address')}", f"{above}{_without_index(base)}"
                break
    for name, call in (module.get("module_calls") or {}).items():
        yield from _module_references(call.get("module") or {}, f"{above}module.{name}.")


def _without_index(address: str) -> str:
    return re.sub(r"\[[^\]]*\]", "", address)


def _index_of(address: str) -> str:
    return "".join(re.findall(r"\[[^\]]*\]", address))


def _scaling_notes(document: Request) -> Iterator[str]:
    for resource in document.get("resource_changes") or ():
        after = (resource.get("change") or {}).get("after") or {}
        if resource.get("type") == "aws_appautoscaling_target" and after.get("service_namespace") == "sagemaker":
            most = after.get("max_capacity")
            yield f"{resource.get('address')} may scale an endpoint's variant to {most} instances, which is not judged."


def _as_request(values: Mapping[str, Any], unknown: Mapping[str, Any], source: str) -> dict[str, Any]:
    """A resource's attributes under AWS's own names."""
    found: dict[str, Any] = {}
    for name in {**values, **unknown}:
        place = f"{source}.{name}"
        told = unknown.get(name)
        # after_unknown is true where only applying the plan tells the value.
        value = Unresolved(place, _NOT_KNOWN) if told is True else _as_member(name, values.get(name), told, place)
        if isinstance(value, Unresolved) or value not in (None, [], {}):
            found[_camel(name)] = value
    return found


def _as_member(name: str, value: Any, unknown: Any, place: str) -> Any:
    if isinstance(value, Mapping):
        return _as_request(value, unknown if isinstance(unknown, Mapping) else {}, place)
    if not isinstance(value, list):
        return value
    told = unknown if isinstance(unknown, list) else []
    entries = [
        _as_member(name, each, told[index] if index < len(told) else None, f"{place}[{index}]")
        for index, each in enumerate(value)
    ]
    is_structure = len(entries) == 1 and isinstance(entries[0], Mapping) and name not in _LISTS
    return entries[0] if is_structure else entries


def _camel(name: str) -> str:
    """An attribute's name as AWS writes it: ``initial_instance_count`` is InitialInstanceCount."""
    return _SPELLINGS.get(name) or "".join(part.capitalize() for part in name.split("_"))


_SPELLINGS = {
    "r_studio_server_pro_domain_settings": "RStudioServerProDomainSettings",
    "jupyter_lab_app_settings": "JupyterLabAppSettings",
    "volume_size": "VolumeSizeInGB",  # of a notebook instance
    "volume_size_in_gb": "VolumeSizeInGB",
}
