"""What opskit may do to a notebook: make it, stop it, start it, tag it. Nothing here deletes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Generic, ParamSpec

from opskit.aws import Door
from opskit.decide.notebook_wish import NotebookWish
from opskit.left_running import Kind
from opskit.model import Notebook
from opskit.state.journal import DROPPED, Deed, Stopping, record

P = ParamSpec("P")

CREATE, STOP, START, TAG = "create notebook", "stop notebook", "start notebook", "tag notebook"
"""What the journal calls them; ``history`` measures from one to the other."""

_OWN_TAG = {"opskit:made-by": "opskit notebook create"}
"""On what opskit made, so that people see where it came from."""


@dataclass
class Intent(Generic[P]):
    """A change that stands in the journal and is not sent yet. Writing that down asks AWS who we are and may wait for
    another opskit's writing, so it comes before the last look; after that look nothing is left to do but ``send``.
    Where that look speaks against it, ``why_not`` takes the reason, and the journal says that it was dropped.
    """

    _send: Callable[P, object]
    is_sent: bool = False
    why_not: str = ""

    def send(self, *with_what: P.args, **named: P.kwargs) -> None:
        """Send the change once.

        Raises:
            Throttled: AWS asks to slow down; nothing changed, and after another look it may be sent again.
            OutcomeUnknown: the answer was lost.
            AwsFailure: AWS refused.
        """
        self._send(*with_what, **named)
        self.is_sent = True


def create(door: Door, wish: NotebookWish, role: str, because: str) -> None:
    """Make a notebook instance, which starts at once. Its name is unique: AWS refuses to make it twice.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    repository = {"DefaultCodeRepository": wish.git} if wish.git else {}
    with record(door, CREATE, wish.name, because, starts=Kind.NOTEBOOK):
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


def stop_intended(
    door: Door, notebook: Notebook, because: str, usd_per_hour: Decimal | None = None
) -> AbstractContextManager[Intent[[]]]:
    """The intent to stop a notebook instance; its files stay. Its price, in USD, is written down with it for
    ``history``; None: nobody knows it.
    """
    stop = Stopping(usd_per_hour, notebook.since)
    send = partial(door.send_once, "sagemaker", "stop_notebook_instance", NotebookInstanceName=notebook.name)
    return _intended(record(door, STOP, notebook.name, because, stop=stop), send)


def start_intended(door: Door, name: str) -> AbstractContextManager[Intent[[]]]:
    """The intent to start a notebook instance. AWS may refuse it, for a quota for example."""
    send = partial(door.send_once, "sagemaker", "start_notebook_instance", NotebookInstanceName=name)
    return _intended(record(door, START, name, "asked for", starts=Kind.NOTEBOOK), send)


def tag_intended(
    door: Door, notebook: Notebook, keys: Iterable[str]
) -> AbstractContextManager[Intent[[Mapping[str, str]]]]:
    """The intent to add tags of these keys, in place of those of the same key; they are sent with their values."""

    def send(tags: Mapping[str, str]) -> object:
        return door.send_once("sagemaker", "add_tags", ResourceArn=notebook.arn, Tags=_listed(tags))

    return _intended(record(door, TAG, notebook.name, ", ".join(keys)), send)


def untag_intended(door: Door, notebook: Notebook, keys: Sequence[str]) -> AbstractContextManager[Intent[[]]]:
    """The intent to remove tags; those that are not there are no trouble."""
    send = partial(door.send_once, "sagemaker", "delete_tags", ResourceArn=notebook.arn, TagKeys=list(keys))
    return _intended(record(door, "untag notebook", notebook.name, ", ".join(keys)), send)


@contextmanager
def _intended(recorded: AbstractContextManager[Deed], send: Callable[P, object]) -> Iterator[Intent[P]]:
    with recorded as deed:
        intent = Intent(send)
        yield intent
        if not intent.is_sent:
            deed.outcome, deed.detail = DROPPED, intent.why_not


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
