"""Never twice, never forgotten: quota requests against an AWS that does its worst, in seeded lives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import pytest

from opskit.aws.api_call import is_read
from opskit.core.exceptions import OpskitError
from opskit.core.model import Workload
from opskit.increases import store
from opskit.increases.flows.plan import plan_increases, queued_increases
from opskit.increases.flows.submit import submit_increases
from opskit.increases.render.increase import increase_result
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseOutcome, IncreaseTarget
from tests.fakes.faulty_service_quotas import FaultyServiceQuotas, ProcessKilled
from tests.seeds import few_of_many

USES = (Workload.TRAINING, Workload.TRANSFORM, Workload.ENDPOINT)
QUOTAS = {
    "ml.m4.xlarge for training job usage": "L-A373146E",
    "ml.m4.xlarge for transform job usage": "L-WRONG001",  # not the code that opskit was shipped with
    "ml.m4.xlarge for endpoint usage": "L-97CF11BE",
}
WISHES = [IncreaseTarget("ml.m4.xlarge", workload, 4) for workload in USES]
SENDING = [channel for channel in Channel if channel.submission_type.is_sent]
ALONE = (68, 73, 90)
"""Of a hundred lives, those without which some broken condition in increases/flows/submit.py was not noticed."""


@pytest.fixture(autouse=True)
def no_waiting(isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody sleeps, and where memory can be a disk, no life waits for one."""
    monkeypatch.setattr("opskit.aws.client.time.sleep", lambda seconds: None)
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None, ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("XDG_STATE_HOME", folder)
        yield


def submit_all(
    aws: FaultyServiceQuotas, targets: Sequence[IncreaseTarget] = WISHES, channel: Channel = Channel.AUTO
) -> tuple[Increase, ...]:
    clients, clock = aws.new_clients(), aws.clock()
    plans = plan_increases(clients, targets, channel, clock.now())
    return submit_increases(clients, plans, "a test", clock, lambda text: None)


def resume_queue(aws: FaultyServiceQuotas) -> list[Increase]:
    clock = aws.clock()
    found = queued_increases(aws.new_clients(), clock.now(), everywhere=True)
    return [
        done
        for client, increase, why in found
        for done in submit_increases([client], [increase], why, clock, lambda text: None)
    ]


def attempt_run(aws: FaultyServiceQuotas, *, channel: Channel = Channel.AUTO) -> None:
    """One run of somebody's, or of cron's, however it ends."""
    try:
        if aws.dice.random() < 0.4:
            resume_queue(aws)
        else:
            submit_all(aws, aws.dice.sample(WISHES, aws.dice.randint(1, len(WISHES))), channel)
    except (OpskitError, ProcessKilled):
        pass
    aws.sleep(aws.dice.choice([0.1, 1, 5, 60, 3600]))


def once_each(aws: FaultyServiceQuotas) -> bool:
    return max(Counter(aws.codes()).values(), default=0) <= 1


@pytest.mark.parametrize("seed", few_of_many(6, 500, also=ALONE))
def test_no_life_files_twice_and_none_forgets(seed: int) -> None:
    dice = random.Random(seed)
    lag, is_strict = dice.choice([(0, False), (1, False), (8, False), (600, True)])
    aws = FaultyServiceQuotas(
        QUOTAS,
        dice,
        lost=0.6,
        flaky=dice.choice([0.0, 0.1, 0.3]),
        killed=dice.choice([0.0, 0.05]),
        lag=lag,
        is_strict=is_strict,
        most_open=dice.choice([1, 2, 99]),
        value=dice.choice([0.0, 2.0]),
    )
    for _ in range(5):
        attempt_run(aws)
        assert once_each(aws), (seed, aws.codes())
    waiting = {request.quota_name for request in store.pending_requests(aws.new_clients()[0])}
    aws.without_faults().sleep(60)
    resume_queue(aws)
    assert once_each(aws), (seed, aws.codes())
    assert {QUOTAS[name] for name in waiting} <= set(aws.codes())
    submit_all(aws)
    assert sorted(aws.codes()) == sorted(QUOTAS.values())
    assert {increase.outcome for increase in submit_all(aws)} == {IncreaseOutcome.ALREADY_OPEN}


@pytest.mark.parametrize("channel", SENDING)
def test_a_second_run_sends_nothing_again_by_any_channel(channel: Channel) -> None:
    """A channel whose submissions are looked for where they never appear would send again."""
    aws = FaultyServiceQuotas(QUOTAS)
    [increase] = submit_all(aws, WISHES[:1], channel)
    assert increase.outcome is IncreaseOutcome.FILED
    for seconds in (0, 60, 7200):
        aws.sleep(seconds)
        [increase] = submit_all(aws, WISHES[:1], channel)
        assert increase.outcome in (IncreaseOutcome.ALREADY_OPEN, IncreaseOutcome.ALREADY_ENOUGH)
    assert len([call for call in aws.calls if not is_read(call)]) == 1


@pytest.mark.parametrize("channel", SENDING)
@pytest.mark.parametrize("seed", few_of_many(6, 500))
def test_no_life_sends_twice_by_any_channel(channel: Channel, seed: int) -> None:
    """AWS Support takes duplicates, and its list lags too."""
    dice = random.Random(seed)
    lag = dice.choice([0, 300])
    aws = FaultyServiceQuotas(
        QUOTAS,
        dice,
        lost=0.6,
        flaky=dice.choice([0.0, 0.2]),
        killed=dice.choice([0.0, 0.1]),
        lag=lag,
        is_strict=lag > 0,
    )
    for _ in range(6):
        attempt_run(aws, channel=channel)
        assert max(Counter(aws.effects).values(), default=0) <= 1, (seed, aws.effects)


@pytest.mark.parametrize("channel", SENDING)
def test_what_arrived_although_its_response_was_lost_is_found_by_any_channel(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel whose submissions are not looked up leaves what was filed unknown."""
    outcomes = set()
    for seed in range(5):  # both come about among these
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / str(seed)))
        aws = FaultyServiceQuotas(QUOTAS, random.Random(seed), lost=1.0)
        [increase] = submit_all(aws, WISHES[:1], channel)
        outcomes.add((len(aws.effects), increase.outcome))
    assert outcomes == {(1, IncreaseOutcome.FILED), (0, IncreaseOutcome.UNKNOWN)}


def test_a_case_that_another_machine_filed_at_the_same_moment_is_told() -> None:
    aws = FaultyServiceQuotas(QUOTAS, others_file_too=True)
    [increase] = submit_all(aws, WISHES[:1], Channel.SUPPORT)
    assert (increase.outcome, increase.case_id) == (IncreaseOutcome.FILED, "case-2")
    assert "Open for the same quota too: case 1; close one of them." in increase.reason


@pytest.mark.parametrize(("when", "outcome"), [("before", IncreaseOutcome.UNKNOWN), ("after", IncreaseOutcome.FILED)])
def test_a_bare_429_repeats_no_case(when: str, outcome: IncreaseOutcome) -> None:
    aws = FaultyServiceQuotas(QUOTAS, cases_get_429=when)
    [increase] = submit_all(aws, WISHES[:1], Channel.SUPPORT)
    assert aws.calls.count("create_case") == 1
    assert increase.outcome is outcome


@pytest.mark.parametrize("seed", few_of_many(3, 100))
def test_two_at_once_file_one_each(seed: int) -> None:
    aws = FaultyServiceQuotas(QUOTAS, random.Random(seed), lost=0.6, lag=5.0)
    together = Barrier(2)

    def somebody() -> None:
        together.wait()
        submit_all(aws)

    both = [Thread(target=somebody) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert once_each(aws)


READS = (
    "get_service_quota",
    "get_aws_default_service_quota",
    "list_service_quotas",
    "list_aws_default_service_quotas",
    "list_requested_service_quota_change_history",
    "list_requested_service_quota_change_history_by_quota",
)


@pytest.mark.parametrize("denied", READS)
def test_one_read_that_is_denied_stops_nobody(denied: str) -> None:
    aws = FaultyServiceQuotas(QUOTAS, denied=frozenset({denied}))
    assert {increase.outcome for increase in submit_all(aws)} == {IncreaseOutcome.FILED}
    assert {increase.outcome for increase in submit_all(aws)} == {IncreaseOutcome.ALREADY_OPEN}
    assert once_each(aws)


def test_what_may_not_be_filed_stays_in_the_queue() -> None:
    aws = FaultyServiceQuotas(QUOTAS, most_open=0)
    assert {increase.outcome for increase in submit_all(aws)} == {IncreaseOutcome.QUEUED}
    aws.most_open, aws.denied = 99, frozenset({"request_service_quota_increase"})
    assert {increase.outcome for increase in resume_queue(aws)} == {IncreaseOutcome.REFUSED}
    assert {increase.outcome for increase in resume_queue(aws.without_faults())} == {IncreaseOutcome.FILED}


def test_a_larger_wish_that_waits_survives_a_smaller_one_that_is_filed() -> None:
    aws = FaultyServiceQuotas(QUOTAS, most_open=0)
    [larger] = submit_all(aws, [IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 8)])
    assert larger.outcome is IncreaseOutcome.QUEUED
    aws.most_open = 99
    [smaller] = submit_all(aws, [IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)])
    assert smaller.outcome is IncreaseOutcome.FILED
    assert [increase.outcome for increase in resume_queue(aws)] == [IncreaseOutcome.ALREADY_OPEN]
    aws.requests[0]["Status"] = "DENIED"
    [now] = resume_queue(aws)
    assert (now.outcome, now.target.value) == (IncreaseOutcome.FILED, 8)


@pytest.mark.parametrize("to", [2_000_000_001, 9_999_999_999])
def test_quotas_of_billions_are_asked_for_to_the_last_digit(to: int) -> None:
    aws = FaultyServiceQuotas(QUOTAS, value=2e9, default=1e9)
    [increase] = submit_all(aws, [IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, to)])
    assert increase.outcome is IncreaseOutcome.FILED
    assert aws.requests[0]["DesiredValue"] == to
    assert f"Asked AWS for {to};" in increase.reason


@pytest.mark.parametrize(("value", "default", "adjustable"), [(1, 8, True), (1, 0, False)])
def test_what_service_quotas_cannot_take_goes_to_support_once(value: int, default: int, adjustable: bool) -> None:
    aws = FaultyServiceQuotas(QUOTAS, value=value, default=default, adjustable=adjustable)
    [increase] = submit_all(aws, WISHES[:1])
    assert (increase.channel, increase.outcome, increase.case_id) == (Channel.SUPPORT, IncreaseOutcome.FILED, "case-1")
    assert aws.requests == []
    [again] = submit_all(aws, WISHES[:1])
    assert (again.outcome, again.case_id) == (IncreaseOutcome.ALREADY_OPEN, "case-1")
    assert len(aws.cases) == 1


@pytest.mark.parametrize("denied", [frozenset[str](), frozenset({"describe_cases"}), frozenset({"create_case"})])
def test_where_support_takes_nothing_the_reason_stays(denied: frozenset[str]) -> None:
    aws = FaultyServiceQuotas(QUOTAS, value=1, default=8, has_plan=bool(denied), denied=denied)
    [increase] = submit_all(aws, WISHES[:1])
    assert increase.outcome is IncreaseOutcome.REFUSED
    assert (
        "only AWS Support can restore it" in increase.reason
        or "create_case" in increase.reason
        or "CreateCase" in increase.reason
    )


def test_a_request_that_hangs_is_helped_on_once() -> None:
    aws = FaultyServiceQuotas(QUOTAS)
    submit_all(aws, WISHES[:1])
    aws.sleep(3600)
    assert [increase.outcome for increase in submit_all(aws, WISHES[:1])] == [IncreaseOutcome.ALREADY_OPEN]
    aws.sleep(48 * 3600)
    [helped] = submit_all(aws, WISHES[:1])
    assert (helped.outcome, helped.reason) == (
        IncreaseOutcome.ALREADY_OPEN,
        "AWS opens a support case for the open request.",
    )
    assert [increase.outcome for increase in submit_all(aws, WISHES[:1])] == [IncreaseOutcome.ALREADY_OPEN]
    assert aws.calls.count("create_support_case") == 1


def test_help_that_arrived_although_its_response_was_lost_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for seed in range(5):  # both come about among these
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / str(seed)))
        aws = FaultyServiceQuotas(QUOTAS, random.Random(seed))
        submit_all(aws, WISHES[:1])
        aws.sleep(48 * 3600)
        aws.lost = 1.0
        [helped] = submit_all(aws, WISHES[:1])
        found.add((len(aws.effects), helped.outcome, helped.case_id))
    assert found == {
        (2, IncreaseOutcome.ALREADY_OPEN, "case-of-request-1"),
        (1, IncreaseOutcome.UNKNOWN, None),
    }


def test_a_request_that_hangs_and_may_not_be_helped_is_open_all_the_same() -> None:
    aws = FaultyServiceQuotas(QUOTAS, denied=frozenset({"create_support_case"}))
    submit_all(aws, WISHES[:1])
    aws.sleep(48 * 3600)
    [increase] = submit_all(aws, WISHES[:1])
    assert increase.outcome is IncreaseOutcome.ALREADY_OPEN
    assert "may not call" in increase.reason


def test_the_form_of_the_console_needs_nothing_that_can_be_read() -> None:
    aws = FaultyServiceQuotas(QUOTAS, flaky=1.0)
    [increase] = submit_all(aws, WISHES[:1], Channel.CONSOLE)
    assert increase.outcome is IncreaseOutcome.UNKNOWN
    [note] = increase_result([increase], why="a course").notes
    for part in ("Region: us-east-1", "Limit: ml.m4.xlarge for training job usage", "value: 4", "Use case: a course"):
        assert part in note


def test_only_what_was_sent_is_said_to_be_filed_perhaps() -> None:
    listings = {operation for operation in READS if operation.startswith("list_requested")}
    unread = submit_all(FaultyServiceQuotas(QUOTAS, denied=frozenset(listings)), WISHES[:1])
    lost = submit_all(FaultyServiceQuotas(QUOTAS, lost=1.0, lag=60.0), WISHES[:1])
    assert {increase.outcome for increase in (*unread, *lost)} == {IncreaseOutcome.UNKNOWN}
    assert increase_result(unread).notes == ("Nothing was sent for unknown outcomes. Run the same command again.",)
    assert "may have been filed" in increase_result(lost).notes[0]
