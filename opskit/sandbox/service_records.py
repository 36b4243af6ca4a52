"""What bills in SageMaker besides jobs, endpoints and notebooks, as records: labeling jobs, MLflow tracking servers and
apps, partner AI apps. Nothing runs behind them. Training plans cannot be bought here, so their list is empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opskit.sandbox.api_models import output_shape
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError
from opskit.sandbox.list_responses import validated_page
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState
from opskit.sandbox.tags import TagService, request_tags

_PAGE_SIZE = 10


@dataclass(frozen=True, kw_only=True)
class _RecordKind:
    """How a kind of record is made, listed and ended, in AWS's words."""

    arn_type: str
    name: str
    """The member that holds its name."""
    arn: str
    """The member that holds its ARN."""
    status: str
    listing: str
    runs_as: str
    ends_as: str
    has_id: bool = False
    """Whether its ARN has an id in place of its name."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What its description has besides."""


_NO_LABELS = dict.fromkeys(
    ("TotalLabeled", "HumanLabeled", "MachineLabeled", "FailedNonRetryableError", "Unlabeled"), 0
)
_LABELING = _RecordKind(
    arn_type="labeling-job",
    name="LabelingJobName",
    arn="LabelingJobArn",
    status="LabelingJobStatus",
    listing="LabelingJobSummaryList",
    runs_as="InProgress",
    ends_as="Stopped",
    extra={"LabelCounters": _NO_LABELS, "JobReferenceCode": "sandbox"},
)
_TRACKING_SERVER = _RecordKind(
    arn_type="mlflow-tracking-server",
    name="TrackingServerName",
    arn="TrackingServerArn",
    status="TrackingServerStatus",
    listing="TrackingServerSummaries",
    runs_as="Created",
    ends_as="Stopped",
)
_MLFLOW_APP = _RecordKind(
    arn_type="mlflow-app",
    name="Name",
    arn="Arn",
    status="Status",
    listing="Summaries",
    runs_as="Created",
    ends_as="Deleted",
    has_id=True,
)
_PARTNER_APP = _RecordKind(
    arn_type="partner-app",
    name="Name",
    arn="Arn",
    status="Status",
    listing="Summaries",
    runs_as="Available",
    ends_as="Deleted",
    has_id=True,
)
_KIND_OF: Mapping[str, _RecordKind] = {
    **dict.fromkeys(("CreateLabelingJob", "ListLabelingJobs", "DescribeLabelingJob", "StopLabelingJob"), _LABELING),
    **dict.fromkeys(
        (
            "CreateMlflowTrackingServer",
            "ListMlflowTrackingServers",
            "DescribeMlflowTrackingServer",
            "StopMlflowTrackingServer",
        ),
        _TRACKING_SERVER,
    ),
    **dict.fromkeys(("CreateMlflowApp", "ListMlflowApps", "DeleteMlflowApp"), _MLFLOW_APP),
    **dict.fromkeys(("CreatePartnerApp", "ListPartnerApps", "DeletePartnerApp"), _PARTNER_APP),
}


@dataclass
class _Record:
    arn: str
    params: dict[str, Any]
    created: datetime
    status: str
    tags: dict[str, str]


@dataclass
class ServiceRecords:
    """Makes, lists, describes and ends the records of all these kinds."""

    _state: SandboxState
    _tags: TagService
    _records: dict[tuple[AccountRegion, str, str], _Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in (_LABELING, _TRACKING_SERVER, _MLFLOW_APP, _PARTNER_APP):
            self._tags.register_resource_type(
                kind.arn_type,
                lambda place, name, kind=kind: self._tags_of(place, kind, name),  # type: ignore[misc]
                lambda place, kind=kind: [_arn_name(kind, each) for each in self._names_of(place, kind)],  # type: ignore[misc]
            )

    @aws_operation(
        "sagemaker", "CreateLabelingJob", "CreateMlflowTrackingServer", "CreateMlflowApp", "CreatePartnerApp"
    )
    def create_record(self, call: ApiCall) -> dict[str, Any]:
        kind = _KIND_OF[call.operation]
        name = str(call.params[kind.name])
        key = (call.account_region, kind.arn_type, name)
        with self._state.lock(call.account_region):
            if key in self._records:
                raise ApiError("ResourceInUse", f"{kind.arn_type} {name} already exists.")
            arn = call.account_region.arn(f"{kind.arn_type}/{_arn_name(kind, name)}")
            now, tags = self._state.now(), request_tags(call.params)
            self._records[key] = _Record(arn, call.params, now, kind.runs_as, tags)
        return {kind.arn: arn}

    @aws_operation("sagemaker", "ListLabelingJobs", "ListMlflowTrackingServers", "ListMlflowApps", "ListPartnerApps")
    def list_records(self, call: ApiCall) -> dict[str, Any]:
        kind = _KIND_OF[call.operation]
        here = [
            record for key, record in list(self._records.items()) if key[:2] == (call.account_region, kind.arn_type)
        ]
        here.sort(key=lambda record: record.created, reverse=call.params.get("SortOrder", "Descending") == "Descending")
        shape = output_shape(call.service, call.operation).members[kind.listing].member
        page, token = validated_page(call, [_describe(kind, record, shape) for record in here], _PAGE_SIZE)
        return {kind.listing: page, "NextToken": token}

    @aws_operation("sagemaker", "DescribeLabelingJob", "DescribeMlflowTrackingServer")
    def describe_record(self, call: ApiCall) -> dict[str, Any]:
        kind = _KIND_OF[call.operation]
        return _describe(kind, self._find(call, kind), output_shape(call.service, call.operation))

    @aws_operation("sagemaker", "StopLabelingJob", "StopMlflowTrackingServer", "DeleteMlflowApp", "DeletePartnerApp")
    def end_record(self, call: ApiCall) -> dict[str, Any]:
        kind = _KIND_OF[call.operation]
        record = self._find(call, kind)
        record.status = kind.ends_as
        return {kind.arn: record.arn}

    @aws_operation("sagemaker", "ListTrainingPlans")
    def list_training_plans(self, call: ApiCall) -> dict[str, Any]:
        plans, token = validated_page(call, [], _PAGE_SIZE)
        return {"TrainingPlanSummaries": plans, "NextToken": token}

    def _find(self, call: ApiCall, kind: _RecordKind) -> _Record:
        name, arn = call.params.get(kind.name), call.params.get("Arn")
        for (place, arn_type, _), record in list(self._records.items()):
            is_meant = record.arn == arn if name is None else record.params.get(kind.name) == name
            if place == call.account_region and arn_type == kind.arn_type and is_meant:
                return record
        raise ApiError("ResourceNotFound", f"{kind.arn_type} {name or arn} does not exist. RecordNotFound")

    def _tags_of(self, place: AccountRegion, kind: _RecordKind, name: str) -> dict[str, str] | None:
        named = {_arn_name(kind, each): each for each in self._names_of(place, kind)}
        return self._records[place, kind.arn_type, named[name]].tags if name in named else None

    def _names_of(self, place: AccountRegion, kind: _RecordKind) -> list[str]:
        return [name for where, arn_type, name in self._records if (where, arn_type) == (place, kind.arn_type)]


def _arn_name(kind: _RecordKind, name: str) -> str:
    """What stands in a record's ARN for its name: of some kinds an id."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:12].upper()
    return f"app-{digest}" if kind.has_id else name


def _describe(kind: _RecordKind, record: _Record, shape: Any) -> dict[str, Any]:
    """What a description or a summary, of a shape, says of a record."""
    is_on = record.status == kind.runs_as
    described = {
        **record.params.get("HumanTaskConfig", {}),  # a summary has its WorkteamArn
        **record.params,
        **kind.extra,
        kind.arn: record.arn,
        kind.status: record.status,
        "CreationTime": record.created,
        "LastModifiedTime": record.created,
        "IsActive": "Active" if is_on else "Inactive",
    }
    return {name: value for name, value in described.items() if name in shape.members}
