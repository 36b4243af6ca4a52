"""What bills goes first, and what an endpoint is made of stays as long as it does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from opskit.act.endpoints import Removable
from opskit.errors import Denied, ExitCode
from opskit.flows.clean_up import Cleaned, Item, Leftovers, clean_up
from opskit.flows.clock import Clock
from opskit.flows.events import Event
from opskit.left_running import Kind, Running
from tests.unit.stubbed import Script, scripted

ENDPOINT, CONFIG, MODEL = (Item(kind, "boston-61cfa3bc59-1") for kind in Removable)
OTHER_CONFIG = Item(Removable.CONFIG, "boston-61cfa3bc59-1-2")
OLDER_MODEL = Item(Removable.MODEL, "boston-61cfa3bc59-10")
EVERYTHING = (ENDPOINT, CONFIG, OTHER_CONFIG, MODEL, OLDER_MODEL)


def is_seen(script: Script, status: str) -> None:
    now = datetime(2026, 9, 1, tzinfo=UTC)
    told: dict[str, Any] = {
        "EndpointName": ENDPOINT.name,
        "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/it",
        "EndpointStatus": status,
    }
    script.answers("sagemaker", "describe_endpoint", {**told, "CreationTime": now, "LastModifiedTime": now})


def goes(script: Script, item: Item) -> None:
    parameter = {"endpoint": "EndpointName", "endpoint_config": "EndpointConfigName", "model": "ModelName"}[item.kind]
    script.answers("sagemaker", f"delete_{item.kind}", {}, {parameter: item.name})


def cleaned(
    plan: Any, items: tuple[Item, ...] = EVERYTHING, *, knows: bool = True, sleeps: Any = lambda seconds: None
) -> tuple[Cleaned, list[Event]]:
    left = Leftovers("boston", "us-east-1", items, (), (), (), (), knows)
    told: list[Event] = []
    with scripted() as (door, script):
        plan(script)
        done = clean_up(door, left, Clock(lambda: datetime(2026, 9, 1, tzinfo=UTC), sleeps), told.append)
        script.is_played()
    return done, told


def test_an_endpoint_in_the_making_is_waited_for_because_aws_refuses_to_delete_it() -> None:
    def plan(script: Script) -> None:
        for status in ("Creating", "Creating", "InService"):
            is_seen(script, status)
        for item in EVERYTHING:
            goes(script, item)

    done, told = cleaned(plan)
    assert (done.exit, tuple(done.items)) == (ExitCode.DONE, EVERYTHING)
    assert len(told) == 2


def test_an_endpoint_that_stays_keeps_what_it_is_made_of() -> None:
    def plan(script: Script) -> None:
        is_seen(script, "InService")
        script.refuses("sagemaker", "delete_endpoint", "AccessDeniedException", "no")
        goes(script, OLDER_MODEL)

    done, _ = cleaned(plan)
    assert (done.exit, done.items) == (ExitCode.PARTLY, [OLDER_MODEL])
    assert [problem.code for problem in done.problems] == ["denied"]


def test_where_the_endpoints_cannot_be_seen_nothing_one_may_be_made_of_goes() -> None:
    done, _ = cleaned(lambda script: None, (CONFIG, MODEL), knows=False)
    assert done.items == []


def test_an_endpoint_that_cannot_be_looked_at_is_deleted_all_the_same() -> None:
    def plan(script: Script) -> None:
        script.refuses("sagemaker", "describe_endpoint", "AccessDeniedException", "no")
        goes(script, ENDPOINT)

    assert cleaned(plan, (ENDPOINT,))[0].items == [ENDPOINT]


def test_an_interruption_names_the_endpoint_that_still_bills() -> None:
    def plan(script: Script) -> None:
        is_seen(script, "Creating")
        is_seen(script, "Creating")

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    done, _ = cleaned(plan, sleeps=interrupt)
    assert (done.exit, done.items) == (ExitCode.INTERRUPTED, [])
    assert done.endpoints == [Running(Kind.ENDPOINT, ENDPOINT.name, "us-east-1", sure=True, reached=True)]


def test_what_could_not_be_looked_for_is_no_clean_account() -> None:
    left = Leftovers("boston", "us-east-1", (), (), (), (), (Denied("denied", "no"),))
    with scripted() as (door, _):
        clock = Clock(lambda: datetime(2026, 9, 1, tzinfo=UTC), lambda seconds: pytest.fail("waited for nothing"))
        assert clean_up(door, left, clock, lambda event: None).exit is ExitCode.PARTLY
