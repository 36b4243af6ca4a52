"""Notebook instances: each one that is InService is a real Jupyter server in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, assert_never

from botocore.exceptions import ClientError

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import invalid
from opskit.sandbox.list_responses import PAGE, moment, one_page
from opskit.sandbox.notebooks.code_repositories import CodeRepositories
from opskit.sandbox.notebooks.jupyter.launch import Folder, Past
from opskit.sandbox.notebooks.jupyter.presigned_tokens import Tickets
from opskit.sandbox.notebooks.notebook_lifecycle import NotebookLives
from opskit.sandbox.notebooks.notebook_record import Notebook
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.scenarios import ROLE_NAME, NotebookSeed
from opskit.sandbox.state import Call, Held, Place, World
from opskit.sandbox.tags import tags_given

_DEFAULTS: dict[str, Any] = {
    "DirectInternetAccess": "Enabled",
    "IpAddressType": "ipv4",
    "VolumeSizeInGB": 5,
    "RootAccess": "Enabled",
    "PlatformIdentifier": "notebook-al2023-v1",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
}
_DESCRIBED_AS = {
    "SecurityGroupIds": "SecurityGroups",
    "LifecycleConfigName": "NotebookInstanceLifecycleConfigName",
}
_NOT_DETAILS = ("NotebookInstanceName", "Tags")
_DISASSOCIATE = {
    "DisassociateLifecycleConfig": "NotebookInstanceLifecycleConfigName",
    "DisassociateAcceleratorTypes": "AcceleratorTypes",
    "DisassociateDefaultCodeRepository": "DefaultCodeRepository",
    "DisassociateAdditionalCodeRepositories": "AdditionalCodeRepositories",
}
_SESSION_SECONDS = 43200
_SEEDED_AGO = timedelta(days=7)
_NOWHERE = "127.0.0.1:9"
"""Where a record without a Jupyter is said to be: nothing answers on the discard port."""


class Notebooks:
    """The notebook instances of every place."""

    def __init__(self, world: World, book: QuotaBook, repositories: CodeRepositories) -> None:
        self._world = world
        self._book = book
        self._repositories = repositories
        self._lives = NotebookLives(world, repositories)
        self._all: dict[tuple[Place, str], Notebook] = {}
        world.holders.append(self._held)
        world.seeders["notebook-instance"] = self.seed

    @owns("sagemaker", "CreateNotebookInstance")
    def create(self, call: Call) -> dict[str, Any]:
        name = call.params["NotebookInstanceName"]
        details = _DEFAULTS | _details(call.params)
        tags = tags_given(call.params)
        self._check(call.place, details)
        with self._world.lock(call.place):
            if (twin := self._all.get((call.place, name))) is not None:
                raise invalid(f"Cannot create a duplicate Notebook Instance ({twin.arn})")
            self._book.admit(call.place, call.operation, Held("notebook-instance", details["InstanceType"]))
            notebook = self._make(call.place, name, details)
            notebook.tags = tags
        self._lives.start(notebook)
        return {"NotebookInstanceArn": notebook.arn}

    @owns("sagemaker", "DescribeNotebookInstance")
    def describe(self, call: Call) -> dict[str, Any]:
        return self._find(call).describe()

    @owns("sagemaker", "ListNotebookInstances")
    def list_instances(self, call: Call) -> dict[str, Any]:
        wanted = [notebook.summary() for notebook in self._here(call.place)]
        wanted = [summary for summary in wanted if _passes(summary, call.params)]
        wanted.sort(key=_sort_key(call.params.get("SortBy", "Name")))
        if call.params.get("SortOrder") == "Descending":
            wanted.reverse()
        shown, token = one_page(call, wanted, PAGE)
        return {"NotebookInstances": shown, "NextToken": token}

    @owns("sagemaker", "StartNotebookInstance")
    def start(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            notebook = self._find(call)
            notebook.require("Pending", "Stopped", "Failed")
            self._book.admit(call.place, call.operation, Held("notebook-instance", notebook.instance_type))
            notebook.failure = None
            notebook.move("Pending", self._world.now())
        self._lives.start(notebook)
        return {}

    @owns("sagemaker", "StopNotebookInstance")
    def stop(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            notebook = self._find(call)
            notebook.require("Stopping", "InService")
            notebook.move("Stopping", self._world.now())
        self._lives.stop(notebook)
        return {}

    @owns("sagemaker", "DeleteNotebookInstance")
    def delete(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            notebook = self._find(call)
            notebook.require("Deleting", "Stopped", "Failed")
            notebook.move("Deleting", self._world.now())

        def gone() -> None:
            notebook.folder.delete()
            del self._all[notebook.place, notebook.name]

        self._lives.soon(notebook, gone)
        return {}

    @owns("sagemaker", "UpdateNotebookInstance")
    def update(self, call: Call) -> dict[str, Any]:
        with self._world.lock(call.place):
            notebook = self._find(call)
            notebook.require("Updating", "Stopped", "Failed")
            details = _updated(notebook.details, call.params)
            self._check(call.place, details)
            notebook.move("Updating", self._world.now())

        def updated() -> None:
            notebook.details = details
            notebook.failure = None
            notebook.move("Stopped", self._world.now())

        self._lives.soon(notebook, updated)
        return {}

    @owns("sagemaker", "CreatePresignedNotebookInstanceUrl")
    def presign(self, call: Call) -> dict[str, Any]:
        seconds = call.params.get("SessionExpirationDurationInSeconds", _SESSION_SECONDS)
        with self._world.lock(call.place):
            notebook = self._find(call)
            if notebook.status != "InService":
                raise invalid(
                    f"Status ({notebook.status}) not in ([InService]) for Notebook Instance ({notebook.arn})."
                )
            if notebook.jupyter:
                return {"AuthorizedUrl": notebook.jupyter.authorized_url(self._world.now(), seconds)}
        nobodys = Tickets(notebook.arn).issue(self._world.now(), seconds)
        return {"AuthorizedUrl": f"http://{_NOWHERE}?authToken={nobodys}"}

    def tags_of(self, place: Place, name: str) -> dict[str, str] | None:
        """The tags of a notebook instance, None where there is none."""
        notebook = self._all.get((place, name))
        return notebook.tags if notebook else None

    def seed(self, place: Place, seed: Any) -> None:
        """Make a scenario's notebook instance: as of a past day, without asking the quotas."""
        assert isinstance(seed, NotebookSeed)
        role = f"arn:aws:iam::{place.account}:role/service-role/{ROLE_NAME}"
        details = _DEFAULTS | {"InstanceType": seed.instance_type, "RoleArn": role}
        past = _past(seed)
        with self._world.lock(place):
            notebook = self._make(place, seed.name, details)
            notebook.tags = dict(seed.tags)
            notebook.created = self._world.now() - _SEEDED_AGO
            notebook.modified = self._world.now() - seed.idle_for - timedelta(minutes=5)
            if past is None:
                notebook.status = "Stopped" if seed.kind == "stopped" else "InService"
        if past:
            self._lives.start(notebook, past)

    def _make(self, place: Place, name: str, details: dict[str, Any]) -> Notebook:
        folder = Folder(self._world.folder / "notebooks" / place.account / place.region / name)
        now = self._world.now()
        notebook = self._all[place, name] = Notebook(place, name, details, now, now, folder)
        return notebook

    def _find(self, call: Call) -> Notebook:
        try:
            return self._all[call.place, call.params["NotebookInstanceName"]]
        except KeyError as error:
            raise invalid("RecordNotFound") from error

    def _here(self, place: Place) -> list[Notebook]:
        with self._world.lock(place):
            return [notebook for (where, _), notebook in self._all.items() if where == place]

    def _held(self, place: Place) -> list[Held]:
        return [held for notebook in self._here(place) for held in notebook.held()]

    def _check(self, place: Place, details: dict[str, Any]) -> None:
        check_role(self._world, place, details["RoleArn"])
        if details.get("DirectInternetAccess") == "Disabled" and not details.get("SubnetId"):
            raise invalid("DirectInternetAccess can be Disabled only where a SubnetId is given.")
        if (config := details.get("NotebookInstanceLifecycleConfigName")) is not None:
            self._check_lifecycle_config(place, config)
        self._repositories.check(place, details)

    def _check_lifecycle_config(self, place: Place, name: str) -> None:
        client = self._world.client("sagemaker", place)
        try:
            client.describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
        except ClientError as error:
            raise invalid(f"Notebook Instance Lifecycle Config ({name}) not found.") from error


def _details(params: dict[str, Any]) -> dict[str, Any]:
    """Request members under the names they are described by."""
    return {_DESCRIBED_AS.get(name, name): value for name, value in params.items() if name not in _NOT_DETAILS}


def _updated(details: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    if params.get("VolumeSizeInGB", details["VolumeSizeInGB"]) < details["VolumeSizeInGB"]:
        raise invalid("The volume of a Notebook Instance can be made larger, not smaller.")
    dropped = {member for flag, member in _DISASSOCIATE.items() if params.get(flag)}
    changes = {name: value for name, value in _details(params).items() if name not in _DISASSOCIATE}
    return {name: value for name, value in (details | changes).items() if name not in dropped}


def _past(seed: NotebookSeed) -> Past | None:
    """What the seed's Jupyter was doing; None where it has no Jupyter."""
    seconds = seed.idle_for.total_seconds()
    match seed.kind:
        case "idle" | "kept":
            return Past("idle", seconds)
        case "busy" | "terminal" | "empty" | "starting":
            return Past(seed.kind, seconds)
        case "stopped" | "record":
            return None
        case _:
            assert_never(seed.kind)


def _sort_key(by: str) -> Callable[[dict[str, Any]], Any]:
    member = {"Name": "NotebookInstanceName", "Status": "NotebookInstanceStatus"}.get(by, by)
    return lambda summary: (summary[member], summary["NotebookInstanceName"])


def _passes(summary: dict[str, Any], params: dict[str, Any]) -> bool:
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
        and _in_time(summary, params)
    )


def _in_time(summary: dict[str, Any], params: dict[str, Any]) -> bool:
    for member in ("CreationTime", "LastModifiedTime"):
        seen: datetime = summary[member]
        if (before := params.get(f"{member}Before")) is not None and not seen < moment(before):
            return False
        if (after := params.get(f"{member}After")) is not None and not seen > moment(after):
            return False
    return True
