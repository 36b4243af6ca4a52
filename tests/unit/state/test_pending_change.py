"""A change that is written down before it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from opskit.state.journal import ActionRecord, prepare_change


@contextmanager
def _recorded(record: ActionRecord) -> Iterator[ActionRecord]:
    yield record


@pytest.mark.parametrize("sends", [True, False])
def test_prepare_change_knows_whether_an_interrupted_change_was_sent(sends: bool) -> None:
    record = ActionRecord()

    def interrupted_send() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), prepare_change(_recorded(record), interrupted_send) as pending:
        if sends:
            pending.send_change()
        raise KeyboardInterrupt
    assert record.was_sent is sends
