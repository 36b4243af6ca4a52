"""CloudTrail's event history: the SageMaker requests that the sandbox has seen and that change something, who sent
them, and how they ended. An event is told some seconds after its call.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from werkzeug.wrappers import Request

from opskit.sandbox.account.caller_identity import caller_arn
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import ApiError
from opskit.sandbox.lag import LaggingRead
from opskit.sandbox.list_responses import parse_api_timestamp
from opskit.sandbox.pagination import cut_page
from opskit.sandbox.state import AccountRegion, ApiCall, SandboxState

_PAGE_SIZE = 50
# So many of an account and Region are kept.
_MAX_EVENTS = 10_000
_READS = ("Describe", "List", "Get", "Search", "Invoke")
_BAD_TOKEN = ApiError("InvalidNextTokenException", "The token is not valid for this request.")


@dataclass(frozen=True)
class _Event:
    id: str
    name: str
    time: datetime
    told_from: datetime
    caller: str
    source: str
    text: str

    def meets(self, attribute: Mapping[str, str]) -> bool:
        """Whether it has the value that LookupEvents is asked for; what is not kept nothing has."""
        kept = {
            "EventName": self.name,
            "EventSource": self.source,
            "EventId": self.id,
            "Username": _user_of(self.caller),
        }
        kept["ReadOnly"] = "false"
        return kept.get(attribute["AttributeKey"]) == attribute["AttributeValue"]


@dataclass
class EventHistory:
    """LookupEvents over what was called."""

    _state: SandboxState
    _events: dict[AccountRegion, deque[_Event]] = field(default_factory=dict)

    def record_call(self, request: Request, call: ApiCall, error: ApiError | None) -> None:
        """Keep a call of SageMaker's that changes something, also one that was refused."""
        if call.service != "sagemaker" or call.operation.startswith(_READS):
            return
        now, caller, event_id = self._state.now(), caller_arn(request), str(uuid4())
        told_from = now + self._state.lag.delay(LaggingRead.EVENT_HISTORY, event_id)
        text = json.dumps(_event_record(call, caller, now, event_id, error), default=str)
        event = _Event(event_id, call.operation, now, told_from, caller, "sagemaker.amazonaws.com", text)
        self._events.setdefault(call.account_region, deque(maxlen=_MAX_EVENTS)).appendleft(event)

    @aws_operation("cloudtrail", "LookupEvents")
    def lookup_events(self, call: ApiCall) -> dict[str, Any]:
        now, attributes = self._state.now(), call.params.get("LookupAttributes", [])
        start, end = call.params.get("StartTime"), call.params.get("EndTime")
        found = [
            event
            for event in tuple(self._events.get(call.account_region, ()))
            if event.told_from <= now
            and all(map(event.meets, attributes))
            and (start is None or event.time >= parse_api_timestamp(start))
            and (end is None or event.time <= parse_api_timestamp(end))
        ]
        page, token = cut_page(call, found, _PAGE_SIZE, _BAD_TOKEN)
        return {"Events": [_event_summary(event) for event in page], "NextToken": token}


def _user_of(arn: str) -> str:
    return arn.rpartition("/")[2]


def _event_summary(event: _Event) -> dict[str, Any]:
    return {
        "EventId": event.id,
        "EventName": event.name,
        "ReadOnly": "false",
        "EventTime": event.time,
        "EventSource": event.source,
        "Username": _user_of(event.caller),
        "Resources": [],
        "CloudTrailEvent": event.text,
    }


def _event_record(call: ApiCall, caller: str, now: datetime, event_id: str, error: ApiError | None) -> dict[str, Any]:
    """The event in full, which AWS embeds as text."""
    is_session = ":assumed-role/" in caller
    refused = {} if error is None else {"errorCode": error.code, "errorMessage": error.message}
    return {
        "eventVersion": "1.10",
        "userIdentity": {
            "type": "AssumedRole" if is_session else "IAMUser",
            "arn": caller,
            "accountId": call.account_region.account,
        },
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": "sagemaker.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": call.account_region.region,
        "requestParameters": _in_camel_case(call.params),
        "eventID": event_id,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        **refused,
    }


def _in_camel_case(value: Any) -> Any:
    """The names of members as CloudTrail writes them: endpointName."""
    match value:
        case dict():
            return {f"{name[:1].lower()}{name[1:]}": _in_camel_case(item) for name, item in value.items()}
        case list():
            return [_in_camel_case(item) for item in value]
        case _:
            return value
