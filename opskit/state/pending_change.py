"""A change that is recorded in the journal before the last read of its subject, and sent right after that read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Generic, ParamSpec

from opskit.core.exceptions import Throttled
from opskit.state.journal import DROPPED, ActionRecord

P = ParamSpec("P")


@dataclass
class PendingChange(Generic[P]):
    """A change that is in the journal and not sent yet.

    Recording it asks STS for the identity and may wait for another opskit's write, so it comes before the last read;
    after that read only ``send_change`` is left to do. If the read speaks against the change, ``error`` takes the
    reason, and the journal records it as dropped.
    """

    _send: Callable[P, object]
    is_sent: bool = False
    is_begun: bool = False
    error: str = ""

    def send_change(self, *with_what: P.args, **named: P.kwargs) -> None:
        """Send the change once.

        Raises:
            Throttled: AWS throttled it; nothing changed, and after another read it may be sent again.
            OutcomeUnknown: the response was lost.
            AwsError: AWS refused.
        """
        self.is_begun = True
        try:
            self._send(*with_what, **named)
        except Throttled:
            self.is_begun = self.is_sent  # AWS took nothing of this one
            raise
        self.is_sent = True


@contextmanager
def prepare_change(
    recorded: AbstractContextManager[ActionRecord], send: Callable[P, object]
) -> Iterator[PendingChange[P]]:
    """A pending change for the duration of the block; at its end the outcome is recorded."""
    with recorded as record:
        pending = PendingChange(send)
        try:
            yield pending
        except KeyboardInterrupt:
            # Begun is enough: Ctrl-C may come between the sending and the answer.
            record.was_sent = pending.is_begun
            raise
        if not pending.is_sent:
            record.outcome, record.detail = DROPPED, pending.error
