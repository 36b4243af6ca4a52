"""What opskit may do to a notebook: make it, stop it, start it, tag it. Nothing here deletes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from opskit.aws import Door
from opskit.decide.notebook_wish import NotebookWish
from opskit.model import Notebook
from opskit.state.journal import Stopping, record

CREATE, STOP, START = "create notebook", "stop notebook", "start notebook"
"""What the journal calls them; ``history`` measures from one to the other."""

_OWN_TAG = {"opskit:made-by": "opskit notebook create"}
"""On what opskit made, so that people see where it came from."""


def create(door: Door, wish: NotebookWish, role: str, because: str) -> None:
    """Make a notebook instance, which starts at once. Its name is unique: AWS refuses to make it twice.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    repository = {"DefaultCodeRepository": wish.git} if wish.git else {}
    with record(door, CREATE, wish.name, because):
        door.write(
            "sagemaker",
            "create_notebook_instance",
            NotebookInstanceName=wish.name,
            InstanceType=wish.instance_type,
            RoleArn=role,
            VolumeSizeInGB=wish.volume_gb,
            Tags=_listed({**_OWN_TAG, **wish.tags}),
            **repository,
        )


def stop(door: Door, notebook: Notebook, because: str, usd_per_hour: Decimal | None = None) -> None:
    """Stop a notebook instance; its files stay. Its price, in USD, is written down with it for ``history``; None:
    nobody knows it.

    Raises:
        OutcomeUnknown: the answer was lost.
        AwsFailure: AWS refused.
    """
    with record(door, STOP, notebook.name, because, stop=Stopping(usd_per_hour, notebook.since)):
        door.write("sagemaker", "stop_notebook_instance", NotebookInstanceName=notebook.name)


def start(door: Door, name: str) -> None:
    """Start a notebook instance.

    Raises:
        OutcomeUnknown: the answer was lost.
        AwsFailure: AWS refused, for a quota for example.
    """
    with record(door, START, name, "asked for"):
        door.write("sagemaker", "start_notebook_instance", NotebookInstanceName=name)


def tag(door: Door, notebook: Notebook, tags: dict[str, str]) -> None:
    """Add tags, in place of those of the same key.

    Raises:
        AwsFailure: AWS refused.
    """
    with record(door, "tag notebook", notebook.name, ", ".join(tags)):
        door.write("sagemaker", "add_tags", ResourceArn=notebook.arn, Tags=_listed(tags))


def untag(door: Door, notebook: Notebook, keys: list[str]) -> None:
    """Remove tags; those that are not there are no trouble.

    Raises:
        AwsFailure: AWS refused.
    """
    with record(door, "untag notebook", notebook.name, ", ".join(keys)):
        door.write("sagemaker", "delete_tags", ResourceArn=notebook.arn, TagKeys=keys)


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
