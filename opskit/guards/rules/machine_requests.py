"""What notebook instances, Studio's apps and HyperPod clusters start. Nothing ends them but a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from opskit.core.model import Workload
from opskit.core.workloads import WORKLOADS
from opskit.guards.rules.request_model import (
    Describe,
    InstanceNeed,
    NotJudgeable,
    Request,
    RequestNeeds,
    UnknownNeed,
    entries_of,
    join_path,
    member_of,
    merge_needs,
    type_in,
    whole_number,
)

_STUDIO_APPS = {spec.studio_app: workload for workload, spec in WORKLOADS.items() if spec.studio_app}
# JupyterServer runs on AWS's own instance, which costs nothing.
_FREE_APPS = ("JupyterServer",)
_GROUP_LISTS = ("InstanceGroups", "RestrictedInstanceGroups")
_SETTINGS = {
    "JupyterLab": "JupyterLabAppSettings",
    "CodeEditor": "CodeEditorAppSettings",
    "KernelGateway": "KernelGatewayAppSettings",
}


def notebook_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateNotebookInstance."""
    unknowns: tuple[UnknownNeed, ...] = ()
    if request.get("AcceleratorTypes"):
        unknowns = (UnknownNeed("AcceleratorTypes", "the quota of accelerators is not known"),)
    size = whole_number(request, "VolumeSizeInGB", "", 0) or None
    return RequestNeeds((replace(_notebook_need(request, "InstanceType"), volume_gb=size),), unknowns)


def started_notebook_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of StartNotebookInstance: its instance, which a total that counts stopped ones too counts already."""
    name = request.get("NotebookInstanceName")
    described = describe("describe_notebook_instance", {"NotebookInstanceName": name})
    return RequestNeeds((replace(_notebook_need(described, f"notebook instance {name}"), already_made=True),))


def updated_notebook_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of UpdateNotebookInstance, which starts nothing: what its volume is to have more than it has."""
    if "VolumeSizeInGB" not in request:
        return RequestNeeds()
    name = request.get("NotebookInstanceName")
    described = describe("describe_notebook_instance", {"NotebookInstanceName": name})
    more = whole_number(request, "VolumeSizeInGB", "") - whole_number(described, "VolumeSizeInGB", f"{name}")
    need = replace(_notebook_need(described, "VolumeSizeInGB"), count=0, volume_gb=more)
    return RequestNeeds((need,) if more > 0 else ())


def _notebook_need(request: Request, source: str) -> InstanceNeed:
    return InstanceNeed(type_in(request, "InstanceType", ""), Workload.NOTEBOOK, 1, source)


def app_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateApp: the instance it names, else the one that its space or user profile names."""
    kind = str(request.get("AppType"))
    if kind in _FREE_APPS:
        return RequestNeeds()
    workload = _STUDIO_APPS.get(kind)
    if workload is None:
        raise NotJudgeable("AppType", f"the quota and the price of {kind} apps are not known")
    resources = member_of(request, "ResourceSpec", "")
    if resources.get("TrainingPlanArn"):
        return RequestNeeds(notes=("Instances of a training plan are paid for in advance.",))
    if "InstanceType" in resources:
        instance_type, source = resources.get("InstanceType"), "ResourceSpec.InstanceType"
    else:
        instance_type, source = _default_app_type(request, kind, describe)
    if instance_type == "system":
        return RequestNeeds()
    # Its space, and the space's volume, are there already.
    return RequestNeeds((InstanceNeed(type_in({source: instance_type}, source, ""), workload, 1, source, volume_gb=0),))


def _default_app_type(request: Request, kind: str, describe: Describe) -> tuple[object, str]:
    domain, space = request.get("DomainId"), request.get("SpaceName")
    if space:
        described = describe("describe_space", {"DomainId": domain, "SpaceName": space})
        settings, where = member_of(described, "SpaceSettings", ""), f"space {space}"
    else:
        profile = request.get("UserProfileName")
        described = describe("describe_user_profile", {"DomainId": domain, "UserProfileName": profile})
        settings, where = member_of(described, "UserSettings", ""), f"user profile {profile}"
    app = settings.get(_SETTINGS[kind])
    default = app.get("DefaultResourceSpec") if isinstance(app, Mapping) else None
    found = default.get("InstanceType") if isinstance(default, Mapping) else None
    if found is None:
        raise NotJudgeable("ResourceSpec.InstanceType", f"neither the request nor the {where} gives the instance type")
    return found, where


def domain_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateDomain and UpdateDomain: their settings start nothing, but for RStudio's server."""
    for member in ("DomainSettings", "DomainSettingsForUpdate"):
        settings = member_of(request, member, "")
        if any(name.startswith("RStudioServerPro") for name in settings):
            raise NotJudgeable(member, "RStudio's server and its licences are not judged")
    return RequestNeeds()


def cluster_create_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateCluster."""
    return _group_needs(request, {})


def cluster_update_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of UpdateCluster: what its groups are to have more than they have."""
    cluster = _read_cluster(request, describe)
    if not any(member in cluster for member in _GROUP_LISTS):
        raise NotJudgeable(f"cluster {request.get('ClusterName')}", "AWS does not say which instance groups it has now")
    return _group_needs(request, _present_counts(cluster))


def added_node_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of BatchAddClusterNodes: of the types that it names, else of those of the group."""
    groups = {group.get("InstanceGroupName"): group for group in _all_groups(_read_cluster(request, describe))}
    parts = []
    for index, addition in enumerate(entries_of(request, "NodesToAdd", "")):
        where = f"NodesToAdd[{index}]"
        name = addition.get("InstanceGroupName")
        if name not in groups:
            raise NotJudgeable(f"{where}.InstanceGroupName", "the cluster has no such instance group")
        count = whole_number(addition, "IncrementTargetCountBy", where)
        parts.append(_one_group({**groups[name], "InstanceTypes": addition.get("InstanceTypes")}, where, count, count))
    return merge_needs(parts)


def _read_cluster(request: Request, describe: Describe) -> Request:
    return describe("describe_cluster", {"ClusterName": request.get("ClusterName")})


def _all_groups(request: Request) -> list[Request]:
    return [
        each for member in ("InstanceGroups", "RestrictedInstanceGroups") for each in entries_of(request, member, "")
    ]


def _present_counts(cluster: Request) -> dict[object, int]:
    return {group.get("InstanceGroupName"): _nodes_now(group) for group in _all_groups(cluster)}


def _nodes_now(group: Request) -> int:
    counts = [int(group[member]) for member in ("CurrentCount", "TargetCount") if group.get(member) is not None]
    if not counts:
        name = f"instance group {group.get('InstanceGroupName')}"
        raise NotJudgeable(name, "AWS does not say how many instances it has now")
    return max(counts)


def _group_needs(request: Request, present: Mapping[object, int]) -> RequestNeeds:
    parts = []
    for member in _GROUP_LISTS:
        for index, group in enumerate(entries_of(request, member, "")):
            where = f"{member}[{index}]"
            count = whole_number(group, "InstanceCount", where)
            more = count - present.get(group.get("InstanceGroupName"), 0)
            if more > 0:
                parts.append(_one_group(group, where, more, count))
    return merge_needs(parts)


def _one_group(group: Request, where: str, count: int, total: int) -> RequestNeeds:
    """The instances of a group; one with several types gets them of whichever has capacity."""
    if group.get("TrainingPlanArn"):
        return RequestNeeds(notes=("Instances of a training plan are paid for in advance.",))
    types = _group_types(group, where)
    choice = where if len(types) > 1 else ""
    return RequestNeeds(
        tuple(
            InstanceNeed(each, Workload.CLUSTER, count, where, choice=choice, job="the cluster", per_job=total)
            for each in types
        )
    )


def _group_types(group: Request, where: str) -> Sequence[str]:
    requirements = member_of(group, "InstanceRequirements", where)
    several = group.get("InstanceTypes") or next(
        (requirements[name] for name in ("InstanceTypes", "DesiredInstanceTypes") if requirements.get(name)), None
    )
    if several is None:
        return (type_in(group, "InstanceType", where),)
    if isinstance(several, str) or not isinstance(several, Sequence):
        raise NotJudgeable(join_path(where, "InstanceTypes"), "it is not a list of instance types")
    return tuple(type_in({"InstanceTypes": each}, "InstanceTypes", where) for each in several)


def feature_group_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of a feature group: what is billed by request needs nothing; what is bought by the hour is unknown."""
    throughput = member_of(request, "ThroughputConfig", "")
    if throughput.get("ThroughputMode") == "Provisioned":
        raise NotJudgeable("ThroughputConfig", "the price of provisioned throughput is not known")
    if member_of(request, "OnlineStoreConfig", "").get("StorageType") == "InMemory":
        raise NotJudgeable("OnlineStoreConfig.StorageType", "the price of an in-memory store is not known")
    return RequestNeeds()
