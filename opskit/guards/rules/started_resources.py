"""What a call that was let through has started, so that it can be found again: AWS's lists show a resource only some
time after its creation was answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opskit.core.aws_statuses import ClusterStatus, NotebookStatus
from opskit.core.job_statuses import JobStatus, TuningJobStatus
from opskit.guards.rules.request_model import InstanceNeed
from opskit.quotas.rules.model import QuotaHolder


@dataclass(frozen=True)
class _Kind:
    """Resources of one kind: how a request names one, the operation and the member that tell its status, and the
    statuses in which it certainly holds no instance.
    """

    holder: str
    name: str
    describe: str
    status: str
    ended: frozenset[str]


_JOB_ENDS = frozenset(status.value for status in JobStatus.documented() if status.is_finished)
_TRAINING = _Kind("training job", "TrainingJobName", "describe_training_job", "TrainingJobStatus", _JOB_ENDS)
# A notebook instance that was started may read Stopped for some seconds.
_NOTEBOOK = _Kind(
    "notebook instance",
    "NotebookInstanceName",
    "describe_notebook_instance",
    "NotebookInstanceStatus",
    frozenset({NotebookStatus.FAILED.value}),
)
_TUNING = "CreateHyperParameterTuningJob"
_KINDS: Mapping[str, _Kind] = {
    "CreateTrainingJob": _TRAINING,
    _TUNING: replace(
        _TRAINING,
        name="HyperParameterTuningJobName",
        describe="describe_hyper_parameter_tuning_job",
        status="HyperParameterTuningJobStatus",
        ended=frozenset(status.value for status in TuningJobStatus.documented() if status.is_finished),
    ),
    "CreateProcessingJob": _Kind(
        "processing job", "ProcessingJobName", "describe_processing_job", "ProcessingJobStatus", _JOB_ENDS
    ),
    "CreateTransformJob": _Kind(
        "transform job", "TransformJobName", "describe_transform_job", "TransformJobStatus", _JOB_ENDS
    ),
    # One that has failed may hold instances until it is deleted.
    "CreateEndpoint": _Kind("endpoint", "EndpointName", "describe_endpoint", "EndpointStatus", frozenset()),
    "CreateNotebookInstance": _NOTEBOOK,
    "StartNotebookInstance": _NOTEBOOK,
    "CreateCluster": _Kind(
        "cluster", "ClusterName", "describe_cluster", "ClusterStatus", frozenset({ClusterStatus.FAILED.value})
    ),
}
_ENDING_VERBS = ("Delete", "Stop")


@dataclass(frozen=True)
class StartedResource:
    """A resource that a call makes or starts."""

    operation: str
    name: str

    @property
    def _kind(self) -> _Kind:
        return _KINDS[self.operation]

    @property
    def description_call(self) -> tuple[str, Mapping[str, str]]:
        """The read that tells its status: boto3's operation, and its parameters."""
        return self._kind.describe, {self._kind.name: self.name}

    def has_ended(self, description: Mapping[str, Any]) -> bool:
        """Whether its description says that it certainly holds no instance."""
        return description.get(self._kind.status) in self._kind.ended

    def is_ended_by(self, operation: str, params: Mapping[str, Any]) -> bool:
        """Whether a call deletes or stops it."""
        return operation.startswith(_ENDING_VERBS) and params.get(self._kind.name) == self.name

    def needs_not_listed(
        self, needs: Sequence[InstanceNeed], holders: Iterable[QuotaHolder]
    ) -> tuple[InstanceNeed, ...]:
        """What of its needs the lists do not show yet. A tuning's jobs begin one after the other."""
        if self.operation != _TUNING:
            shown = any(each.kind == self._kind.holder and each.name == self.name for each in holders)
            return () if shown else tuple(needs)
        listed: Counter[str] = Counter()
        for each in holders:
            if each.kind == self._kind.holder and each.name.startswith(f"{self.name}-"):
                listed.update(each.instances)
        left = [replace(need, count=max(0, need.count - listed[need.instance_type])) for need in needs]
        return tuple(need for need in left if need.count)


def started_resource(operation: str, params: Mapping[str, Any]) -> StartedResource | None:
    """What a call starts; None: nothing that could be told from others."""
    kind = _KINDS.get(operation)
    name = None if kind is None else params.get(kind.name)
    return StartedResource(operation, name) if isinstance(name, str) and name else None
