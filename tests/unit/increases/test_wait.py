"""Waiting for an applied value, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.pacing import RateLimiter
from opskit.aws.session import AwsSession, open_session
from opskit.core.clock import Clock
from opskit.core.exceptions import CredentialsError
from opskit.core.model import Quota, Workload
from opskit.increases import store
from opskit.increases.flows.wait import wait_for_targets
from opskit.increases.render.requests import wait_result
from opskit.increases.rules.increase import IncreaseTarget
from opskit.increases.rules.waiting import WaitResult, WaitState
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, THROTTLED, Entry, FakeAws, Fault

NAME, CODE = "ml.m4.xlarge for training job usage", "L-A373146E"
WISH = IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)
FILED = store.QueueState.FILED
EXPIRED = Fault(400, "ExpiredTokenException", "The security token included in the request is expired")


@dataclass
class Time:
    """A clock of the test's own; ``then`` happens when a moment has come."""

    begun: datetime = datetime(2026, 6, 1, tzinfo=UTC)
    passed: float = 0.0
    sleeps: list[float] = field(default_factory=list)
    then: dict[float, Callable[[], Any]] = field(default_factory=dict)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passed += seconds
        for moment in [moment for moment in self.then if moment <= self.passed]:
            self.then.pop(moment)()

    def clock(self) -> Clock:
        return Clock(lambda: self.begun + timedelta(seconds=self.passed), self.sleep)


@dataclass
class Waiting:
    """A wait under way: its AWS, its clock, and what it said."""

    aws: FakeAws
    time: Time = field(default_factory=Time)
    said: list[str] = field(default_factory=list)

    def grant(self, value: float = 4) -> None:
        self.aws.quotas = [Entry(NAME, CODE, applied=value)]

    def run(self, timeout: timedelta = timedelta(hours=72), *regions: str) -> tuple[WaitResult, ...]:
        return wait_for_targets(wait_clients(*regions), [WISH], timeout, self.said.append, self.time.clock())


def wait_clients(*regions: str) -> list[AwsClient]:
    session = open_session(region="us-east-1")
    return [session.client(region) for region in regions or ("us-east-1",)]


@pytest.fixture
def waiting_account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    monkeypatch.setattr(AwsSession, "rate_limiter", lambda self, operation, region: RateLimiter())
    fake_aws.quotas = [Entry(NAME, CODE)]
    answer_request(fake_aws, "CASE_OPENED")
    return Waiting(fake_aws)


def answer_request(aws: FakeAws, status: str) -> None:
    request = {"Id": "r-1", "QuotaCode": CODE, "QuotaName": NAME, "DesiredValue": 4.0, "Status": status, "Created": 1e9}
    aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = lambda asked: {"RequestedQuotas": [request]}


def test_wait_ends_when_the_value_is_there_whatever_the_status_says(waiting_account: Waiting) -> None:
    waiting_account.time.then[600] = waiting_account.grant
    [result] = waiting_account.run()
    assert result.state is WaitState.REACHED
    assert isinstance(result.quota, Quota)
    assert result.quota.effective_value == 4
    assert 600 <= waiting_account.time.passed <= 660
    assert waiting_account.said == [f"{NAME} in us-east-1: 0 now, 4 wanted; the request to 4 is CASE_OPENED"]


def test_wait_looks_less_and_less_often(waiting_account: Waiting) -> None:
    [result] = waiting_account.run(timedelta(hours=2))
    assert result.state is WaitState.WAITING
    assert waiting_account.time.passed == pytest.approx(7200)
    sleeps = waiting_account.time.sleeps[:-1]
    assert sleeps == sorted(sleeps)
    assert (sleeps[0], sleeps[-1]) == (1, 60)
    assert sum("Still waiting" in line for line in waiting_account.said) == 7


def test_a_denial_ends_it(waiting_account: Waiting) -> None:
    waiting_account.time.then[60] = lambda: answer_request(waiting_account.aws, "DENIED")
    assert [result.state for result in waiting_account.run()] == [WaitState.DENIED]
    assert waiting_account.time.passed < 180


def test_a_case_closed_without_a_word_gets_half_an_hour(waiting_account: Waiting) -> None:
    answer_request(waiting_account.aws, "CASE_CLOSED")
    assert [result.state for result in waiting_account.run()] == [WaitState.DENIED]
    assert 1800 <= waiting_account.time.passed <= 1900


def test_a_type_that_is_not_offered_is_not_waited_for(waiting_account: Waiting) -> None:
    waiting_account.aws.quotas = [Entry("another", "L-00000001")]
    assert [result.state for result in waiting_account.run()] == [WaitState.NOT_OFFERED]
    assert waiting_account.time.sleeps == []


def test_an_account_that_lists_no_quota_at_all_is_not_one_without_this_quota(waiting_account: Waiting) -> None:
    waiting_account.aws.quotas = []
    assert [result.state for result in waiting_account.run(timedelta(0))] == [WaitState.WAITING]


def test_what_is_only_remembered_as_absent_ends_no_wait(waiting_account: Waiting) -> None:
    new = IncreaseTarget("ml.zz9.xlarge", Workload.TRAINING, 4)

    def wait_for_new() -> list[WaitState]:
        clock = waiting_account.time.clock()
        results = wait_for_targets(wait_clients(), [new], timedelta(0), waiting_account.said.append, clock)
        return [result.state for result in results]

    assert wait_for_new() == [WaitState.NOT_OFFERED]
    waiting_account.aws.quotas.append(Entry("ml.zz9.xlarge for training job usage", "L-00000002", applied=4))
    assert wait_for_new() == [WaitState.NOT_OFFERED]  # it was read at this very moment
    waiting_account.time.passed += 60
    assert wait_for_new() == [WaitState.REACHED]


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN, CLOSED, EXPIRED])
def test_what_passes_is_survived(waiting_account: Waiting, fault: Fault) -> None:
    def break_it() -> None:
        waiting_account.aws.fault = lambda operation, region: fault

    def mend_it() -> None:
        waiting_account.aws.fault = lambda operation, region: None
        waiting_account.grant()

    waiting_account.time.then = {30: break_it, 1000: mend_it}
    assert [result.state for result in waiting_account.run()] == [WaitState.REACHED]
    assert any("could not be read" in line for line in waiting_account.said)
    assert any("aws sso login" in line for line in waiting_account.said) == (fault is EXPIRED)


def test_renewed_credentials_are_found(
    waiting_account: Waiting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(keys))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    def sign_in(key: str) -> None:
        keys.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")

    def expire() -> None:
        waiting_account.aws.fault = lambda operation, region: EXPIRED
        waiting_account.grant()

    def renew() -> None:
        sign_in("AKIDNEW")
        waiting_account.aws.fault = lambda operation, region: None

    sign_in("AKIDOLD")
    waiting_account.time.then = {30: expire, 60: keys.unlink, 500: renew}
    assert [result.state for result in waiting_account.run()] == [WaitState.REACHED]
    assert any("Waiting goes on" in line for line in waiting_account.said)


def test_without_credentials_nothing_is_waited_for(waiting_account: Waiting) -> None:
    waiting_account.aws.fault = lambda operation, region: EXPIRED
    with pytest.raises(CredentialsError):
        waiting_account.run()
    assert waiting_account.time.sleeps == []


def test_what_may_not_be_read_ends_it(waiting_account: Waiting) -> None:
    waiting_account.aws.fault = lambda operation, region: DENIED if "Quota" in operation else None
    assert [result.state for result in waiting_account.run()] == [WaitState.UNREADABLE]
    assert waiting_account.time.sleeps == []


def test_one_region_s_trouble_does_not_end_another_s_wait(waiting_account: Waiting) -> None:
    waiting_account.aws.fault = lambda operation, region: THROTTLED if region == "eu-west-1" else None
    waiting_account.grant()
    seen = waiting_account.run(timedelta(minutes=1), "eu-west-1", "us-east-1")
    assert [result.state for result in seen] == [WaitState.WAITING, WaitState.REACHED]


def test_a_queue_that_cannot_be_read_is_not_told_to_be_empty(waiting_account: Waiting, isolated_home: Path) -> None:
    waiting_account.aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = lambda asked: {"RequestedQuotas": []}
    [unasked] = waiting_account.run(timedelta(minutes=1))
    assert "no increase was requested yet" in waiting_account.said.pop()
    told = "Request it: opskit quotas increase ml.m4.xlarge --for training --to 4 --region us-east-1"
    assert [problem.hint for problem in wait_result([unasked], 60).problems] == [told]
    state = isolated_home / "state"
    state.rename(isolated_home / "away")
    state.write_text("a file where the folder should be")
    [unknown] = waiting_account.run(timedelta(minutes=1))
    assert "run the same command again" in wait_result([unknown], 60).problems[0].hint
    assert "AWS lists no request for it, and whether opskit has asked for it could not be" in waiting_account.said.pop()


def test_an_old_refusal_ends_no_wait_while_the_queue_cannot_be_read(
    waiting_account: Waiting, isolated_home: Path
) -> None:
    answer_request(waiting_account.aws, "DENIED")
    state = isolated_home / "state"
    state.mkdir(exist_ok=True)
    state.rename(isolated_home / "away")
    state.write_text("a file where the folder should be")
    waiting_account.time.then[600] = waiting_account.grant
    assert [result.state for result in waiting_account.run()] == [WaitState.REACHED]
    assert "whether opskit has asked for it again could not be read" in waiting_account.said[0]


def test_what_was_filed_just_now_is_waited_for_although_only_an_old_no_is_to_be_seen(waiting_account: Waiting) -> None:
    answer_request(waiting_account.aws, "DENIED")
    [client] = wait_clients()
    now = waiting_account.time.clock().now()
    filed = store.QueuedRequest(
        client.region, NAME, WISH.instance_type, WISH.workload, 4, "service-quotas", "", FILED, now, id="r-2"
    )
    store.upsert_queued(client, filed)
    waiting_account.time.then[600] = waiting_account.grant
    assert [result.state for result in waiting_account.run()] == [WaitState.REACHED]
    assert "do not show it yet" in waiting_account.said[0]
