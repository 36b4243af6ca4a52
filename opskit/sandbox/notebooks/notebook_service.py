"""Notebook instances: each one that is InService is a real Jupyter server in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import validation_error
from opskit.sandbox.lag import LaggingRead
from opskit.sandbox.list_responses import DEFAULT_PAGE_SIZE, parse_api_timestamp, validated_page
from opskit.sandbox.notebooks.code_repositories import CodeRepositoryService
from opskit.sandbox.notebooks.jupyter.launch import NotebookFolder
from opskit.sandbox.notebooks.jupyter.presigned_tokens import PresignedTokens
from opskit.sandbox.notebooks.jupyter.start_orders import NotebookPast, PastWork
from opskit.sandbox.notebooks.notebook_lifecycle import NotebookLifecycle
from opskit.sandbox.notebooks.notebook_record import NotebookRecord, NotebookStatus
from opskit.sandbox.notebooks.odd_behavior import check_behavior_tags, hidden_after_create, start_behavior
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.scenarios import NotebookKind, NotebookSeed, execution_role_arn
from opskit.sandbox.state import AccountRegion, ApiCall, InstanceUsage, SandboxState, UsageResource
from opskit.sandbox.tags import request_tags

# What DescribeNotebookInstance shows where CreateNotebookInstance did not say.
_DEFAULTS: dict[str, Any] = {
    "DirectInternetAccess": "Enabled",
    "IpAddressType": "ipv4",
    "VolumeSizeInGB": 5,
    "RootAccess": "Enabled",
    "PlatformIdentifier": "notebook-al2023-v1",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
}
# Some members are called one thing in requests and another in answers.
_DESCRIBED_AS = {
    "SecurityGroupIds": "SecurityGroups",
    "LifecycleConfigName": "NotebookInstanceLifecycleConfigName",
}
_NOT_DESCRIBED = ("NotebookInstanceName", "Tags")
_DISASSOCIATE_FLAGS = {
    "DisassociateLifecycleConfig": "NotebookInstanceLifecycleConfigName",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
}
# What each seed's Jupyter was doing; the status of the record where it has no Jupyter.
_SEED_WORK: dict[NotebookKind, PastWork | NotebookStatus] = {
    NotebookKind.IDLE: PastWork.IDLE,
    NotebookKind.KEPT: PastWork.IDLE,
    NotebookKind.BUSY: PastWork.BUSY,
    NotebookKind.TERMINAL: PastWork.TERMINAL,
    NotebookKind.EMPTY: PastWork.EMPTY,
    NotebookKind.STARTING: PastWork.STARTING,
    NotebookKind.NO_TERMINALS: PastWork.NO_TERMINALS,
    NotebookKind.JOB_COMPUTES: PastWork.JOB_COMPUTES,
    NotebookKind.JOB_POLLS: PastWork.JOB_POLLS,
    NotebookKind.JOB_SLEEPS: PastWork.JOB_SLEEPS,
    NotebookKind.STOPPED: NotebookStatus.STOPPED,
    NotebookKind.RECORD: NotebookStatus.IN_SERVICE,
}
_VOLUMES_QUOTA = "Total EBS volume size in GB across all notebook instances"
# Twelve hours, AWS's default.
_SESSION_SECONDS = 43200
_SEEDED_AGO = timedelta(days=7)
# Where a record without a Jupyter is said to be: nothing answers on the discard port.
_UNREACHABLE_HOST = "127.0.0.1:9"


class NotebookService:
    """The notebook instances of every account and Region."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger, repositories: CodeRepositoryService) -> None:
        self._state = state
        self._ledger = ledger
        self._repositories = repositories
        self._lifecycle = NotebookLifecycle(state, repositories)
        self._all: dict[tuple[AccountRegion, str], NotebookRecord] = {}
        state.usage_sources.append(self._instances_in_use)
        state.seeders[UsageResource.NOTEBOOK_INSTANCE] = self.add_seed_notebook

    @aws_operation("sagemaker", "CreateNotebookInstance")
    def create_notebook_instance(self, call: ApiCall) -> dict[str, Any]:
        name = call.params["NotebookInstanceName"]
        details = _DEFAULTS | _described_members(call.params)
        tags = request_tags(call.params)
        check_behavior_tags(tags)
        self._check_details(call.account_region, details)
        with self._state.lock(call.account_region):
            if (existing := self._all.get((call.account_region, name))) is not None:
                raise validation_error(f"Cannot create a duplicate Notebook Instance ({existing.arn})")
            self._ledger.check_capacity(
                call.account_region,
                call.operation,
                InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, details["InstanceType"]),
            )
            self._check_volumes(call.account_region, details["VolumeSizeInGB"])
            notebook = self._add_notebook(call.account_region, name, details)
            notebook.tags = tags
            lag = self._state.lag.delay(LaggingRead.NOTEBOOK_CREATE, notebook.arn)
            if delay := max(hidden_after_create(tags), lag):
                notebook.found_from = self._state.now() + delay
        self._lifecycle.start(notebook)
        return {"NotebookInstanceArn": notebook.arn}

    @aws_operation("sagemaker", "DescribeNotebookInstance")
    def describe_notebook_instance(self, call: ApiCall) -> dict[str, Any]:
        return self._find_notebook(call).describe(self._state.now())

    @aws_operation("sagemaker", "ListNotebookInstances")
    def list_notebook_instances(self, call: ApiCall) -> dict[str, Any]:
        now = self._state.now()
        found = [
            each for each in self._notebooks_in(call.account_region) if not (each.found_from and now < each.found_from)
        ]
        summaries = [notebook.list_summary(now) for notebook in found]
        summaries.sort(key=_summary_sort_key(call.params.get("SortBy", "Name")))
        if call.params.get("SortOrder") == "Descending":
            summaries.reverse()
        page, token = validated_page(call, summaries, DEFAULT_PAGE_SIZE)
        # As in all of SageMaker's lists, the page is cut first.
        return {
            "NotebookInstances": [summary for summary in page if _passes_filters(summary, call.params)],
            "NextToken": token,
        }

    @aws_operation("sagemaker", "StartNotebookInstance")
    def start_notebook_instance(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            notebook = self._find_notebook(call)
            notebook.require_status(NotebookStatus.PENDING, NotebookStatus.STOPPED, NotebookStatus.FAILED)
            self._ledger.check_capacity(
                call.account_region,
                call.operation,
                InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, notebook.instance_type),
            )
            behavior, now = start_behavior(notebook.tags), self._state.now()
            if not behavior.takes_start(notebook.lost_starts):
                notebook.lost_starts += 1
                return {}
            notebook.starts += 1
            lag = self._state.lag.delay(LaggingRead.NOTEBOOK_START, notebook.arn, notebook.starts)
            notebook.report_stale_status(now + max(behavior.seen_after, lag))
            notebook.failure, notebook.lost_starts = None, 0
            notebook.enter_status(NotebookStatus.PENDING, now)
        self._lifecycle.start(notebook)
        return {}

    @aws_operation("sagemaker", "StopNotebookInstance")
    def stop_notebook_instance(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            notebook = self._find_notebook(call)
            notebook.require_in_service(f". Unable to transition to ({NotebookStatus.STOPPING})")
            notebook.enter_status(NotebookStatus.STOPPING, self._state.now())
        self._lifecycle.stop(notebook)
        return {}

    @aws_operation("sagemaker", "DeleteNotebookInstance")
    def delete_notebook_instance(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            notebook = self._find_notebook(call)
            notebook.require_status(NotebookStatus.DELETING, NotebookStatus.STOPPED, NotebookStatus.FAILED)
            notebook.enter_status(NotebookStatus.DELETING, self._state.now())

        def remove_notebook() -> None:
            notebook.folder.delete()
            del self._all[notebook.account_region, notebook.name]

        self._lifecycle.schedule(notebook, remove_notebook)
        return {}

    @aws_operation("sagemaker", "UpdateNotebookInstance")
    def update_notebook_instance(self, call: ApiCall) -> dict[str, Any]:
        with self._state.lock(call.account_region):
            notebook = self._find_notebook(call)
            notebook.require_status(NotebookStatus.UPDATING, NotebookStatus.STOPPED, NotebookStatus.FAILED)
            details = _merge_update(notebook.details, call.params)
            self._check_details(call.account_region, details)
            more_gb = details["VolumeSizeInGB"] - notebook.details["VolumeSizeInGB"]
            self._check_volumes(call.account_region, more_gb)
            notebook.enter_status(NotebookStatus.UPDATING, self._state.now())

        def apply_details() -> None:
            notebook.details = details
            notebook.failure = None
            notebook.enter_status(NotebookStatus.STOPPED, self._state.now())

        self._lifecycle.schedule(notebook, apply_details)
        return {}

    @aws_operation("sagemaker", "CreatePresignedNotebookInstanceUrl")
    def create_presigned_url(self, call: ApiCall) -> dict[str, Any]:
        seconds = call.params.get("SessionExpirationDurationInSeconds", _SESSION_SECONDS)
        with self._state.lock(call.account_region):
            notebook = self._find_notebook(call)
            notebook.require_in_service()
            if notebook.jupyter:
                return {"AuthorizedUrl": notebook.jupyter.authorized_url(self._state.now(), seconds)}
        token = PresignedTokens(notebook.arn).issue_token(self._state.now(), seconds)
        return {"AuthorizedUrl": f"http://{_UNREACHABLE_HOST}?authToken={token}"}

    def notebook_tags(self, account_region: AccountRegion, name: str) -> dict[str, str] | None:
        """The tags of a notebook instance, None where there is none."""
        notebook = self._all.get((account_region, name))
        return notebook.tags if notebook else None

    def notebook_names(self, account_region: AccountRegion) -> list[str]:
        """The names of an account and Region's notebook instances."""
        return [notebook.name for notebook in self._notebooks_in(account_region)]

    def add_seed_notebook(self, account_region: AccountRegion, seed: Any) -> None:
        """Make a scenario's notebook instance: as of a past day, without asking the quotas."""
        assert isinstance(seed, NotebookSeed)
        role = execution_role_arn(account_region.account)
        details = _DEFAULTS | {"InstanceType": seed.instance_type, "RoleArn": role}
        start = _SEED_WORK[seed.kind]
        with self._state.lock(account_region):
            notebook = self._add_notebook(account_region, seed.name, details)
            notebook.tags = dict(seed.tags)
            notebook.created = self._state.now() - _SEEDED_AGO
            notebook.modified = self._state.now() - seed.idle_for - timedelta(minutes=5)
            if isinstance(start, NotebookStatus):
                notebook.status = start
        if isinstance(start, PastWork):
            self._lifecycle.start(notebook, NotebookPast(start, seed.idle_for.total_seconds()))

    def _add_notebook(self, account_region: AccountRegion, name: str, details: dict[str, Any]) -> NotebookRecord:
        folder = NotebookFolder(
            self._state.folder / "notebooks" / account_region.account / account_region.region / name
        )
        now = self._state.now()
        notebook = self._all[account_region, name] = NotebookRecord(account_region, name, details, now, now, folder)
        return notebook

    def _find_notebook(self, call: ApiCall) -> NotebookRecord:
        notebook = self._all.get((call.account_region, call.params["NotebookInstanceName"]))
        if notebook is None or (notebook.found_from and self._state.now() < notebook.found_from):
            raise validation_error("RecordNotFound")
        return notebook

    def _notebooks_in(self, account_region: AccountRegion) -> list[NotebookRecord]:
        with self._state.lock(account_region):
            return [notebook for (where, _), notebook in self._all.items() if where == account_region]

    def _instances_in_use(self, account_region: AccountRegion) -> list[InstanceUsage]:
        return [usage for notebook in self._notebooks_in(account_region) for usage in notebook.instance_usage()]

    def _check_volumes(self, account_region: AccountRegion, more_gb: int) -> None:
        """Hold a larger total of the volumes against its quota; those of stopped notebooks count."""
        if not more_gb:
            return
        there = sum(each.details["VolumeSizeInGB"] for each in self._notebooks_in(account_region))
        self._ledger.check_amount(account_region, _VOLUMES_QUOTA, more_gb, "Gigabytes", in_use=there)

    def _check_details(self, account_region: AccountRegion, details: dict[str, Any]) -> None:
        check_role(self._state, account_region, details["RoleArn"])
        if details.get("DirectInternetAccess") == "Disabled" and not details.get("SubnetId"):
            raise validation_error("DirectInternetAccess can be Disabled only where a SubnetId is given.")
        if (config := details.get("NotebookInstanceLifecycleConfigName")) is not None:
            self._check_lifecycle_config(account_region, config)
        self._repositories.check_repositories(account_region, details)

    def _check_lifecycle_config(self, account_region: AccountRegion, name: str) -> None:
        client = self._state.client("sagemaker", account_region)
        try:
            client.describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
        except ClientError as error:
            raise validation_error(f"Notebook Instance Lifecycle Config ({name}) not found.") from error


def _described_members(params: dict[str, Any]) -> dict[str, Any]:
    """Request members under the names they are described by."""
    return {_DESCRIBED_AS.get(name, name): value for name, value in params.items() if name not in _NOT_DESCRIBED}


def _merge_update(details: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    if params.get("VolumeSizeInGB", details["VolumeSizeInGB"]) < details["VolumeSizeInGB"]:
        raise validation_error("The volume of a Notebook Instance can be made larger, not smaller.")
    dropped = {member for flag, member in _DISASSOCIATE_FLAGS.items() if params.get(flag)}
    changes = {name: value for name, value in _described_members(params).items() if name not in _DISASSOCIATE_FLAGS}
    return {name: value for name, value in (details | changes).items() if name not in dropped}


def _summary_sort_key(sort_by: str) -> Callable[[dict[str, Any]], Any]:
    member = {"Name": "NotebookInstanceName", "Status": "NotebookInstanceStatus"}.get(sort_by, sort_by)
    return lambda summary: (summary[member], summary["NotebookInstanceName"])


def _passes_filters(summary: dict[str, Any], params: dict[str, Any]) -> bool:
    """Whether a summary passes every filter of ListNotebookInstances that is given."""
    contains = {
        "NameContains": "NotebookInstanceName",
        "NotebookInstanceLifecycleConfigNameContains": "NotebookInstanceLifecycleConfigName",
        "DefaultCodeRepositoryContains": "DefaultCodeRepository",
    }
    return (
        all(params[name] in (summary[member] or "") for name, member in contains.items() if name in params)
        and params.get("StatusEquals") in (None, summary["NotebookInstanceStatus"])
        and params.get("AdditionalCodeRepositoryEquals") in (None, *(summary["AdditionalCodeRepositories"] or []))
        and _passes_time_filters(summary, params)
    )


def _passes_time_filters(summary: dict[str, Any], params: dict[str, Any]) -> bool:
    for member in ("CreationTime", "LastModifiedTime"):
        value: datetime = summary[member]
        if (before := params.get(f"{member}Before")) is not None and not value < parse_api_timestamp(before):
            return False
        if (after := params.get(f"{member}After")) is not None and not value > parse_api_timestamp(after):
            return False
    return True
