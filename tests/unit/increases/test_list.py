"""What was asked, how it stands, and what is new since somebody looked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opskit.core.exceptions import ExitCode
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown, Workload
from opskit.increases.flows.list import RequestList, RequestState, list_and_remember_requests
from opskit.increases.flows.plan import plan_increases
from opskit.increases.flows.submit import submit_increases
from opskit.increases.render.requests import request_list_result
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import IncreaseTarget
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus
from tests.fakes.faulty_service_quotas import FaultyServiceQuotas

NAME = "ml.m4.xlarge for training job usage"
WISH = IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)


@pytest.fixture
def faulty_quotas() -> FaultyServiceQuotas:
    return FaultyServiceQuotas({NAME: "L-A373146E"})


def list_requests(aws: FaultyServiceQuotas, *, only_open: bool = False) -> RequestList:
    return list_and_remember_requests(aws.new_clients(), aws.clock().now(), only_open=only_open)


def request_records(aws: FaultyServiceQuotas, *, only_open: bool = False) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = request_list_result(list_requests(aws, only_open=only_open)).data["requests"]
    return found


def submit_wish(aws: FaultyServiceQuotas) -> None:
    clients, clock = aws.new_clients(), aws.clock()
    submit_increases(
        clients, plan_increases(clients, [WISH], Channel.AUTO, clock.now()), "a test", clock, lambda text: None
    )


def test_each_look_tells_what_has_changed_since_the_one_before(faulty_quotas: FaultyServiceQuotas) -> None:
    submit_wish(faulty_quotas)
    assert [each["change"] for each in request_records(faulty_quotas)] == ["new"]
    assert [each["change"] for each in request_records(faulty_quotas)] == [""]
    faulty_quotas.requests[0].update(Status="CASE_OPENED", CaseId="4711")
    faulty_quotas.sleep(7200)
    [opened] = request_records(faulty_quotas)
    assert (opened["change"], opened["age_seconds"], opened["case_id"]) == ("PENDING -> CASE_OPENED", 7200, "4711")
    assert opened["case_url"].endswith("displayId=4711")
    faulty_quotas.value = 4
    [granted] = request_records(faulty_quotas)
    assert (granted["change"], granted["moved"]) == ("0 -> 4 applied", True)


def test_a_value_that_could_not_be_read_is_no_value_that_stayed(faulty_quotas: FaultyServiceQuotas) -> None:
    submit_wish(faulty_quotas)
    request_records(faulty_quotas)
    faulty_quotas.denied = frozenset({"get_service_quota", "list_service_quotas", "list_aws_default_service_quotas"})
    result = request_list_result(list_requests(faulty_quotas))
    [unread] = result.data["requests"]
    assert unread["change"] is None
    assert unread["change_unknown_because"] == unread["applied_unknown_because"]
    assert not any("Nothing has changed" in note for note in result.notes)
    faulty_quotas.requests[0].update(Status="CASE_OPENED")
    assert [each["change"] for each in request_records(faulty_quotas)] == ["PENDING -> CASE_OPENED"]
    faulty_quotas.denied, faulty_quotas.value = frozenset(), 4
    assert [each["change"] for each in request_records(faulty_quotas)] == ["0 -> 4 applied"]


def test_a_look_at_the_open_ones_remembers_the_closed_ones_too(faulty_quotas: FaultyServiceQuotas) -> None:
    submit_wish(faulty_quotas)
    request_records(faulty_quotas)
    faulty_quotas.requests[0]["Status"] = "DENIED"
    assert request_records(faulty_quotas, only_open=True) == []
    assert [each["change"] for each in request_records(faulty_quotas)] == [""]


def test_what_waits_its_turn_is_in_the_list(faulty_quotas: FaultyServiceQuotas) -> None:
    faulty_quotas.most_open = 0
    submit_wish(faulty_quotas)
    [waiting] = request_records(faulty_quotas)
    assert (waiting["status"], waiting["request_id"], waiting["desired"]) == ("QUEUED", None, 4)
    assert any("--resume" in note for note in request_list_result(list_requests(faulty_quotas)).notes)


def test_nothing_new_is_said_in_a_sentence_and_nothing_asked_too(faulty_quotas: FaultyServiceQuotas) -> None:
    assert request_list_result(list_requests(faulty_quotas)).notes == (
        "There are no increase requests of the last 90 days; AWS keeps no older ones.",
    )
    submit_wish(faulty_quotas)
    list_requests(faulty_quotas)
    assert any("Nothing has changed since" in note for note in request_list_result(list_requests(faulty_quotas)).notes)


def test_state_that_cannot_be_used_hides_no_request(faulty_quotas: FaultyServiceQuotas, isolated_home: Path) -> None:
    submit_wish(faulty_quotas)
    state = isolated_home / "state"
    state.rename(isolated_home / "away")
    state.write_text("a file where the folder should be")
    result = request_list_result(list_requests(faulty_quotas))
    assert [each["status"] for each in result.data["requests"]] == ["PENDING"]
    assert result.exit is ExitCode.OK
    # what the last look saw is not known, so nothing is called new
    [record] = result.data["requests"]
    assert (record["change"], result.data["last_look"]) == (None, None)
    assert "cannot be used" in record["change_unknown_because"]
    assert result.tables[0].rows[0][-1].text == "?"
    (problem,) = result.problems
    assert problem.code == "state-unusable"
    assert problem.message.endswith("cannot be used: Not a directory. Without it, a request could be sent twice.")


@pytest.mark.parametrize(
    ("quota", "moved", "now", "why"),
    [
        (Quota("r", NAME, "L-1", 4, 0), True, "4", None),
        (Quota("r", NAME, "L-1", 3, 0), False, "3", None),
        (Unknown("busy"), None, "?", "busy"),
        (Quota("r", NAME, "L-1", None, None), None, "?", "AWS gave no value"),
        (NotOffered("r", NAME), False, "-", None),
    ],
)
def test_a_quota_that_is_not_there_is_not_one_that_could_not_be_read(
    quota: QuotaLookup, moved: bool | None, now: str, why: str | None
) -> None:
    request = IncreaseRequest("r-1", "r", NAME, "L-1", 4, RequestStatus.PENDING, datetime(2026, 1, 1, tzinfo=UTC))
    result = request_list_result(RequestList((RequestState(request, quota, timedelta(0)),), (), (), 0))
    [record] = result.data["requests"]
    assert (record["moved"], record["applied_unknown_because"]) == (moved, why)
    assert result.tables[0].rows[0][3].text == now


def test_a_region_that_does_not_answer_is_not_empty(faulty_quotas: FaultyServiceQuotas) -> None:
    faulty_quotas.denied = frozenset({"list_requested_service_quota_change_history"})
    result = request_list_result(list_requests(faulty_quotas))
    assert (result.exit, result.notes) == (ExitCode.AWS_ERROR, ())


def test_whose_request_it_is_and_how_far_back_aws_remembers_is_told(faulty_quotas: FaultyServiceQuotas) -> None:
    asked = {"QuotaCode": "L-A373146E", "QuotaName": next(iter(faulty_quotas.quotas)), "DesiredValue": 4.0, "at": 0.0}
    made = {**asked, "Status": "PENDING", "Created": faulty_quotas.clock().now()}
    arn = "arn:aws:iam::123456789012:user/ada"
    faulty_quotas.requests += [
        {**made, "Id": "own", "Requester": json.dumps({"accountId": "1", "callerArn": arn})},
        {**made, "Id": "aws", "RequestType": "AutomaticManagement", "Requester": "not JSON"},
    ]
    listed = list_and_remember_requests(faulty_quotas.new_clients(), faulty_quotas.clock().now(), only_open=False)
    result = request_list_result(listed)
    told = {row["request_id"]: (row["automatic"], row["requester"]) for row in result.data["requests"]}
    assert told == {"own": (False, arn), "aws": (True, None)}
    assert result.data["history_days"] == 90
    assert any("90 days" in note for note in result.notes)
    statuses = [row[4].text for row in result.tables[0].rows]
    assert sorted(statuses) == ["PENDING", "PENDING (by AWS's automatic management)"]
