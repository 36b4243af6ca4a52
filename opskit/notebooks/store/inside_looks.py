"""What opskit's looks inside notebooks moved there, kept so that it is not taken for somebody's work, and which
terminals of theirs may still be open. A look is written down before its terminal is asked for, so it may be killed at
any moment.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opskit.aws.client import AwsClient
from opskit.core.model import Notebook
from opskit.notebooks.rules.own_traces import PastLook
from opskit.state.home import state_home
from opskit.state.paths import state_errors
from opskit.state.records import Record, RecordTable, change_record, discard_records

# Whoever looks less often than that begins anew: a notebook's activity then looks younger than it is.
_KEPT_FOR = timedelta(days=30)


INSIDE_TABLE = RecordTable(
    name="looks_inside",
    file="inside.sqlite",
    schema=(
        # Of an opskit that took what it found in the server's last activity right after a look for the look's own.
        "DROP TABLE IF EXISTS inside_looks",
        """CREATE TABLE IF NOT EXISTS looks_inside (
    endpoint TEXT NOT NULL, notebook TEXT NOT NULL, asked_for TEXT NOT NULL, asked_at TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT, terminal TEXT, others TEXT NOT NULL,
    is_typed INTEGER NOT NULL DEFAULT 0, is_shut INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (endpoint, notebook, asked_for)
)""",
    ),
    columns=(
        *("endpoint", "notebook", "asked_for", "asked_at", "before", "after", "terminal", "others"),
        *("is_typed", "is_shut"),
    ),
    key=("endpoint", "notebook", "asked_for"),
    partition=2,
    numbers={"is_typed": int, "is_shut": int},
    kept_for=_KEPT_FOR,
)


def load_looks(client: AwsClient, notebook: Notebook) -> tuple[PastLook, ...]:
    """The looks inside a notebook of the last month, the youngest first.

    Raises:
        UsageError: the state cannot be used.
    """
    with state_errors():
        place = (client.session.endpoint_id(), notebook.arn)
        records = [each.record for each in state_home().records.read_records(INSIDE_TABLE, *place)]
    youngest_first = sorted(records, key=lambda row: str(row["asked_at"]), reverse=True)
    return tuple(_parse_look(row) for row in youngest_first[:100])


@dataclass
class LookNotes:
    """Writes down one look inside, step by step. ``asked_for`` is the name its terminal is asked for under, ``left``
    the server's last activity that the look itself caused, once that is known.

    Raises:
        UsageError: the state cannot be used (all methods).
    """

    client: AwsClient
    notebook: Notebook
    asked_for: str
    left: datetime | None = None

    def past_looks(self) -> tuple[PastLook, ...]:
        """The looks inside this notebook of the last month, the youngest first.

        Raises:
            UsageError: the state cannot be used.
        """
        return load_looks(self.client, self.notebook)

    def begin_look(self, look: PastLook) -> None:
        """Write a look down before its terminal is asked for, so that a killed run's terminal is known for opskit's.

        Raises:
            UsageError: the state cannot be used.
        """
        endpoint, notebook, asked_for = self._key()
        record: Record = {
            "endpoint": endpoint,
            "notebook": notebook,
            "asked_for": asked_for,
            "asked_at": _format_time(look.asked_at),
            "before": _format_time(look.before),
            "after": None,
            "terminal": None,
            "others": json.dumps(sorted(look.others)),
            "is_typed": 0,
            "is_shut": 0,
        }
        with state_errors():
            home, oldest = state_home().records, _format_time(look.asked_at - _KEPT_FOR)
            there = home.read_records(INSIDE_TABLE, endpoint, notebook)
            discard_records(home, INSIDE_TABLE, [each for each in there if str(each.record["asked_at"]) < oldest])
            home.write_record(INSIDE_TABLE, record, None)

    def keep_terminal(self, name: str) -> None:
        """The name that Jupyter gave its terminal. Those of earlier looks that had the name are gone."""
        self.mark_others_shut([name])
        self._update("terminal", name)

    def mark_others_shut(self, names: Collection[str]) -> None:
        """The terminals with these names, of whichever look, are gone."""
        with state_errors():
            home, place = state_home().records, self._key()[:2]
            for each in home.read_records(INSIDE_TABLE, *place):
                if {each.record["terminal"], each.record["asked_for"]} & set(names):
                    key = INSIDE_TABLE.key_of(each.record)
                    change_record(home, INSIDE_TABLE, key, lambda row: {**row, "is_shut": 1})

    def mark_typed(self) -> None:
        """Write down that the command may have been typed, before it is: its terminal then ends by itself.

        Raises:
            UsageError: the state cannot be used.
        """
        self._update("is_typed", 1)

    def mark_shut(self) -> None:
        """Write down that the look's terminal is gone.

        Raises:
            UsageError: the state cannot be used.
        """
        self._update("is_shut", 1)

    def end_look(self, after: datetime) -> None:
        """Write down the server's last activity that the look itself caused, by Jupyter's clock.

        Raises:
            UsageError: the state cannot be used.
        """
        self.left = after
        self._update("after", _format_time(after))

    def _update(self, column: str, value: str | int) -> None:
        with state_errors():
            change_record(state_home().records, INSIDE_TABLE, self._key(), lambda row: {**row, column: value})

    def _key(self) -> tuple[str, str, str]:
        return self.client.session.endpoint_id(), self.notebook.arn, self.asked_for


def _format_time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _parse_look(row: Record) -> PastLook:
    after, terminal = row["after"], row["terminal"]
    return PastLook(
        asked_at=datetime.fromisoformat(str(row["asked_at"])),
        before=datetime.fromisoformat(str(row["before"])),
        after=datetime.fromisoformat(str(after)) if after else None,
        terminal=None if terminal is None else str(terminal),
        others=frozenset(json.loads(str(row["others"]))),
        is_shut=bool(row["is_shut"]),
        asked_for=str(row["asked_for"]),
        is_typed=bool(row["is_typed"]),
    )
