"""What was asked, how it stands, and what is new since somebody looked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opskit.decide.increase import Via, Wish
from opskit.errors import ExitCode
from opskit.flows.increase import file_increases
from opskit.flows.list_requests import RequestList, list_requests
from opskit.flows.plan_increases import plan_increases
from opskit.model import Usage
from opskit.show.requests import requests as shown
from tests.unit.flows.rough_quotas import RoughQuotas

NAME = "ml.m4.xlarge for training job usage"
WISH = Wish("ml.m4.xlarge", Usage.TRAINING, 4)


@pytest.fixture
def aws() -> RoughQuotas:
    return RoughQuotas({NAME: "L-A373146E"})


def look(aws: RoughQuotas, *, only_open: bool = False) -> RequestList:
    return list_requests(aws.doors(), aws.clock().now(), only_open=only_open)


def records(aws: RoughQuotas, *, only_open: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown(look(aws, only_open=only_open)).data["requests"]
    return found


def ask(aws: RoughQuotas) -> None:
    doors, clock = aws.doors(), aws.clock()
    file_increases(doors, plan_increases(doors, [WISH], Via.AUTO, clock.now()), "a test", clock, lambda text: None)


def test_each_look_tells_what_has_changed_since_the_one_before(aws: RoughQuotas) -> None:
    ask(aws)
    assert [each["change"] for each in records(aws)] == ["new"]
    assert [each["change"] for each in records(aws)] == [""]
    aws.requests[0].update(Status="CASE_OPENED", CaseId="4711")
    aws.sleep(7200)
    [opened] = records(aws)
    assert (opened["change"], opened["age_seconds"], opened["case_id"]) == ("PENDING -> CASE_OPENED", 7200, "4711")
    assert opened["case_url"].endswith("displayId=4711")
    aws.value = 4
    [granted] = records(aws)
    assert (granted["change"], granted["moved"]) == ("0 -> 4 applied", True)


def test_a_look_at_the_open_ones_remembers_the_closed_ones_too(aws: RoughQuotas) -> None:
    ask(aws)
    records(aws)
    aws.requests[0]["Status"] = "DENIED"
    assert records(aws, only_open=True) == []
    assert [each["change"] for each in records(aws)] == [""]


def test_what_waits_its_turn_is_in_the_list(aws: RoughQuotas) -> None:
    aws.most_open = 0
    ask(aws)
    [waiting] = records(aws)
    assert (waiting["status"], waiting["request_id"], waiting["desired"]) == ("QUEUED", None, 4)
    assert any("--resume" in note for note in shown(look(aws)).notes)


def test_nothing_new_is_said_in_a_sentence_and_nothing_asked_too(aws: RoughQuotas) -> None:
    assert shown(look(aws)).notes == ("Nothing was asked for.",)
    ask(aws)
    look(aws)
    assert any("Nothing has changed since" in note for note in shown(look(aws)).notes)


def test_state_that_cannot_be_used_hides_no_request(aws: RoughQuotas, own_folders: Path) -> None:
    ask(aws)
    state = own_folders / "state"
    state.rename(own_folders / "away")
    state.write_text("a file where the folder should be")
    answer = shown(look(aws))
    assert [each["status"] for each in answer.data["requests"]] == ["PENDING"]
    assert answer.exit is ExitCode.DONE
    assert [problem.code for problem in answer.problems] == ["state-unusable"]


def test_a_region_that_does_not_answer_is_not_empty(aws: RoughQuotas) -> None:
    aws.denied = frozenset({"list_requested_service_quota_change_history"})
    answer = shown(look(aws))
    assert (answer.exit, answer.notes) == (ExitCode.AWS, ())
