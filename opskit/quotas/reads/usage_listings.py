"""What all counters share: listings, descriptions, and the gaps that make a count a minimum; the configurations of a
Region's endpoints, each read once, since later counts remember them; and how large the volumes of notebook instances
and of Studio's spaces are, which AWS has quotas for in total.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.exceptions import AwsError
from opskit.core.model import Unknown, Workload
from opskit.core.result_or_error import first_unknown, unknown_from_error
from opskit.core.run_problems import send_notice
from opskit.core.workloads import NOTEBOOK_VOLUMES, SPACE_VOLUMES, WORKLOADS
from opskit.quotas.reads.descriptions import Response, describe_resource
from opskit.quotas.rules.model import NUMBER_UNKNOWN, UNKNOWN_TYPE, InUseCounts, QuotaHolder
from opskit.quotas.store import (
    EndpointDeployment,
    NotebookState,
    load_endpoint_configs,
    load_volume_sizes,
    save_endpoint_configs,
    save_volume_sizes,
)

_PAGE = 100  # AWS's maximum; the default of 10 would take ten times the calls
Counts = Mapping[str, int]
UsageCounts = Mapping[Workload, InUseCounts]


def list_summaries(
    client: AwsClient, operation: str, key: str, required: str | None = None, **filters: Any
) -> list[Response] | Unknown:
    """All entries of a listing, each of which has at least the member ``required``."""
    try:
        pages = client.paginate("sagemaker", operation, MaxResults=_PAGE, **filters)
        summaries = [summary for page in pages for summary in page[key]]
    except AwsError as failure:
        return unknown_from_error(failure)
    return summaries if required is None else missing_member(summaries, required) or summaries


def missing_member(responses: Iterable[Response], member: str) -> Unknown | None:
    """Why a count is incomplete: one of the responses lacks a member that decides."""
    if all(response.get(member) is not None for response in responses):
        return None
    return Unknown(f"AWS did not report the {member} of some running resources", "bad-answer")


def known_or_empty(read: Any) -> Any:
    """What was read, or nothing; ``first_unknown`` returns the gap."""
    return set() if isinstance(read, Unknown) else read


def to_in_use_counts(holders: Iterable[QuotaHolder], *gaps: Unknown | None) -> InUseCounts:
    """The counts of all holders, with the first of their gaps."""
    counts: Counter[str] = Counter()
    holding = [holder for holder in holders if holder.instances]
    for holder in holding:
        counts.update(holder.instances)
    number_gap = (
        Unknown("AWS did not report the number of instances of some running resources", "bad-answer")
        if NUMBER_UNKNOWN in counts
        else None
    )
    return InUseCounts(without_marks(counts), first_unknown(*gaps, number_gap), holders=tuple(holding))


def without_marks(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts of instances alone."""
    return {key: number for key, number in counts.items() if key != NUMBER_UNKNOWN}


def instance_counts(instance_type: object, number: int | None) -> Counts:
    """So many instances of a type, either of which AWS may not return. Where it returns no number it is at least one: a
    count that is too low would let a run start that AWS refuses.
    """
    key = str(instance_type) if instance_type else UNKNOWN_TYPE
    if number is None:
        return {key: 1, NUMBER_UNKNOWN: 1}
    return {key: number} if number else {}


def job_holder(kind: str, job: Response, instances: Counts) -> QuotaHolder:
    """A job as the holder of its instances. ``kind`` as AWS names it: ``TrainingJob``."""
    name, arn = job.get(f"{kind}Name", ""), job.get(f"{kind}Arn")
    return QuotaHolder(_plain_words(kind), str(name), instances, job.get("CreationTime"), arn)


def _plain_words(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind).lower()


def job_instances(config: Response) -> Counts:
    """The instances of a job: of one type, of several groups, or of the type that SageMaker selected from
    preferences.
    """
    counts: Counter[str] = Counter()
    for group in config.get("InstanceGroups") or [config]:
        instance_type = group.get("SelectedInstanceType") or group.get("InstanceType")
        # Before SageMaker has selected, it is the most that one of the preferences may take.
        preferred = [each.get("InstanceCount") for each in group.get("InstancePreferences") or ()]
        told = group.get("SelectedInstanceCount") or group.get("InstanceCount")
        counts.update(instance_counts(instance_type, told or max(filter(None, preferred), default=None)))
        if not (told or all(preferred)):  # it may take the one whose number AWS does not tell
            counts[NUMBER_UNKNOWN] += 1
    return counts


# All that counting needs of a configuration; the rest may hold what JSON does not.
_MEMBERS = ("ProductionVariants", "ShadowProductionVariants", "AsyncInferenceConfig")

# AWS writes down the two times on different machines.
_CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass
class EndpointConfigs:
    """The configurations of a Region's endpoints, during one count. Safe across threads."""

    client: AwsClient
    _remembered: Mapping[EndpointDeployment, Response] = field(default_factory=dict)
    _used: dict[EndpointDeployment, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def load(cls, client: AwsClient) -> EndpointConfigs:
        """With what earlier counts have read."""
        return cls(client, load_endpoint_configs(client))

    def read_config(self, endpoint: Response) -> tuple[list[Response], Unknown | None]:
        """The configuration that a described endpoint was deployed with: none where it was deleted, or where the one
        that has its name now is younger than the deployment. The second value is why it is not known.
        """
        deployment = _deployment(endpoint)
        remembered = self._remembered.get(deployment) if deployment else None
        if deployment and remembered is not None:
            self._used[deployment] = remembered
            return [remembered], None
        name = endpoint.get("EndpointConfigName")
        if not name:
            return [], Unknown("AWS does not name the configuration of an endpoint", "bad-answer")
        config = describe_resource(self.client, "describe_endpoint_config", {"EndpointConfigName": name})
        if isinstance(config, Unknown):  # not one that was deleted, which is nobody's fault
            send_notice(f"Instance types of endpoints are not known: {config.reason}")
        if config is None or isinstance(config, Unknown):
            return [], config
        if _is_younger(config, endpoint):
            return [], None
        if deployment:
            self._used[deployment] = {member: config[member] for member in _MEMBERS if member in config}
        return [config], None

    def remember(self) -> None:
        """Write down for the next count what this one has read. Only after all endpoints of the Region were looked at:
        of the others nothing is remembered any more.
        """
        if self._used != self._remembered:
            save_endpoint_configs(self.client, self._used)


def _deployment(endpoint: Response) -> EndpointDeployment | None:
    """The deployment that an endpoint has come to; None: AWS does not say of one."""
    traits = EndpointStatus(endpoint.get("EndpointStatus", EndpointStatus.UNKNOWN)).traits
    named = [endpoint.get(member) for member in ("EndpointName", "EndpointConfigName", "LastModifiedTime")]
    # While one is under way the old configuration's instances run too, so nothing of it is remembered.
    if not (traits.is_settled and traits.is_in_service and all(named)):
        return None
    name, config, modified = map(str, named)
    return EndpointDeployment(name, config, modified)


def _is_younger(config: Response, endpoint: Response) -> bool:
    made, deployed = config.get("CreationTime"), endpoint.get("LastModifiedTime")
    return bool(made and deployed and made > deployed + _CLOCK_TOLERANCE)


_APPS_WITH_VOLUMES = frozenset(spec.studio_app for spec in WORKLOADS.values() if spec.studio_app and spec.volume_quota)


def sum_volumes(client: AwsClient) -> dict[str, int | Unknown]:
    """The GB of the volumes of a Region, by the quota that limits them. They count while nothing runs on them too."""
    notebooks, spaces = gather(partial(_sum_notebook_volumes, client), partial(sum_space_volumes, client))
    return {NOTEBOOK_VOLUMES: notebooks, SPACE_VOLUMES: spaces}


def no_volumes() -> dict[str, int | Unknown]:
    """What is summed where nobody asks for it."""
    return {}


def _sum_notebook_volumes(client: AwsClient) -> int | Unknown:
    listed = list_summaries(client, "list_notebook_instances", "NotebookInstances")
    return listed if isinstance(listed, Unknown) else sum_notebook_volumes(client, listed)


def sum_notebook_volumes(client: AwsClient, listed: Sequence[Response]) -> int | Unknown:
    """The GB of the volumes of all notebook instances of a listing."""
    if not listed:
        return 0
    if gap := missing_member(listed, "NotebookInstanceName"):
        return gap
    sizes = read_volume_sizes(client, listed)
    return first_unknown(*sizes.values()) or sum(size for size in sizes.values() if isinstance(size, int))


def sum_space_volumes(client: AwsClient) -> int | Unknown:
    """The GB of the volumes of all Studio spaces."""
    spaces = list_summaries(client, "list_spaces", "Spaces", "SpaceName")
    if isinstance(spaces, Unknown):
        return spaces
    # A space of an app that has a volume quota has a volume; a shared one of before there were such has none.
    with_volumes = [
        space for space in spaces if (space.get("SpaceSettingsSummary") or {}).get("AppType") in _APPS_WITH_VOLUMES
    ]
    # Each by itself: spaces of several domains may have one name.
    if untold := sorted(str(space["SpaceName"]) for space in with_volumes if space_volume_size(space) is None):
        return Unknown(f"AWS did not report the volume of the Studio space {untold[0]}", "bad-answer")
    return sum(space_volume_size(space) or 0 for space in spaces)


def space_volume_size(space: Response) -> int | None:
    """The size of a space's volume in GB as it is listed; None: it has none, as a space without an app of its own."""
    storage = (space.get("SpaceSettingsSummary") or {}).get("SpaceStorageSettings") or {}
    size = (storage.get("EbsStorageSettings") or {}).get("EbsVolumeSizeInGb")
    return None if size is None else int(size)


def read_volume_sizes(client: AwsClient, summaries: Sequence[Response]) -> dict[str, int | Unknown | None]:
    """The size of the volume of each notebook instance in a listing, in GB; None: the notebook is gone by now. The
    listing does not say it, so each is described, once for as long as it does not change by the time that AWS tells.
    """
    remembered = load_volume_sizes(client)
    names = [str(summary["NotebookInstanceName"]) for summary in summaries]
    # One of which AWS tells no time may have changed since any look.
    states = {
        name: NotebookState(name, str(changed))
        for name, summary in zip(names, summaries, strict=True)
        if (changed := summary.get("LastModifiedTime"))
    }
    missing = [name for name in names if states.get(name) not in remembered]
    described = gather_all([partial(_read_volume_size, client, name) for name in missing])
    sizes: dict[str, int | Unknown | None] = dict(zip(missing, described, strict=True))
    sizes |= {name: remembered[state] for name, state in states.items() if state in remembered}
    known = {states[name]: size for name, size in sizes.items() if name in states and isinstance(size, int)}
    if known != remembered:
        save_volume_sizes(client, known)
    return sizes


def _read_volume_size(client: AwsClient, name: str) -> int | Unknown | None:
    key = {"NotebookInstanceName": name}
    notebook = describe_resource(client, "describe_notebook_instance", key)
    if notebook is None or isinstance(notebook, Unknown):
        return notebook
    size = notebook.get("VolumeSizeInGB")
    untold = Unknown(f"AWS did not report the volume of the notebook instance {name}", "bad-answer")
    return untold if size is None else int(size)
