"""Asking once, of an AWS that loses answers: before it acted, after it acted, or while it is slow to show it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opskit.aws import boto3_clients
from opskit.aws.client import AwsClient
from opskit.aws.pacing import RateLimiter
from opskit.aws.session import AwsSession, open_session
from opskit.core.clock import Clock
from opskit.core.exceptions import CredentialsError, UsageError
from opskit.core.model import Workload
from opskit.increases import store
from opskit.increases.flows.plan import blocking_totals, plan_increases, queued_increases
from opskit.increases.flows.submit import submit_increases
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseOutcome, IncreaseTarget
from opskit.state import journal
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault
from tests.seeds import few_of_many

TRAINING = Entry("ml.m4.xlarge for training job usage", "L-A373146E")
TRANSFORM = Entry("ml.m4.xlarge for transform job usage", "L-B67CFA0C")
ENDPOINT = Entry("ml.m4.xlarge for endpoint usage", "L-8160F2A8")
WISH = IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)
ALL = [IncreaseTarget("ml.m4.xlarge", usage, 4) for usage in (Workload.TRAINING, Workload.TRANSFORM, Workload.ENDPOINT)]
DAY = datetime.now(UTC) - timedelta(days=1)


@dataclass
class Desk:
    """Where requests are filed. It takes a second one for the same quota, so that filing twice would show.

    ``fate`` says for each filing: what to answer, and whether it takes effect. ``lag`` is for how many looks a new
    request is not to be seen.
    """

    fate: Callable[[], tuple[Fault | None, bool]] = lambda: (None, True)
    lag: int = 0
    most_open: int = 99
    filed: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    looks: int = 0

    def file(self, asked: Mapping[str, Any]) -> dict[str, Any] | Fault:
        self.sent += 1
        if sum(one["Status"] == "PENDING" for one in self.filed) >= self.most_open:
            return Fault(400, "QuotaExceededException", "You have exceeded your open requests.")
        fault, takes_effect = self.fate()
        request = self.request(asked)
        if takes_effect:
            self.filed.append(request)
            self.looks = 0
        return fault or {"RequestedQuota": request}

    def request(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Id": f"request-{self.sent}",
            "ServiceCode": "sagemaker",
            "QuotaCode": asked["QuotaCode"],
            "DesiredValue": asked["DesiredValue"],
            "Status": "PENDING",
            "Created": datetime.now(UTC).timestamp(),
        }

    def history(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self.looks += 1
        shown = self.filed if self.looks > self.lag else self.filed[:-1]
        return {"RequestedQuotas": [one for one in shown if one["QuotaCode"] == asked["QuotaCode"]]}

    def open(self, aws: FakeAws) -> Desk:
        aws.running["RequestServiceQuotaIncrease"] = self.file
        aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = self.history
        return self


@pytest.fixture
def submit_aws(fake_aws: FakeAws, no_backoff: None) -> FakeAws:
    fake_aws.quotas = [TRAINING, TRANSFORM, ENDPOINT]
    return fake_aws


@pytest.fixture(autouse=True)
def no_pacing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwsSession, "rate_limiter", lambda self, operation, region: RateLimiter())


def hasty_clock() -> Clock:
    return Clock(lambda: datetime.now(UTC), lambda seconds: None)


def region_clients(*regions: str) -> list[AwsClient]:
    session = open_session(region="us-east-1")
    return [session.client(region) for region in regions or ("us-east-1",)]


def plan_and_submit(
    targets: Sequence[IncreaseTarget] = (WISH,), channel: Channel = Channel.AUTO, *regions: str
) -> tuple[Increase, ...]:
    where = region_clients(*regions)
    plans = plan_increases(where, targets, channel, datetime.now(UTC))
    return submit_increases(where, plans, "a test", hasty_clock(), lambda text: None)


def increase_outcomes(increases: Sequence[Increase]) -> list[IncreaseOutcome]:
    return [increase.outcome for increase in increases]


def queue_states() -> list[tuple[str, str]]:
    return [(request.quota_name, request.state.value) for request in store.pending_requests(region_clients()[0])]


def test_a_second_run_finds_the_first(submit_aws: FakeAws) -> None:
    category = Desk().open(submit_aws)
    assert increase_outcomes(plan_and_submit()) == [IncreaseOutcome.FILED]
    [again] = plan_and_submit()
    assert (again.outcome, again.request_id) == (IncreaseOutcome.ALREADY_OPEN, "request-1")
    assert len(category.filed) == 1
    [entry] = journal.journal_entries(DAY)
    assert (entry.action, entry.reason, entry.outcome, entry.detail) == (
        "request increase",
        "a test",
        "filed",
        "request-1",
    )


LOST = [BROKEN, CLOSED, Fault(503, "ServiceUnavailable", "later"), GARBLED]


@pytest.mark.parametrize("fault", LOST)
def test_an_answer_lost_after_the_effect_is_found(submit_aws: FakeAws, fault: Fault) -> None:
    category = Desk(fate=lambda: (fault, True), lag=2).open(submit_aws)
    [increase] = plan_and_submit()
    assert (increase.outcome, increase.request_id) == (IncreaseOutcome.FILED, "request-1")
    assert queue_states() == []
    assert increase_outcomes(plan_and_submit()) == [IncreaseOutcome.ALREADY_OPEN]
    assert len(category.filed) == 1


@pytest.mark.parametrize("fault", LOST)
def test_an_answer_lost_before_the_effect_is_unknown_and_the_next_run_looks_first(
    submit_aws: FakeAws, fault: Fault
) -> None:
    category = Desk(fate=lambda: (fault, False)).open(submit_aws)
    [increase] = plan_and_submit()
    assert increase.outcome is IncreaseOutcome.UNKNOWN
    assert "the next run checks again" in increase.reason
    assert queue_states() == [(TRAINING.name, "attempted")]
    assert [entry.outcome for entry in journal.journal_entries(DAY)] == ["unknown"]
    category.fate = lambda: (None, True)
    before = len(submit_aws.calls)
    assert increase_outcomes(plan_and_submit()) == [IncreaseOutcome.FILED]
    later = [operation for operation, _ in submit_aws.calls[before:]]
    assert later.index("ListRequestedServiceQuotaChangeHistoryByQuota") < later.index("RequestServiceQuotaIncrease")
    assert queue_states() == []


@pytest.mark.parametrize("is_denied", [True, False])
def test_a_list_that_could_not_be_read_is_not_told_to_lack_the_request(submit_aws: FakeAws, is_denied: bool) -> None:
    def lose() -> tuple[Fault, bool]:
        if is_denied:
            submit_aws.fault = lambda called, _: DENIED if called.startswith("ListRequested") else None
        return BROKEN, True

    category = Desk(fate=lose, lag=99).open(submit_aws)
    [increase] = plan_and_submit()
    assert (increase.outcome, category.sent) == (IncreaseOutcome.UNKNOWN, 1)
    assert ("AWS's list could not be read" in increase.reason) is is_denied
    assert ("does not list it yet" in increase.reason) is not is_denied


def test_an_answer_that_takes_too_long_is_looked_up(submit_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3_clients, "READ_SECONDS", 3.0)  # reads get it five times over, however busy the machine
    category = Desk(fate=lambda: (Fault(500, seconds=6.0), True)).open(submit_aws)
    assert increase_outcomes(plan_and_submit()) == [IncreaseOutcome.FILED]
    assert (category.sent, len(category.filed)) == (1, 1)


def test_throttling_waits_and_then_waits_its_turn(submit_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.aws.client.time.sleep", lambda seconds: None)
    category = Desk(fate=lambda: (THROTTLED, False)).open(submit_aws)
    assert increase_outcomes(plan_and_submit()) == [IncreaseOutcome.QUEUED]
    assert queue_states() == [(TRAINING.name, "queued")]
    category.fate = lambda: (None, True)
    assert resume_outcomes() == [IncreaseOutcome.FILED]
    assert (len(category.filed), queue_states()) == (1, [])


def resume_outcomes() -> list[IncreaseOutcome]:
    found = queued_increases(region_clients(), datetime.now(UTC), everywhere=True)
    return [
        done.outcome
        for client, increase, why in found
        for done in submit_increases([client], [increase], why, hasty_clock(), lambda text: None)
    ]


def test_the_third_waits_its_turn(submit_aws: FakeAws) -> None:
    category = Desk(most_open=2).open(submit_aws)
    assert increase_outcomes(plan_and_submit(ALL)) == [
        IncreaseOutcome.FILED,
        IncreaseOutcome.FILED,
        IncreaseOutcome.QUEUED,
    ]
    assert resume_outcomes() == [IncreaseOutcome.QUEUED]
    assert queue_states() == [(ENDPOINT.name, "queued")]
    category.filed[0]["Status"] = "DENIED"
    assert resume_outcomes() == [IncreaseOutcome.FILED]
    assert resume_outcomes() == []
    assert len(category.filed) == 3


def test_what_waits_stays_until_it_is_covered(submit_aws: FakeAws) -> None:
    category = Desk(most_open=0).open(submit_aws)
    plan_and_submit([IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)])
    submit_aws.quotas = [Entry(TRAINING.name, TRAINING.code, applied=2.0)]
    assert increase_outcomes(plan_and_submit([IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 1)])) == [
        IncreaseOutcome.ALREADY_ENOUGH
    ]
    assert queue_states() == [(TRAINING.name, "queued")]
    category.filed.append(category.request({"QuotaCode": TRAINING.code, "DesiredValue": 3.0}))
    assert increase_outcomes(plan_and_submit([IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)])) == [
        IncreaseOutcome.ALREADY_OPEN
    ]
    assert queue_states() == [(TRAINING.name, "queued")]
    submit_aws.quotas = [Entry(TRAINING.name, TRAINING.code, applied=4.0)]
    assert resume_outcomes() == [IncreaseOutcome.ALREADY_ENOUGH]
    assert queue_states() == []


def test_aws_says_that_one_is_open(submit_aws: FakeAws) -> None:
    refusal = Fault(400, "ResourceAlreadyExistsException", "Only one open service quota increase request is allowed.")
    Desk(fate=lambda: (refusal, False)).open(submit_aws)
    [increase] = plan_and_submit()
    assert (increase.outcome, increase.request_id) == (IncreaseOutcome.ALREADY_OPEN, None)


def test_what_aws_refuses_is_refused_with_its_words(submit_aws: FakeAws) -> None:
    text = "You must provide a quota value greater than the current quota value"
    Desk(fate=lambda: (Fault(400, "IllegalArgumentException", text), False)).open(submit_aws)
    [increase] = plan_and_submit()
    assert increase.outcome is IncreaseOutcome.REFUSED
    assert text in increase.reason
    assert queue_states() == []


def test_one_refusal_does_not_hide_the_others(submit_aws: FakeAws) -> None:
    fates = iter([(None, True), (DENIED, False), (None, True)])
    category = Desk(fate=lambda: next(fates)).open(submit_aws)
    increases = plan_and_submit(ALL)
    assert increase_outcomes(increases) == [IncreaseOutcome.FILED, IncreaseOutcome.REFUSED, IncreaseOutcome.FILED]
    assert increases[1].result.problem is not None
    assert increases[1].result.problem.code == "denied"
    assert len(category.filed) == 2


QUOTA_READS = ("ListServiceQuotas", "GetServiceQuota", "ListAWSDefaultServiceQuotas")
HISTORY = ("ListRequestedServiceQuotaChangeHistoryByQuota", "ListRequestedServiceQuotaChangeHistory")


@pytest.mark.parametrize("operations", [QUOTA_READS, HISTORY])
@pytest.mark.parametrize("fault", [DENIED, BROKEN, CLOSED, GARBLED])
def test_what_cannot_be_read_is_not_asked_for(submit_aws: FakeAws, operations: tuple[str, ...], fault: Fault) -> None:
    category = Desk().open(submit_aws)
    submit_aws.fault = lambda called, region: fault if called in operations else None
    [increase] = plan_and_submit()
    assert increase.outcome is IncreaseOutcome.UNKNOWN
    assert increase.result.problem is not None
    assert category.sent == 0


def test_one_dark_region_does_not_hide_the_other(submit_aws: FakeAws) -> None:
    category = Desk().open(submit_aws)
    submit_aws.fault = lambda operation, region: DENIED if region == "eu-west-1" else None
    increases = plan_and_submit((WISH,), Channel.AUTO, "eu-west-1", "us-east-1")
    assert increase_outcomes(increases) == [IncreaseOutcome.UNKNOWN, IncreaseOutcome.FILED]
    assert len(category.filed) == 1


def test_state_that_cannot_be_kept_stops_it_before_anything_is_sent(
    submit_aws: FakeAws, isolated_home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    category = Desk().open(submit_aws)
    (isolated_home / "state").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="cannot be used"):
        plan_and_submit()
    assert category.sent == 0


def test_no_credentials_are_said(submit_aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(CredentialsError):
        plan_and_submit()


@pytest.mark.parametrize("seed", few_of_many(2, 40))  # more in memory: test_increase_on_a_rough_road
def test_never_two_whatever_is_lost(submit_aws: FakeAws, seed: int) -> None:
    """60 % of all filings fail, before or after they took effect; new requests are seen late; reads fail too."""
    dice = random.Random(seed)

    def fate() -> tuple[Fault | None, bool]:
        lost = dice.choice(LOST) if dice.random() < 0.6 else None
        return lost, lost is None or dice.random() < 0.5

    category = Desk(fate=fate, lag=dice.randrange(3), most_open=dice.choice([1, 2, 99])).open(submit_aws)
    submit_aws.fault = lambda operation, region: BROKEN if operation.startswith("Get") and dice.random() < 0.2 else None
    for _ in range(6):
        increases = plan_and_submit(ALL)
        codes = [one["QuotaCode"] for one in category.filed]
        assert len(codes) == len(set(codes)), (seed, codes)
        filed = {
            increase.quota_code
            for increase in increases
            if increase.outcome in (IncreaseOutcome.FILED, IncreaseOutcome.ALREADY_OPEN)
        }
        assert filed <= set(codes)
        unknown = {increase.quota_code for increase in increases if increase.outcome is IncreaseOutcome.UNKNOWN}
        assert set(codes) - filed <= unknown


def test_totals_that_stay_short_are_named(submit_aws: FakeAws) -> None:
    total = Entry("Number of instances across all training jobs", "L-00C91CB5", applied=2.0)
    most = Entry("Maximum number of instances per training job", "L-622CFD70", applied=20.0)
    submit_aws.quotas = [TRAINING, TRANSFORM, ENDPOINT, total, most]
    found = blocking_totals(region_clients(), ALL[:1], datetime.now(UTC))
    assert [(short.quota_name, short.value, short.target_value) for short in found] == [(total.name, 2.0, 4)]
    assert blocking_totals(region_clients(), [IncreaseTarget(None, Workload.TRAINING, 9)], datetime.now(UTC)) == ()
