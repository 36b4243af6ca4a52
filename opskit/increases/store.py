"""Stores increases that are queued, that were sent with unknown outcome, or that were filed recently; and the state of
each request at the last listing, so that the next one can show what has changed.

An attempt is recorded before it is sent: whatever happens then, the next run looks it up before it sends anything.
Filed requests are kept for a day, because AWS lists them late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from opskit.aws.client import AwsClient
from opskit.core.exceptions import UsageError
from opskit.core.model import Workload
from opskit.core.redaction import redact_secrets
from opskit.state.home import state_home
from opskit.state.paths import account_key, state_errors
from opskit.state.records import (
    HeldLock,
    Record,
    RecordChanged,
    RecordStore,
    RecordTable,
    StoredRecord,
    discard_records,
)

QUEUE_TABLE = RecordTable(
    name="asked",
    file="queue.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS asked (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL, quota_name TEXT NOT NULL,
    instance_type TEXT, usage TEXT NOT NULL, desired REAL NOT NULL, via TEXT NOT NULL, why TEXT NOT NULL,
    standing TEXT NOT NULL, since TEXT NOT NULL, known TEXT NOT NULL, id TEXT,
    PRIMARY KEY (endpoint, account, region, quota_name, desired)
)""",
    ),
    columns=(
        *("endpoint", "account", "region", "quota_name", "instance_type", "usage", "desired", "via", "why"),
        *("standing", "since", "known", "id"),
    ),
    key=("endpoint", "account", "region", "quota_name", "desired"),
    partition=2,
    numbers={"desired": float},
)
# AWS was seen to list a request late; after a day it is in the list, or was never taken.
_FILED_COUNTS_FOR = timedelta(days=1)
_SENT_TWICE = "a request could be sent twice"


class QueueState(StrEnum):
    """Why a request is stored: it was put off, it was sent with unknown outcome, or AWS has accepted it."""

    QUEUED = "queued"
    ATTEMPTED = "attempted"
    FILED = "filed"

    @property
    def waits(self) -> bool:
        """Whether it is not decided yet."""
        match self:
            case QueueState.QUEUED | QueueState.ATTEMPTED:
                return True
            case QueueState.FILED:
                return False

    @property
    def may_have_arrived(self) -> bool:
        """Whether AWS may have it, and has not said so."""
        match self:
            case QueueState.ATTEMPTED:
                return True
            case QueueState.QUEUED | QueueState.FILED:
                return False

    @property
    def was_not_sent(self) -> bool:
        """Whether AWS certainly does not have it."""
        match self:
            case QueueState.QUEUED:
                return True
            case QueueState.ATTEMPTED | QueueState.FILED:
                return False


_FILED = frozenset(state.value for state in QueueState if not state.waits)
_NOT_SENT = frozenset(state.value for state in QueueState if state.was_not_sent)
MAY_HAVE_ARRIVED = frozenset(state.value for state in QueueState if state.may_have_arrived)
"""The same as records have them, of whichever opskit they are."""


@dataclass(frozen=True)
class QueuedRequest:
    """One stored request. ``channel`` is how to request it; ``since`` when it was queued, sent or filed; ``known_ids``
    are the IDs of the requests that existed before; ``id`` is AWS's ID; None: AWS has given none. ``instance_type``
    None: an account-wide total.
    """

    region: str
    quota_name: str
    instance_type: str | None
    workload: Workload
    desired_value: float
    channel: str
    why: str
    state: QueueState
    since: datetime
    known_ids: frozenset[str] = frozenset()
    id: str | None = None


def upsert_queued(client: AwsClient, request: QueuedRequest, lock: HeldLock | None = None) -> None:
    """Store a request, replacing one for the same quota and value. ``lock``: only while this run holds it. Without it
    an attempt stays one, which waits too: another run may be sending it at this moment.

    Raises:
        UsageError: the state cannot be used, or another run holds the lock.
        AwsError: STS could not be read.
    """
    endpoint, account = account_key(client)
    record: Record = {
        "endpoint": endpoint,
        "account": account,
        "region": request.region,
        "quota_name": request.quota_name,
        "instance_type": request.instance_type,
        "usage": request.workload.value,
        "desired": request.desired_value,
        "via": str(request.channel),
        "why": redact_secrets(request.why),
        "standing": request.state.value,
        "since": request.since.astimezone(UTC).isoformat(),
        "known": " ".join(sorted(request.known_ids)),
        "id": request.id,
    }
    with state_errors(_SENT_TWICE):
        home = state_home().records
        stored = home.read_records(QUEUE_TABLE, endpoint, account)
        _write_queued(home, record, stored, lock)
        old = (request.since - _FILED_COUNTS_FOR).astimezone(UTC).isoformat()
        discard_records(
            home,
            QUEUE_TABLE,
            [each for each in stored if each.record["standing"] in _FILED and str(each.record["since"]) < old],
        )


def _write_queued(home: RecordStore, record: Record, stored: list[StoredRecord], lock: HeldLock | None) -> None:
    key = QUEUE_TABLE.key_of(record)
    while True:
        before = next((each for each in stored if QUEUE_TABLE.key_of(each.record) == key), None)
        if before and lock is None and _hides_attempt(record, before.record):
            return
        # Another run wrote meanwhile: read again, and compare with what is there now.
        with suppress(RecordChanged):
            home.write_record(QUEUE_TABLE, record, before, lock)
            return
        stored = home.read_records(QUEUE_TABLE, *key)


def _hides_attempt(record: Record, before: Record) -> bool:
    """Whether a record that was only put off would take the place of one that may be at AWS."""
    # The attempt says that something may have arrived; a queued one would send it again.
    return before["standing"] in MAY_HAVE_ARRIVED and record["standing"] in _NOT_SENT


def delete_queued_range(client: AwsClient, quota_name: str, least: float, most: float) -> None:
    """Delete a quota's requests for values from ``least`` to ``most`` in the client's Region, except filed ones, which
    are kept for their day.

    Raises:
        UsageError: the state cannot be used.
        AwsError: STS could not be read.
    """
    with state_errors(_SENT_TWICE):
        home = state_home().records
        discard_records(
            home,
            QUEUE_TABLE,
            [
                each
                for each in home.read_records(QUEUE_TABLE, *account_key(client), client.region, quota_name)
                if least <= float(each.record["desired"] or 0) <= most and each.record["standing"] not in _FILED
            ],
        )


def pending_requests(client: AwsClient) -> tuple[QueuedRequest, ...]:
    """The undecided requests in all Regions of the client's account, oldest first.

    Raises:
        UsageError: the state cannot be used.
        AwsError: STS could not be read.
    """
    return tuple(request for request in _read_queue(client) if request.state.waits)


def submitted_requests(client: AwsClient, quota_name: str, now: datetime) -> tuple[QueuedRequest, ...]:
    """The requests for a quota in the client's Region that AWS may have, latest first: their outcome is unknown, or AWS
    accepted them within the last day.

    Raises:
        UsageError: the state cannot be used.
        AwsError: STS could not be read.
    """
    matching = [
        request
        for request in _read_queue(client)
        if (request.region, request.quota_name) == (client.region, quota_name)
    ]
    return tuple(request for request in reversed(matching) if _may_be_at_aws(request, now))


def _may_be_at_aws(request: QueuedRequest, now: datetime) -> bool:
    match request.state:
        case QueueState.QUEUED:
            return False
        case QueueState.ATTEMPTED:
            return True
        case QueueState.FILED:
            return now - request.since < _FILED_COUNTS_FOR


def _read_queue(client: AwsClient) -> list[QueuedRequest]:
    with state_errors(_SENT_TWICE):
        records = state_home().records.read_records(QUEUE_TABLE, *account_key(client))
    requests = [_parse_queued(each.record) for each in records]
    return sorted(requests, key=lambda request: (request.since.astimezone(UTC).isoformat(), request.quota_name))


def _parse_queued(row: Record) -> QueuedRequest:
    """A request of the queue.

    Raises:
        UsageError: a newer opskit has written it, in words that mean nothing here: what it waits for is not known.
    """
    usage, standing = row["usage"], row["standing"]
    if usage not in list(Workload) or standing not in list(QueueState):
        text = f"The queue holds a request of a newer opskit ({usage}, {standing}) that this one cannot read."
        raise UsageError("queue-newer", text, "Run the newer opskit, or install it here.")
    instance_type, id = row["instance_type"], row["id"]
    return QueuedRequest(
        region=str(row["region"]),
        quota_name=str(row["quota_name"]),
        instance_type=None if instance_type is None else str(instance_type),
        workload=Workload(str(usage)),
        desired_value=float(row["desired"] or 0),
        channel=str(row["via"]),
        why=str(row["why"]),
        state=QueueState(str(standing)),
        since=datetime.fromisoformat(str(row["since"])),
        known_ids=frozenset(str(row["known"]).split()),
        id=None if id is None else str(id),
    )


LOOKS_TABLE = RecordTable(
    name="looks",
    file="looks.sqlite",
    schema=(
        """CREATE TABLE IF NOT EXISTS looks (
    endpoint TEXT NOT NULL, account TEXT NOT NULL, request TEXT NOT NULL, status TEXT NOT NULL, value REAL,
    looked TEXT NOT NULL, PRIMARY KEY (endpoint, account, request)
)""",
    ),
    columns=("endpoint", "account", "request", "status", "value", "looked"),
    key=("endpoint", "account", "request"),
    partition=2,
    numbers={"value": float},
    kept_for=timedelta(days=400),  # AWS lists requests for 90 days
)


@dataclass(frozen=True)
class RequestSnapshot:
    """A request as it was read: its status in AWS's word, the last effective ``value`` that was known (None: none was),
    and the time.
    """

    request: str
    status: str
    value: float | None
    seen_at: datetime


def load_snapshots(client: AwsClient) -> Mapping[str, RequestSnapshot]:
    """The last snapshot of each request of the client's account, by request ID.

    Raises:
        UsageError: the state cannot be used.
        AwsError: STS could not be read.
    """
    with state_errors(_SENT_TWICE):
        rows = [each.record for each in state_home().records.read_records(LOOKS_TABLE, *account_key(client))]
    return {str(row["request"]): _parse_snapshot(row) for row in rows}


def _parse_snapshot(row: Record) -> RequestSnapshot:
    value = None if row["value"] is None else float(row["value"])
    return RequestSnapshot(str(row["request"]), str(row["status"]), value, datetime.fromisoformat(str(row["looked"])))


def save_snapshots(client: AwsClient, snapshots: Iterable[RequestSnapshot]) -> None:
    """Store snapshots for the next listing.

    Raises:
        UsageError: the state cannot be used.
        AwsError: STS could not be read.
    """
    endpoint, account = account_key(client)
    rows: list[Record] = [
        {
            "endpoint": endpoint,
            "account": account,
            "request": snapshot.request,
            "status": snapshot.status,
            "value": snapshot.value,
            "looked": snapshot.seen_at.astimezone(UTC).isoformat(),
        }
        for snapshot in snapshots
    ]
    with state_errors(_SENT_TWICE):
        state_home().records.put_records(LOOKS_TABLE, rows)
