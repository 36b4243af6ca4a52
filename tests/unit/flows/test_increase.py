"""Asking once, of an AWS that loses answers: before it acted, after it acted, or while it is slow to show it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.small_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, Fault, SmallAws
from opskit import aws as door_module
from opskit.aws import Connection, Door, connect
from opskit.decide.increase import Ask, Outcome, Via, Wish
from opskit.errors import NoCredentials, UsageProblem
from opskit.flows.clock import Clock
from opskit.flows.increase import file_increases
from opskit.flows.plan_increases import plan_increases, short_totals, waiting_asks
from opskit.model import Usage
from opskit.state import journal, queue
from tests.seeds import few_of_many

TRAINING = Entry("ml.m4.xlarge for training job usage", "L-A373146E")
TRANSFORM = Entry("ml.m4.xlarge for transform job usage", "L-B67CFA0C")
ENDPOINT = Entry("ml.m4.xlarge for endpoint usage", "L-8160F2A8")
WISH = Wish("ml.m4.xlarge", Usage.TRAINING, 4)
ALL = [Wish("ml.m4.xlarge", usage, 4) for usage in (Usage.TRAINING, Usage.TRANSFORM, Usage.ENDPOINT)]
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

    def open(self, aws: SmallAws) -> Desk:
        aws.running["RequestServiceQuotaIncrease"] = self.file
        aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = self.history
        return self


@pytest.fixture
def aws(small_aws: SmallAws, impatient: None) -> SmallAws:
    small_aws.quotas = [TRAINING, TRANSFORM, ENDPOINT]
    return small_aws


@pytest.fixture(autouse=True)
def no_pacing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection, "pace", lambda self, operation, region: None)


def clock() -> Clock:
    return Clock(lambda: datetime.now(UTC), lambda seconds: None)


def doors(*regions: str) -> list[Door]:
    connection = connect(region="us-east-1")
    return [connection.door(region) for region in regions or ("us-east-1",)]


def run(wishes: Sequence[Wish] = (WISH,), via: Via = Via.AUTO, *regions: str) -> tuple[Ask, ...]:
    where = doors(*regions)
    plans = plan_increases(where, wishes, via, datetime.now(UTC))
    return file_increases(where, plans, "a test", clock(), lambda text: None)


def outcomes(asks: Sequence[Ask]) -> list[Outcome]:
    return [ask.outcome for ask in asks]


def remembered() -> list[tuple[str, str]]:
    return [(one.quota_name, one.standing.value) for one in queue.waiting(doors()[0])]


def test_a_second_run_finds_the_first(aws: SmallAws) -> None:
    desk = Desk().open(aws)
    assert outcomes(run()) == [Outcome.FILED]
    [again] = run()
    assert (again.outcome, again.request_id) == (Outcome.ALREADY_OPEN, "request-1")
    assert len(desk.filed) == 1
    [entry] = journal.entries(DAY)
    assert (entry.action, entry.because, entry.outcome, entry.detail) == (
        "request increase",
        "a test",
        "filed",
        "request-1",
    )


LOST = [BROKEN, CLOSED, Fault(503, "ServiceUnavailable", "later"), GARBLED]


@pytest.mark.parametrize("fault", LOST)
def test_an_answer_lost_after_the_effect_is_found(aws: SmallAws, fault: Fault) -> None:
    desk = Desk(fate=lambda: (fault, True), lag=2).open(aws)
    [ask] = run()
    assert (ask.outcome, ask.request_id) == (Outcome.FILED, "request-1")
    assert remembered() == []
    assert outcomes(run()) == [Outcome.ALREADY_OPEN]
    assert len(desk.filed) == 1


@pytest.mark.parametrize("fault", LOST)
def test_an_answer_lost_before_the_effect_is_unknown_and_the_next_run_looks_first(aws: SmallAws, fault: Fault) -> None:
    desk = Desk(fate=lambda: (fault, False)).open(aws)
    [ask] = run()
    assert ask.outcome is Outcome.UNKNOWN
    assert "looks again" in ask.because
    assert remembered() == [(TRAINING.name, "attempted")]
    assert [entry.outcome for entry in journal.entries(DAY)] == ["unknown"]
    desk.fate = lambda: (None, True)
    before = len(aws.calls)
    assert outcomes(run()) == [Outcome.FILED]
    later = [operation for operation, _ in aws.calls[before:]]
    assert later.index("ListRequestedServiceQuotaChangeHistoryByQuota") < later.index("RequestServiceQuotaIncrease")
    assert remembered() == []


def test_an_answer_that_takes_too_long_is_looked_up(aws: SmallAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "_READ_SECONDS", 3.0)  # reads get it five times over, however busy the machine
    desk = Desk(fate=lambda: (Fault(500, seconds=6.0), True)).open(aws)
    assert outcomes(run()) == [Outcome.FILED]
    assert (desk.sent, len(desk.filed)) == (1, 1)


def test_throttling_waits_and_then_waits_its_turn(aws: SmallAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.aws.time.sleep", lambda seconds: None)
    desk = Desk(fate=lambda: (THROTTLED, False)).open(aws)
    assert outcomes(run()) == [Outcome.QUEUED]
    assert remembered() == [(TRAINING.name, "queued")]
    desk.fate = lambda: (None, True)
    assert resume() == [Outcome.FILED]
    assert (len(desk.filed), remembered()) == (1, [])


def resume() -> list[Outcome]:
    found = waiting_asks(doors(), datetime.now(UTC), everywhere=True)
    return [
        done.outcome
        for door, ask, why in found
        for done in file_increases([door], [ask], why, clock(), lambda text: None)
    ]


def test_the_third_waits_its_turn(aws: SmallAws) -> None:
    desk = Desk(most_open=2).open(aws)
    assert outcomes(run(ALL)) == [Outcome.FILED, Outcome.FILED, Outcome.QUEUED]
    assert resume() == [Outcome.QUEUED]
    assert remembered() == [(ENDPOINT.name, "queued")]
    desk.filed[0]["Status"] = "DENIED"
    assert resume() == [Outcome.FILED]
    assert resume() == []
    assert len(desk.filed) == 3


def test_what_waits_stays_until_it_is_covered(aws: SmallAws) -> None:
    desk = Desk(most_open=0).open(aws)
    run([Wish("ml.m4.xlarge", Usage.TRAINING, 4)])
    aws.quotas = [Entry(TRAINING.name, TRAINING.code, applied=2.0)]
    assert outcomes(run([Wish("ml.m4.xlarge", Usage.TRAINING, 1)])) == [Outcome.ALREADY_ENOUGH]
    assert remembered() == [(TRAINING.name, "queued")]
    desk.filed.append(desk.request({"QuotaCode": TRAINING.code, "DesiredValue": 3.0}))
    assert outcomes(run([Wish("ml.m4.xlarge", Usage.TRAINING, 4)])) == [Outcome.ALREADY_OPEN]
    assert remembered() == [(TRAINING.name, "queued")]
    aws.quotas = [Entry(TRAINING.name, TRAINING.code, applied=4.0)]
    assert resume() == [Outcome.ALREADY_ENOUGH]
    assert remembered() == []


def test_aws_says_that_one_is_open(aws: SmallAws) -> None:
    refusal = Fault(400, "ResourceAlreadyExistsException", "Only one open service quota increase request is allowed.")
    Desk(fate=lambda: (refusal, False)).open(aws)
    [ask] = run()
    assert (ask.outcome, ask.request_id) == (Outcome.ALREADY_OPEN, None)


def test_what_aws_refuses_is_refused_with_its_words(aws: SmallAws) -> None:
    text = "You must provide a quota value greater than the current quota value"
    Desk(fate=lambda: (Fault(400, "IllegalArgumentException", text), False)).open(aws)
    [ask] = run()
    assert ask.outcome is Outcome.REFUSED
    assert text in ask.because
    assert remembered() == []


def test_one_refusal_does_not_hide_the_others(aws: SmallAws) -> None:
    fates = iter([(None, True), (DENIED, False), (None, True)])
    desk = Desk(fate=lambda: next(fates)).open(aws)
    asks = run(ALL)
    assert outcomes(asks) == [Outcome.FILED, Outcome.REFUSED, Outcome.FILED]
    assert asks[1].problem is not None
    assert asks[1].problem.code == "denied"
    assert len(desk.filed) == 2


QUOTA_READS = ("ListServiceQuotas", "GetServiceQuota", "ListAWSDefaultServiceQuotas")
HISTORY = ("ListRequestedServiceQuotaChangeHistoryByQuota", "ListRequestedServiceQuotaChangeHistory")


@pytest.mark.parametrize("operations", [QUOTA_READS, HISTORY])
@pytest.mark.parametrize("fault", [DENIED, BROKEN, CLOSED, GARBLED])
def test_what_cannot_be_read_is_not_asked_for(aws: SmallAws, operations: tuple[str, ...], fault: Fault) -> None:
    desk = Desk().open(aws)
    aws.fault = lambda called, region: fault if called in operations else None
    [ask] = run()
    assert ask.outcome is Outcome.UNKNOWN
    assert ask.problem is not None
    assert desk.sent == 0


def test_one_dark_region_does_not_hide_the_other(aws: SmallAws) -> None:
    desk = Desk().open(aws)
    aws.fault = lambda operation, region: DENIED if region == "eu-west-1" else None
    asks = run((WISH,), Via.AUTO, "eu-west-1", "us-east-1")
    assert outcomes(asks) == [Outcome.UNKNOWN, Outcome.FILED]
    assert len(desk.filed) == 1


def test_state_that_cannot_be_kept_stops_it_before_anything_is_sent(
    aws: SmallAws, own_folders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk().open(aws)
    (own_folders / "state").write_text("a file where the folder should be")
    with pytest.raises(UsageProblem, match="cannot be used"):
        run()
    assert desk.sent == 0


def test_no_credentials_are_said(aws: SmallAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(NoCredentials):
        run()


@pytest.mark.parametrize("seed", few_of_many(2, 40))  # more in memory: test_increase_on_a_rough_road
def test_never_two_whatever_is_lost(aws: SmallAws, seed: int) -> None:
    """60 % of all filings fail, before or after they took effect; new requests are seen late; reads fail too."""
    dice = random.Random(seed)

    def fate() -> tuple[Fault | None, bool]:
        lost = dice.choice(LOST) if dice.random() < 0.6 else None
        return lost, lost is None or dice.random() < 0.5

    desk = Desk(fate=fate, lag=dice.randrange(3), most_open=dice.choice([1, 2, 99])).open(aws)
    aws.fault = lambda operation, region: BROKEN if operation.startswith("Get") and dice.random() < 0.2 else None
    for _ in range(6):
        asks = run(ALL)
        codes = [one["QuotaCode"] for one in desk.filed]
        assert len(codes) == len(set(codes)), (seed, codes)
        filed = {ask.quota_code for ask in asks if ask.outcome in (Outcome.FILED, Outcome.ALREADY_OPEN)}
        assert filed <= set(codes)
        unknown = {ask.quota_code for ask in asks if ask.outcome is Outcome.UNKNOWN}
        assert set(codes) - filed <= unknown


def test_totals_that_stay_short_are_named(aws: SmallAws) -> None:
    total = Entry("Number of instances across all training jobs", "L-00C91CB5", applied=2.0)
    most = Entry("Maximum number of instances per training job", "L-622CFD70", applied=20.0)
    aws.quotas = [TRAINING, TRANSFORM, ENDPOINT, total, most]
    found = short_totals(doors(), ALL[:1], datetime.now(UTC))
    assert [(short.quota_name, short.value, short.to) for short in found] == [(total.name, 2.0, 4)]
    assert short_totals(doors(), [Wish(None, Usage.TRAINING, 9)], datetime.now(UTC)) == ()
