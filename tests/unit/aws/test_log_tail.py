"""The last lines of the log of what failed: of all its instances, in order, waited for, without secrets."""

from __future__ import annotations

from datetime import UTC, datetime

from opskit.aws.log_tail import LAST_LINES, read_log_tail
from opskit.core.clock import Clock
from opskit.core.model import Unknown
from tests.fakes.stubbed_client import stubbed_client

GROUP = "/aws/sagemaker/Endpoints/e"
BACK = {"nextForwardToken": "f", "nextBackwardToken": "b"}


def counting_clock(slept: list[float]) -> Clock:
    """A clock that only notes how long it was to sleep."""
    return Clock(lambda: datetime(2026, 5, 1, tzinfo=UTC), slept.append)


def event(at: int, text: str) -> dict[str, object]:
    return {"timestamp": at, "message": text}


def test_lines_of_all_instances_are_in_order_and_without_secrets() -> None:
    url = "https://n.notebook.us-east-1.sagemaker.aws?authToken=eyJhbGciOiJIUzI1NiJ9"
    with stubbed_client() as (client, script):
        streams = [{"logStreamName": f"v/i-{number}", "creationTime": number} for number in (9, 1)]
        script.add_answer("logs", "describe_log_streams", {"logStreams": streams}, {"logGroupName": GROUP})
        first = {"logGroupName": GROUP, "logStreamName": "v/i-1", "limit": LAST_LINES, "startFromHead": False}
        script.add_answer("logs", "get_log_events", {"events": [], **BACK}, first)  # on its way back
        lines = [event(at, f"line#011{at}\n") for at in range(0, 20, 2)]
        script.add_answer("logs", "get_log_events", {"events": lines, **BACK}, {**first, "nextToken": "b"})
        script.add_answer("logs", "get_log_events", {"events": [event(17, f"GET {url}")], **BACK})
        tail = read_log_tail(client, GROUP, "", counting_clock([]))
        script.assert_done()
    assert not isinstance(tail.lines, Unknown)
    assert len(tail.lines) == LAST_LINES
    assert tail.lines[-3:] == ("line\t16", tail.lines[-2], "line\t18")
    assert tail.lines[-2].startswith("GET https://n.notebook")
    assert "eyJhbG" not in tail.lines[-2]


def test_lines_that_come_late_are_waited_for() -> None:
    slept: list[float] = []
    with stubbed_client() as (client, script):
        script.add_refusal("logs", "describe_log_streams", "ResourceNotFoundException", "no group yet")
        script.add_answer("logs", "describe_log_streams", {"logStreams": []})
        script.add_answer("logs", "describe_log_streams", {"logStreams": [{"logStreamName": "v/i"}]})
        script.add_answer("logs", "get_log_events", {"events": [event(1, "it broke")], **BACK})
        tail = read_log_tail(client, GROUP, "", counting_clock(slept))
        script.assert_done()
    assert (tail.lines, slept) == (("it broke",), [1.0, 1.0])


def test_a_log_that_may_not_be_read_hides_no_failure() -> None:
    slept: list[float] = []
    with stubbed_client() as (client, script):
        script.add_refusal("logs", "describe_log_streams", "AccessDeniedException", "not logs:DescribeLogStreams")
        tail = read_log_tail(client, GROUP, "", counting_clock(slept))
    assert isinstance(tail.lines, Unknown)
    assert "logs:DescribeLogStreams" in tail.lines.reason
    assert slept == []
