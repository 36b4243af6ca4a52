"""Studio's spaces and apps, as records: nothing runs behind them. What was deleted stays in the list for a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError, validation_error
from opskit.sandbox.list_responses import validated_page
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState
from opskit.sandbox.tags import TagService, request_tags

_PAGE_SIZE = 10
# AWS lists deleted apps for 24 hours.
_DELETED_IS_LISTED = timedelta(hours=24)
_DEFAULT_TYPE = "ml.t3.medium"
_SMALLEST_VOLUME = 5  # GB
_APP_MEMBERS = ("DomainId", "SpaceName", "UserProfileName", "AppType", "AppName")


@dataclass
class _StudioRecord:
    """A space or an app: what it was made with, and since when it is ``deleted``; None: it is not."""

    arn: str
    params: dict[str, Any]
    created: datetime
    tags: dict[str, str]
    deleted: datetime | None = None

    def is_listed(self, now: datetime) -> bool:
        return self.deleted is None or now - self.deleted < _DELETED_IS_LISTED

    @property
    def status(self) -> str:
        return "InService" if self.deleted is None else "Deleted"


_Key = tuple[AccountRegion, str]


@dataclass
class StudioService:
    """Spaces and apps, without domains and user profiles: their names are taken as they are given."""

    _state: SandboxState
    _tags: TagService
    _spaces: dict[_Key, _StudioRecord] = field(default_factory=dict)
    _apps: dict[_Key, _StudioRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for arn_type, records in (("space", self._spaces), ("app", self._apps)):
            self._tags.register_resource_type(
                arn_type,
                lambda place, name, records=records: _live_tags(records, place, name),  # type: ignore[misc]
                lambda place, records=records: [key[1] for key in records if key[0] == place],  # type: ignore[misc]
            )

    @aws_operation("sagemaker", "CreateSpace")
    def create_space(self, call: ApiCall) -> dict[str, Any]:
        name = f"{call.params['DomainId']}/{call.params['SpaceName']}"
        record = self._make_record(call, self._spaces, "space", name, f"Space [{name}] already exists.")
        return {"SpaceArn": record.arn}

    @aws_operation("sagemaker", "ListSpaces")
    def list_spaces(self, call: ApiCall) -> dict[str, Any]:
        found = [_space_summary(record) for record in self._listed(call, self._spaces) if record.deleted is None]
        page, token = validated_page(call, found, _PAGE_SIZE)
        return {"Spaces": page, "NextToken": token}

    @aws_operation("sagemaker", "DescribeSpace")
    def describe_space(self, call: ApiCall) -> dict[str, Any]:
        record = self._find(call, self._spaces, f"{call.params['DomainId']}/{call.params['SpaceName']}", "Space")
        kept = ("DomainId", "SpaceName", "SpaceSettings", "OwnershipSettings", "SpaceSharingSettings")
        described = {name: record.params[name] for name in kept if name in record.params}
        times = {"CreationTime": record.created, "LastModifiedTime": record.created}
        return {"SpaceArn": record.arn, "Status": record.status, **times, **described}

    @aws_operation("sagemaker", "DeleteSpace")
    def delete_space(self, call: ApiCall) -> dict[str, Any]:
        domain, space = call.params["DomainId"], call.params["SpaceName"]
        record = self._find(call, self._spaces, f"{domain}/{space}", "Space")
        if any(
            each.params.get("SpaceName") == space and each.deleted is None for each in self._listed(call, self._apps)
        ):
            raise ApiError("ResourceInUse", f"Space [{space}] has apps that are not deleted.")
        record.deleted = self._state.now()
        return {}

    @aws_operation("sagemaker", "CreateApp")
    def create_app(self, call: ApiCall) -> dict[str, Any]:
        if bool(call.params.get("SpaceName")) == bool(call.params.get("UserProfileName")):
            raise validation_error("Exactly one of SpaceName and UserProfileName must be specified.")
        name = _app_path(call.params)
        record = self._make_record(call, self._apps, "app", name, f"App [{name}] already exists.")
        return {"AppArn": record.arn}

    @aws_operation("sagemaker", "ListApps")
    def list_apps(self, call: ApiCall) -> dict[str, Any]:
        now = self._state.now()
        found = [_app_summary(record) for record in self._listed(call, self._apps) if record.is_listed(now)]
        page, token = validated_page(call, found, _PAGE_SIZE)
        return {"Apps": page, "NextToken": token}

    @aws_operation("sagemaker", "DescribeApp")
    def describe_app(self, call: ApiCall) -> dict[str, Any]:
        record = self._find(call, self._apps, _app_path(call.params), "App")
        return {"AppArn": record.arn, **_app_summary(record)}

    @aws_operation("sagemaker", "DeleteApp")
    def delete_app(self, call: ApiCall) -> dict[str, Any]:
        self._find(call, self._apps, _app_path(call.params), "App").deleted = self._state.now()
        return {}

    def _make_record(
        self, call: ApiCall, records: dict[_Key, _StudioRecord], arn_type: str, name: str, taken: str
    ) -> _StudioRecord:
        key = (call.account_region, name)
        with self._state.lock(call.account_region):
            if key in records and records[key].deleted is None:
                raise ApiError("ResourceInUse", taken)
            arn = call.account_region.arn(f"{arn_type}/{name}")
            record = _StudioRecord(arn, call.params, self._state.now(), request_tags(call.params))
            records[key] = record
        return record

    def _listed(self, call: ApiCall, records: Mapping[_Key, _StudioRecord]) -> Iterator[_StudioRecord]:
        """The records here that the call's filters let pass, the newest last, as AWS's default is."""
        wanted = {name: call.params.get(f"{name}Equals") for name in ("DomainId", "SpaceName", "UserProfileName")}
        for (place, _), record in list(records.items()):
            if place == call.account_region and all(
                value in (None, record.params.get(name)) for name, value in wanted.items()
            ):
                yield record

    def _find(self, call: ApiCall, records: Mapping[_Key, _StudioRecord], name: str, kind: str) -> _StudioRecord:
        record = records.get((call.account_region, name))
        if record is None or not record.is_listed(self._state.now()):
            raise ApiError("ResourceNotFound", f"{kind} [{name}] does not exist. RecordNotFound")
        return record


def _live_tags(records: Mapping[_Key, _StudioRecord], place: AccountRegion, name: str) -> dict[str, str] | None:
    record = records.get((place, name))
    return record.tags if record and record.deleted is None else None


def _app_path(params: Mapping[str, Any]) -> str:
    """What stands in an app's ARN behind its type."""
    owner = params.get("SpaceName") or params.get("UserProfileName")
    return "/".join((params["DomainId"], str(owner), params["AppType"].lower(), params["AppName"]))


def _app_summary(record: _StudioRecord) -> dict[str, Any]:
    spec = {"InstanceType": _DEFAULT_TYPE, **record.params.get("ResourceSpec", {})}
    named = {name: record.params[name] for name in _APP_MEMBERS if name in record.params}
    return {**named, "Status": record.status, "CreationTime": record.created, "ResourceSpec": spec}


def _space_summary(record: _StudioRecord) -> dict[str, Any]:
    settings = record.params.get("SpaceSettings", {})
    storage = settings.get("SpaceStorageSettings") or {"EbsStorageSettings": {"EbsVolumeSizeInGb": _SMALLEST_VOLUME}}
    return {
        "DomainId": record.params["DomainId"],
        "SpaceName": record.params["SpaceName"],
        "Status": record.status,
        "CreationTime": record.created,
        "LastModifiedTime": record.created,
        "SpaceSettingsSummary": {"AppType": settings.get("AppType"), "SpaceStorageSettings": storage},
        **({"SpaceSharingSettingsSummary": sharing} if (sharing := record.params.get("SpaceSharingSettings")) else {}),
        **({"OwnershipSettingsSummary": owner} if (owner := record.params.get("OwnershipSettings")) else {}),
    }
