"""A change that is written down before the last look at what it changes, and sent after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Generic, ParamSpec

from opskit.state.journal import DROPPED, ActionRecord

P = ParamSpec("P")


@dataclass
class PendingChange(Generic[P]):
    """A change that stands in the journal and is not sent yet. Writing that down asks AWS who we are and may wait
    for another opskit's writing, so it comes before the last look; after that look nothing is left to do but
    ``send_change``. Where that look speaks against it, ``error`` takes the reason, and the journal says that it was
    dropped.
    """

    _send: Callable[P, object]
    is_sent: bool = False
    error: str = ""

    def send_change(self, *with_what: P.args, **named: P.kwargs) -> None:
        """Send the change once.

        Raises:
            Throttled: AWS asks to slow down; nothing changed, and after another look it may be sent again.
            OutcomeUnknown: the answer was lost.
            AwsError: AWS refused.
        """
        self._send(*with_what, **named)
        self.is_sent = True


@contextmanager
def prepare_change(
    recorded: AbstractContextManager[ActionRecord], send: Callable[P, object]
) -> Iterator[PendingChange[P]]:
    """A change for as long as the block lasts, at whose end the journal learns what became of it."""
    with recorded as record:
        intent = PendingChange(send)
        yield intent
        if not intent.is_sent:
            record.outcome, record.detail = DROPPED, intent.error
