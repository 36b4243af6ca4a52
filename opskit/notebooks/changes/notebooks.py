"""What opskit may do to a notebook: make it, stop it, start it, tag it. Nothing here deletes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal

from opskit.aws.client import AwsClient
from opskit.aws.tagged_create import create_with_tags
from opskit.aws.writer import AwsWriter
from opskit.core.live_resources import ResourceKind
from opskit.core.model import Notebook
from opskit.core.owners import Owner
from opskit.core.tags import MADE_BY
from opskit.notebooks.rules.create_request import NotebookSpec
from opskit.notebooks.rules.enums import NotebookAction
from opskit.state.journal import PendingChange, StopDetails, journal_action, prepare_change

# On what opskit made, so that people see where it came from.
_MADE_BY = {MADE_BY: "opskit notebook create"}


def create_notebook_instance(client: AwsClient, spec: NotebookSpec, owner: Owner, role: str, reason: str) -> None:
    """Make a notebook instance, which starts at once. Its name is unique: AWS refuses to make it twice.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    repository = {"DefaultCodeRepository": spec.git} if spec.git else {}

    def create(tags: Mapping[str, str]) -> None:
        tagged = {"Tags": _tag_list(tags)} if tags else {}
        with journal_action(client, NotebookAction.CREATE, spec.name, reason, starts=ResourceKind.NOTEBOOK):
            AwsWriter(client).call(
                "sagemaker",
                "create_notebook_instance",
                NotebookInstanceName=spec.name,
                InstanceType=spec.instance_type,
                RoleArn=role,
                VolumeSizeInGB=spec.volume_gb,
                **tagged,
                **repository,
            )

    create_with_tags(create, owner, _MADE_BY, spec.tags)


def prepare_stop(
    client: AwsClient, notebook: Notebook, reason: str, usd_per_hour: Decimal | None = None
) -> AbstractContextManager[PendingChange[[]]]:
    """The intent to stop a notebook instance, written down in the journal and sent by ``send_change``; its files stay.
    ``usd_per_hour`` is its price, which is written down with it for ``history``; None: nobody knows it.

    Raises:
        Throttled, OutcomeUnknown, AwsError: from ``send_change`` inside the block, as AWS answers.
    """
    stop = StopDetails(usd_per_hour, notebook.status_changed_at)

    def send() -> object:
        return AwsWriter(client).call_once("sagemaker", "stop_notebook_instance", NotebookInstanceName=notebook.name)

    return prepare_change(journal_action(client, NotebookAction.STOP, notebook.name, reason, stop=stop), send)


def prepare_start(client: AwsClient, name: str) -> AbstractContextManager[PendingChange[[]]]:
    """The intent to start a notebook instance, written down in the journal and sent by ``send_change``. AWS may refuse
    it, for a quota for example.

    Raises:
        Throttled, OutcomeUnknown, AwsError: from ``send_change`` inside the block, as AWS answers.
    """

    def send() -> object:
        return AwsWriter(client).call_once("sagemaker", "start_notebook_instance", NotebookInstanceName=name)

    return prepare_change(
        journal_action(client, NotebookAction.START, name, "asked for", starts=ResourceKind.NOTEBOOK), send
    )


def prepare_tagging(
    client: AwsClient, notebook: Notebook, keys: Iterable[str]
) -> AbstractContextManager[PendingChange[[Mapping[str, str]]]]:
    """The intent to add tags of these keys, in place of those of the same key; ``send_change`` takes them with their
    values, and AWS takes at most 50 on a resource.

    Raises:
        Throttled, OutcomeUnknown, AwsError: from ``send_change`` inside the block, as AWS answers.
    """

    def send(tags: Mapping[str, str]) -> object:
        return AwsWriter(client).call_once("sagemaker", "add_tags", ResourceArn=notebook.arn, Tags=_tag_list(tags))

    return prepare_change(journal_action(client, NotebookAction.TAG, notebook.name, ", ".join(keys)), send)


def prepare_untagging(
    client: AwsClient, notebook: Notebook, keys: Sequence[str]
) -> AbstractContextManager[PendingChange[[]]]:
    """The intent to remove tags, sent by ``send_change``; those that are not there are no trouble.

    Raises:
        Throttled, OutcomeUnknown, AwsError: from ``send_change`` inside the block, as AWS answers.
    """

    def send() -> object:
        return AwsWriter(client).call_once("sagemaker", "delete_tags", ResourceArn=notebook.arn, TagKeys=list(keys))

    return prepare_change(journal_action(client, NotebookAction.UNTAG, notebook.name, ", ".join(keys)), send)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
