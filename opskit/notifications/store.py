"""Remembers the graces that began and of which nobody has heard yet, so that the next run makes good what could not be
delivered, or what a run was killed over.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from opskit.state.home import state_home
from opskit.state.records import Record, RecordChanged, RecordTable, change_record, discard_records

# A delivery has ten seconds. Whoever claimed a grace for longer has died over it.
CLAIM_SECONDS = 60.0
# A grace of which somebody has heard stays claimed until the year 9999: a run that has still to note it, or sees it
# under way, finds that there is nothing to tell. Older versions read it as a claim too.
_NOTIFIED = 253_402_300_799.0
# Nobody needs to hear of a grace that has been over for so long.
_KEPT_FOR = timedelta(days=1)


GRACES_TABLE = RecordTable(
    name="untold_graces",
    file="graces.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS untold_graces (
    account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL, stops_at TEXT NOT NULL, claimed_at REAL,
    PRIMARY KEY (account, region, name, stops_at)
)""",
    ),
    columns=("account", "region", "name", "stops_at", "claimed_at"),
    key=("account", "region", "name", "stops_at"),
    partition=2,
    numbers={"claimed_at": float},
    kept_for=_KEPT_FOR,
)


def note_new_grace(notebook: Mapping[str, Any]) -> bool:
    """Remember that a grace begins of which nobody has heard, unless that is remembered already, or somebody has.
    False: it cannot be remembered; then it is to be told all the same, and nobody tries a second time.
    """
    key, home = _grace_key(notebook), state_home()
    with suppress(OSError, sqlite3.Error):
        old = (home.clock_now() - _KEPT_FOR).astimezone(UTC).isoformat(timespec="seconds")
        there = home.records.read_records(GRACES_TABLE, *key[:2])
        discard_records(home.records, GRACES_TABLE, [each for each in there if str(each.record["stops_at"]) < old])
        with suppress(RecordChanged):  # it is there
            home.records.write_record(GRACES_TABLE, _grace_record(key, None), None)
        return True
    return False


def claim_grace_notice(notebook: Mapping[str, Any]) -> bool:
    """Whether nobody has heard of the grace that this notebook is in, nor is being told by another run. Of several runs
    that ask at once, one may tell.
    """
    key, home = _grace_key(notebook), state_home()
    with suppress(OSError, sqlite3.Error):
        for each in home.records.read_records(GRACES_TABLE, *key):
            # By the clock of the home, since the run that claimed it may be on a machine whose clock is off; read
            # after the home's answer, which is the first to tell how late it is.
            now = home.clock_now().timestamp()
            claimed = each.record["claimed_at"]
            if claimed is None or float(claimed) < now - CLAIM_SECONDS:
                with suppress(RecordChanged):  # another run claims it at this moment
                    home.records.write_record(GRACES_TABLE, _grace_record(key, now), each)
                    return True
    return False


def mark_grace_notified(notebook: Mapping[str, Any]) -> None:
    """Somebody has heard of it."""
    with suppress(OSError, sqlite3.Error):
        state_home().records.put_records(GRACES_TABLE, [_grace_record(_grace_key(notebook), _NOTIFIED)])


def release_grace(notebook: Mapping[str, Any]) -> None:
    """Nobody has heard of it: the next run may tell."""
    key = _grace_key(notebook)
    with suppress(OSError, sqlite3.Error):
        change_record(state_home().records, GRACES_TABLE, key, lambda _: _grace_record(key, None))


def _grace_record(key: tuple[str, str, str, str], claimed_at: float | None) -> Record:
    return {**dict(zip(GRACES_TABLE.key, key, strict=True)), "claimed_at": claimed_at}


def _named(row: Mapping[str, Any]) -> str:
    """Its name, with its kind where that is not a notebook: both may have the same name."""
    kind = str(row.get("kind") or "notebook")
    return str(row["name"]) if kind == "notebook" else f"{kind} {row['name']}"


def _grace_key(notebook: Mapping[str, Any]) -> tuple[str, str, str, str]:
    stops_at = datetime.fromisoformat(str(notebook["stops_at"])).astimezone(UTC)
    place = (str(notebook.get("account") or ""), str(notebook["region"]), _named(notebook))
    return (*place, stops_at.isoformat(timespec="seconds"))
