"""Never twice, never forgotten: quota requests against an AWS that does its worst, in seeded lives."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Thread

import pytest

from opskit.decide.increase import Ask, Outcome, Via, Wish
from opskit.errors import OpskitError
from opskit.flows.increase import file_increases
from opskit.flows.plan_increases import plan_increases, waiting_asks
from opskit.model import Usage
from opskit.show.requests import increases
from opskit.state import queue
from tests.seeds import few_of_many
from tests.unit.flows.rough_quotas import Killed, RoughQuotas

USES = (Usage.TRAINING, Usage.TRANSFORM, Usage.ENDPOINT)
QUOTAS = {
    "ml.m4.xlarge for training job usage": "L-A373146E",
    "ml.m4.xlarge for transform job usage": "L-WRONG001",  # not the code that opskit was shipped with
    "ml.m4.xlarge for endpoint usage": "L-97CF11BE",
}
WISHES = [Wish("ml.m4.xlarge", usage, 4) for usage in USES]
ALONE = (68, 73, 90)
"""Of a hundred lives, those without which some broken condition in flows/increase.py was not noticed."""


@pytest.fixture(autouse=True)
def no_waiting(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody sleeps, and where memory can be a disk, no life waits for one."""
    monkeypatch.setattr("opskit.aws.time.sleep", lambda seconds: None)
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None, ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("XDG_STATE_HOME", folder)
        yield


def run(aws: RoughQuotas, wishes: Sequence[Wish] = WISHES, via: Via = Via.AUTO) -> tuple[Ask, ...]:
    doors, clock = aws.doors(), aws.clock()
    plans = plan_increases(doors, wishes, via, clock.now())
    return file_increases(doors, plans, "a test", clock, lambda text: None)


def resume(aws: RoughQuotas) -> list[Ask]:
    clock = aws.clock()
    found = waiting_asks(aws.doors(), clock.now(), everywhere=True)
    return [done for door, ask, why in found for done in file_increases([door], [ask], why, clock, lambda text: None)]


def attempt(aws: RoughQuotas, *, via: Via = Via.AUTO) -> None:
    """One run of somebody's, or of cron's, however it ends."""
    try:
        if aws.dice.random() < 0.4:
            resume(aws)
        else:
            run(aws, aws.dice.sample(WISHES, aws.dice.randint(1, len(WISHES))), via)
    except (OpskitError, Killed):
        pass
    aws.sleep(aws.dice.choice([0.1, 1, 5, 60, 3600]))


def once_each(aws: RoughQuotas) -> bool:
    return max(Counter(aws.codes()).values(), default=0) <= 1


@pytest.mark.parametrize("seed", few_of_many(12, 500, also=ALONE))
def test_no_life_files_twice_and_none_forgets(seed: int) -> None:
    dice = random.Random(seed)
    lag, is_strict = dice.choice([(0, False), (1, False), (8, False), (600, True)])
    aws = RoughQuotas(
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
        attempt(aws)
        assert once_each(aws), (seed, aws.codes())
    waiting = {one.quota_name for one in queue.waiting(aws.doors()[0])}
    aws.calm().sleep(60)
    resume(aws)
    assert once_each(aws), (seed, aws.codes())
    assert {QUOTAS[name] for name in waiting} <= set(aws.codes())
    run(aws)
    assert sorted(aws.codes()) == sorted(QUOTAS.values())
    assert {ask.outcome for ask in run(aws)} == {Outcome.ALREADY_OPEN}


@pytest.mark.parametrize("seed", few_of_many(12, 500))
def test_no_life_opens_two_cases(seed: int) -> None:
    """AWS Support takes duplicates, and its list lags too."""
    dice = random.Random(seed)
    aws = RoughQuotas(
        QUOTAS, dice, lost=0.6, flaky=dice.choice([0.0, 0.2]), killed=dice.choice([0.0, 0.1]), lag=dice.choice([0, 300])
    )
    for _ in range(6):
        attempt(aws, via=Via.SUPPORT)
        subjects = Counter(case["subject"] for case in aws.cases)
        assert max(subjects.values(), default=0) <= 1, (seed, subjects)


@pytest.mark.parametrize("seed", few_of_many(5, 100))
def test_two_at_once_file_one_each(seed: int) -> None:
    aws = RoughQuotas(QUOTAS, random.Random(seed), lost=0.6, lag=5.0)
    together = Barrier(2)

    def somebody() -> None:
        together.wait()
        run(aws)

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
    aws = RoughQuotas(QUOTAS, denied=frozenset({denied}))
    assert {ask.outcome for ask in run(aws)} == {Outcome.FILED}
    assert {ask.outcome for ask in run(aws)} == {Outcome.ALREADY_OPEN}
    assert once_each(aws)


def test_what_may_not_be_filed_stays_in_the_queue() -> None:
    aws = RoughQuotas(QUOTAS, most_open=0)
    assert {ask.outcome for ask in run(aws)} == {Outcome.QUEUED}
    aws.most_open, aws.denied = 99, frozenset({"request_service_quota_increase"})
    assert {ask.outcome for ask in resume(aws)} == {Outcome.REFUSED}
    assert {ask.outcome for ask in resume(aws.calm())} == {Outcome.FILED}


def test_a_larger_wish_that_waits_survives_a_smaller_one_that_is_filed() -> None:
    aws = RoughQuotas(QUOTAS, most_open=0)
    [larger] = run(aws, [Wish("ml.m4.xlarge", Usage.TRAINING, 8)])
    assert larger.outcome is Outcome.QUEUED
    aws.most_open = 99
    [smaller] = run(aws, [Wish("ml.m4.xlarge", Usage.TRAINING, 4)])
    assert smaller.outcome is Outcome.FILED
    assert [ask.outcome for ask in resume(aws)] == [Outcome.ALREADY_OPEN]
    aws.requests[0]["Status"] = "DENIED"
    [now] = resume(aws)
    assert (now.outcome, now.wish.to) == (Outcome.FILED, 8)


@pytest.mark.parametrize("to", [2_000_000_001, 9_999_999_999])
def test_quotas_of_billions_are_asked_for_to_the_last_digit(to: int) -> None:
    aws = RoughQuotas(QUOTAS, value=2e9, default=1e9)
    [ask] = run(aws, [Wish("ml.m4.xlarge", Usage.TRAINING, to)])
    assert ask.outcome is Outcome.FILED
    assert aws.requests[0]["DesiredValue"] == to
    assert f"Asked AWS for {to};" in ask.because


@pytest.mark.parametrize(("value", "default", "adjustable"), [(1, 8, True), (1, 0, False)])
def test_what_service_quotas_cannot_take_goes_to_support_once(value: int, default: int, adjustable: bool) -> None:
    aws = RoughQuotas(QUOTAS, value=value, default=default, adjustable=adjustable)
    [ask] = run(aws, WISHES[:1])
    assert (ask.via, ask.outcome, ask.case_id) == (Via.SUPPORT, Outcome.FILED, "case-1")
    assert aws.requests == []
    [again] = run(aws, WISHES[:1])
    assert (again.outcome, again.case_id) == (Outcome.ALREADY_OPEN, "case-1")
    assert len(aws.cases) == 1


@pytest.mark.parametrize("denied", [frozenset[str](), frozenset({"describe_cases"}), frozenset({"create_case"})])
def test_where_support_takes_nothing_the_reason_stays(denied: frozenset[str]) -> None:
    aws = RoughQuotas(QUOTAS, value=1, default=8, has_plan=bool(denied), denied=denied)
    [ask] = run(aws, WISHES[:1])
    assert ask.outcome is Outcome.REFUSED
    assert (
        "only AWS Support can restore it" in ask.because or "create_case" in ask.because or "CreateCase" in ask.because
    )


def test_a_request_that_hangs_is_helped_on_once() -> None:
    aws = RoughQuotas(QUOTAS)
    run(aws, WISHES[:1])
    aws.sleep(3600)
    assert [ask.outcome for ask in run(aws, WISHES[:1])] == [Outcome.ALREADY_OPEN]
    aws.sleep(48 * 3600)
    [helped] = run(aws, WISHES[:1])
    assert (helped.outcome, helped.because) == (Outcome.ALREADY_OPEN, "AWS opens a support case for the open request.")
    assert [ask.outcome for ask in run(aws, WISHES[:1])] == [Outcome.ALREADY_OPEN]
    assert aws.calls.count("create_support_case") == 1


def test_a_request_that_hangs_and_may_not_be_helped_is_open_all_the_same() -> None:
    aws = RoughQuotas(QUOTAS, denied=frozenset({"create_support_case"}))
    run(aws, WISHES[:1])
    aws.sleep(48 * 3600)
    [ask] = run(aws, WISHES[:1])
    assert ask.outcome is Outcome.ALREADY_OPEN
    assert "may not call" in ask.because


def test_the_form_of_the_console_needs_nothing_that_can_be_read() -> None:
    aws = RoughQuotas(QUOTAS, flaky=1.0)
    [ask] = run(aws, WISHES[:1], Via.CONSOLE)
    assert ask.outcome is Outcome.UNKNOWN
    [note] = increases([ask], why="a course").notes
    for part in ("Region: us-east-1", "Limit: ml.m4.xlarge for training job usage", "value: 4", "Use case: a course"):
        assert part in note


def test_only_what_was_sent_is_said_to_be_filed_perhaps() -> None:
    listings = {operation for operation in READS if operation.startswith("list_requested")}
    unread = run(RoughQuotas(QUOTAS, denied=frozenset(listings)), WISHES[:1])
    lost = run(RoughQuotas(QUOTAS, lost=1.0, lag=60.0), WISHES[:1])
    assert {ask.outcome for ask in (*unread, *lost)} == {Outcome.UNKNOWN}
    assert increases(unread).notes == ("What is unknown was not asked for. Run the same command again.",)
    assert "may have been filed" in increases(lost).notes[0]
