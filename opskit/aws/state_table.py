"""A DynamoDB table that holds opskit's own state. Only ``opskit.state`` uses it, and it writes nothing but items of
that table.

What is read here decides whether something is sent twice, so every read is strongly consistent, and is a Query, whose
answer says how many items there are: a GetItem that finds nothing answers with an empty object, and so does a broken
proxy. Every write asks for the consumed capacity for the same reason. A write carries an ID of its own: where its
response is lost, the item tells whether it has arrived, and it is sent again only under the condition that nothing has
changed there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

from opskit.aws import api_call
from opskit.aws.client import AwsClient, response_date
from opskit.aws.table_items import PARTITION, SORT, WRITE_ID, Item, ItemChanged, ItemKey, ItemLease, LeaseLost
from opskit.core.exceptions import AwsError, OutcomeUnknown, Throttled

_BATCH = 25
# From 0.05 s, doubled and with jitter, to at most 2 s: some 25 s in all. A table on demand doubles its capacity within
# minutes, and a burst is over sooner.
_TRIES = 17
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_CLOCK_SKEW_STEP = timedelta(seconds=5)
_CONFLICTS = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


@dataclass
class StateTable:
    """One table, by name or ARN, in one Region: that of the client, which is asked for when it is first needed.
    ``pause`` waits for seconds, ``local_clock`` tells this machine's time.

    Raises:
        AwsError: AWS refused a call or gave no response (all methods).
    """

    connect: Callable[[], AwsClient]
    name: str
    pause: Callable[[float], None] = time.sleep
    local_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _clock_skew: timedelta = field(default_factory=timedelta)

    @cached_property
    def client(self) -> AwsClient:
        """The client of the table's Region."""
        return self.connect()

    def clock_skew(self) -> timedelta:
        """By how much AWS's clock, which is one for all runners, is ahead of this machine's, as far as an answer has
        told; zero where that is no more than what an answer takes.
        """
        return self._clock_skew

    def query_items(self, partition: str, begins: str = "", *, newest_first: bool = False) -> Iterator[Item]:
        """The items of a partition whose sort key begins with a text, in the order of that key."""
        condition, values = f"{PARTITION} = :p", {":p": {"S": partition}}
        if begins:
            condition, values = f"{condition} AND begins_with({SORT}, :s)", {**values, ":s": {"S": begins}}
        params: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        for page in self.client.paginate("dynamodb", "query", **params):
            self._note_clock(page)
            yield from page["Items"]

    def scan_items(self, begins: str) -> Iterator[Item]:
        """The items whose partition key begins with a text. Reads, and is billed for, the whole table."""
        params = {
            "TableName": self.name,
            "ConsistentRead": True,
            "FilterExpression": f"begins_with({PARTITION}, :p)",
            "ExpressionAttributeValues": {":p": {"S": begins}},
        }
        for page in self.client.paginate("dynamodb", "scan", **params):
            yield from page["Items"]

    def find_item(self, key: ItemKey) -> Item | None:
        """One item; None: there is none."""
        items = self.query_items(key.partition, key.sort)
        return next((each for each in items if each[SORT]["S"] == key.sort), None)

    def put_item(self, key: ItemKey, attributes: Item, *, replaces: str | None, lease: ItemLease | None = None) -> str:
        """Write an item in place of the one that the write ``replaces`` has left (None: of none), once. Returns the
        write's ID.

        Raises:
            ItemChanged: something else is there.
            LeaseLost: the lease is somebody else's.
        """
        write_id = uuid4().hex
        item = {**attributes, **key.as_item(), WRITE_ID: {"S": write_id}}
        put = {"Item": item, **_write_condition(replaces)}
        return self._write_surely(key, write_id, replaces, lambda: self._send_put(put, lease, write_id), lease)

    def overwrite_item(self, key: ItemKey, attributes: Item, lease: ItemLease | None = None) -> None:
        """Write an item whatever is there.

        Raises:
            LeaseLost: the lease is somebody else's.
        """
        while True:
            found = self.find_item(key)
            try:
                self.put_item(key, attributes, replaces=found[WRITE_ID]["S"] if found else None, lease=lease)
            except ItemChanged:
                continue  # each time somebody else got through, so this ends
            return

    def delete_item(self, key: ItemKey, *, replaces: str) -> None:
        """Delete an item that the write ``replaces`` has left.

        Raises:
            ItemChanged: something else is there, or nothing.
        """

        def send() -> None:
            self._send("delete_item", Key=key.as_item(), **_write_condition(replaces))

        for attempt in range(_TRIES):
            try:
                self._repeat_throttled(send)
            except OutcomeUnknown:
                found = self.find_item(key)
                if found is None:
                    return  # gone, whoever did it: that is all that was wanted
                if found[WRITE_ID]["S"] != replaces:
                    raise ItemChanged from None
                self._wait_before(attempt + 1)
            else:
                return
        raise _still_unknown(self, "DeleteItem")

    def write_batch(self, puts: Mapping[ItemKey, Item], deletes: Sequence[ItemKey] = ()) -> None:
        """Write and delete items whatever is there, in any order. A batch that got no response is sent again: twice is
        as once.
        """
        requests: list[dict[str, Any]] = [{"DeleteRequest": {"Key": key.as_item()}} for key in deletes]
        requests += [
            {"PutRequest": {"Item": {**attributes, **key.as_item(), WRITE_ID: {"S": uuid4().hex}}}}
            for key, attributes in puts.items()
        ]
        attempt = 0
        while requests:
            batch, requests = requests[:_BATCH], requests[_BATCH:]
            try:
                left = self._send_batch(batch)
            except (OutcomeUnknown, Throttled):
                if attempt + 1 >= _TRIES:
                    raise
                left = batch
            # What DynamoDB has not taken of a batch it hands back, and asks to be sent again after a pause.
            attempt = attempt + 1 if len(left) == len(batch) else 0
            if left:
                if attempt >= _TRIES:
                    raise _still_unknown(self, "BatchWriteItem")
                self._wait_before(attempt + 1)
            requests = [*left, *requests]

    def next_number(self, key: ItemKey) -> int:
        """The next number of a counter. Where a response is lost a number is left out: each is given out once."""
        params = {
            "Key": key.as_item(),
            "UpdateExpression": "ADD #n :one",
            "ExpressionAttributeNames": {"#n": "number"},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "UPDATED_NEW",
        }
        for attempt in range(_TRIES):
            try:
                answer = self._repeat_throttled(lambda: self._send("update_item", **params))
            except OutcomeUnknown:
                self._wait_before(attempt + 1)
            else:
                return int(answer["Attributes"]["number"]["N"])
        raise _still_unknown(self, "UpdateItem")

    def describe_table(self) -> Mapping[str, Any]:
        """What DynamoDB says of the table."""
        described: Mapping[str, Any] = self.client.read("dynamodb", "describe_table", TableName=self.name)["Table"]
        return described

    def _write_surely(
        self,
        key: ItemKey,
        write_id: str,
        replaces: str | None,
        send: Callable[[], None],
        lease: ItemLease | None,
    ) -> str:
        for attempt in range(_TRIES):
            try:
                self._repeat_throttled(send)
            except LeaseLost:
                if _write_id(self.find_item(key)) == write_id:
                    return write_id  # an earlier try had arrived
                raise
            except (ItemChanged, OutcomeUnknown) as error:
                found = _write_id(self.find_item(key))
                if found == write_id:
                    return write_id
                if isinstance(error, ItemChanged) or found != replaces:
                    raise ItemChanged from None
                self._wait_before(attempt + 1)
            else:
                return write_id
        raise _still_unknown(self, "TransactWriteItems" if lease else "PutItem")

    def _send_put(self, put: dict[str, Any], lease: ItemLease | None, token: str) -> None:
        if lease is None:
            self._send("put_item", **put)
            return
        check = {
            "TableName": self.name,
            "Key": lease.key.as_item(),
            "ConditionExpression": "holder = :h",
            "ExpressionAttributeValues": {":h": {"S": lease.holder}},
        }
        writes = [{"ConditionCheck": check}, {"Put": {"TableName": self.name, **put}}]
        params = {"TransactItems": writes, "ClientRequestToken": token, "ReturnConsumedCapacity": "TOTAL"}
        self._send_params("transact_write_items", params)

    def _send_batch(self, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        params = {"RequestItems": {self.name: batch}, "ReturnConsumedCapacity": "TOTAL"}
        left: Mapping[str, list[dict[str, Any]]] = self._send_params("batch_write_item", params)["UnprocessedItems"]
        return [request for requests in left.values() for request in requests]

    def _send(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._send_params(operation, {"TableName": self.name, "ReturnConsumedCapacity": "TOTAL", **params})

    def _send_params(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        session, region = self.client.session, self.client.region
        try:
            answer = api_call.send_call(session, region, "dynamodb", operation, params, writes=True)
        except AwsError as error:
            raise _condition_error(error) from error
        self._note_clock(answer)
        return answer

    def _repeat_throttled(self, send: Callable[[], Any]) -> Any:
        for attempt in range(_TRIES):
            try:
                return send()
            except Throttled:
                if attempt + 1 == _TRIES:
                    raise
                self._wait_before(attempt + 1)
        raise AssertionError("unreachable")

    def _wait_before(self, attempt: int) -> None:
        self.pause(min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.5, 1.0))

    def _note_clock(self, answer: Mapping[str, Any]) -> None:
        given = response_date(answer)
        if given is None:
            return  # a stand-in without a Date: then this machine's clock is as good as any
        skew = given - self.local_clock()
        # A Date is cut to the second and arrives late, and times must not jump back from answer to answer.
        if abs(skew - self._clock_skew) > _CLOCK_SKEW_STEP:
            self._clock_skew = skew


def _write_condition(replaces: str | None) -> dict[str, Any]:
    if replaces is None:
        return {"ConditionExpression": f"attribute_not_exists({PARTITION})"}
    return {
        "ConditionExpression": f"{WRITE_ID} = :w",
        "ExpressionAttributeValues": {":w": {"S": replaces}},
    }


def _write_id(item: Item | None) -> str | None:
    return None if item is None else str(item[WRITE_ID]["S"])


def _condition_error(error: AwsError) -> Exception:
    """What DynamoDB's word on a condition means. A transaction names the reason of each of its parts, in their order:
    ours has the lease first.
    """
    if error.aws_code == "ConditionalCheckFailedException":
        return ItemChanged()
    if error.aws_code == "TransactionConflictException":
        return Throttled("throttled", str(error), operation=error.operation, transient=True)
    if error.aws_code != "TransactionCanceledException":
        return error
    reasons = error.aws_message.partition("[")[2].rstrip("] ").split(", ")
    if any(reason in _CONFLICTS for reason in reasons):
        return Throttled("throttled", str(error), operation=error.operation, transient=True)
    if reasons[0] == "ConditionalCheckFailed":
        return LeaseLost()
    return ItemChanged() if "ConditionalCheckFailed" in reasons else error


def _still_unknown(table: StateTable, operation: str) -> AwsError:
    text = (
        f"dynamodb:{operation} on {table.name} in {table.client.region} was sent again and again, without a response."
    )
    return OutcomeUnknown("outcome-unknown", text, "Look at the table's throttling in CloudWatch.")
