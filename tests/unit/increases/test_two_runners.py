"""Two runners with one table file nothing twice and forget nothing, whatever happens to them, the table and AWS."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from opskit.core.exceptions import OpskitError
from opskit.increases import store
from opskit.increases.flows.plan import plan_increases, queued_increases
from opskit.increases.flows.submit import submit_increases
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import Increase, IncreaseOutcome
from opskit.state.change_outcome import ChangeOutcome
from opskit.state.home import state_home, use_state_home
from tests.fakes.faulty_service_quotas import FaultyServiceQuotas
from tests.fakes.state_table import FaultyDynamoDb, faulty_dynamodb
from tests.fakes.two_runners import Runner, TwoRunners, two_runners
from tests.seeds import few_of_many
from tests.unit.increases.test_submit_under_faults import QUOTAS, WISHES

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyDynamoDb]:
    with faulty_dynamodb(monkeypatch) as faults:
        yield faults


def submit_wishes(world: TwoRunners, aws: FaultyServiceQuotas, runner: Runner, wishes: int) -> tuple[Increase, ...]:
    clock, clients = world.clock(runner), aws.new_clients()
    plans = plan_increases(clients, world.dice.sample(WISHES, wishes), Channel.AUTO, clock.now())
    return submit_increases(clients, plans, "a test", clock, lambda text: None)


def resume_all(world: TwoRunners, aws: FaultyServiceQuotas, runner: Runner) -> None:
    clock = world.clock(runner)
    for client, increase, why in queued_increases(aws.new_clients(), clock.now(), everywhere=True):
        submit_increases([client], [increase], why, clock, lambda text: None)


def live_on(world: TwoRunners, aws: FaultyServiceQuotas, runner: Runner) -> None:
    """The runs of one machine, one after the other."""
    for _ in range(3):
        try:
            if world.dice.random() < 0.4:
                resume_all(world, aws, runner)
            else:
                submit_wishes(world, aws, runner, world.dice.randint(1, len(WISHES)))
        except OpskitError:
            world.failed += 1
        world.sleep(world.dice.choice([0.1, 1, 60, 3600]))


@pytest.mark.parametrize("seed", few_of_many(2, 200))
def test_two_runners_with_one_table_file_each_increase_once(
    seed: int, db: FaultyDynamoDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    db.dice = dice
    db.throttled, db.lost_before, db.lost_after = dice.choice([(0, 0, 0), (0.3, 0, 0), (0.1, 0.1, 0.2)])
    # What a killed runner sent may be listed after half a minute only where AWS itself refuses a second open request.
    lag, is_strict = dice.choice([(0, False), (8, False), (600, True)])
    aws = FaultyServiceQuotas(
        QUOTAS,
        dice,
        lost=dice.choice([0.0, 0.6]),
        flaky=dice.choice([0.0, 0.1]),
        lag=lag,
        is_strict=is_strict,
        most_open=dice.choice([1, 99]),
    )
    world = TwoRunners(db, dice, killed=dice.choice([0.0, 0.01]), paused=dice.choice([0.0, 0.02]))
    world.advance = lambda seconds: setattr(aws, "passed", aws.passed + seconds)
    with two_runners(world, monkeypatch):
        for _ in range(2):
            world.run_both(*[lambda runner: live_on(world, aws, runner)] * 2)
            assert max(Counter(aws.codes()).values(), default=0) <= 1, aws.codes()
        world.killed = world.paused = 0.0
        db.without_faults()
        aws.without_faults()

        def end_well(runner: Runner) -> None:
            waiting = {each.quota_name for each in store.pending_requests(aws.new_clients()[0])}
            world.sleep(3700)
            resume_all(world, aws, runner)
            assert {QUOTAS[name] for name in waiting} <= set(aws.codes())
            submit_wishes(world, aws, runner, len(WISHES))
            assert sorted(aws.codes()) == sorted(QUOTAS.values())
            outcomes = {each.outcome for each in submit_wishes(world, aws, runner, len(WISHES))}
            assert outcomes == {IncreaseOutcome.ALREADY_OPEN}
            assert runner.home is not None
            told = runner.home.journal.read_entries(LONG_AGO)
            assert not told.damage
            # Each request that AWS took is in the journal, though perhaps only as begun, by a runner that was killed.
            filed = Counter(
                each.subject for each in told.entries if each.outcome in ("filed", "unknown", ChangeOutcome.STARTED)
            )
            assert {f"{name} to 4" for name in QUOTAS} <= set(filed)

        world.run_both(end_well)


def test_what_is_only_put_off_hides_no_attempt(db: FaultyDynamoDb) -> None:
    client = FaultyServiceQuotas(QUOTAS).new_clients()[0]
    now = datetime(2026, 11, 26, tzinfo=UTC)
    name = next(iter(QUOTAS))
    parts = ("us-east-1", name, "ml.m4.xlarge", WISHES[0].workload, 4.0, Channel.AUTO, "")
    for home in (db.new_home(), None):
        with use_state_home(home):
            store.upsert_queued(client, store.QueuedRequest(*parts, store.QueueState.ATTEMPTED, now))
            store.upsert_queued(client, store.QueuedRequest(*parts, store.QueueState.QUEUED, now))
            assert [each.state for each in store.pending_requests(client)] == [store.QueueState.ATTEMPTED]
            with state_home().locks.hold_lock("increase", on_wait=lambda: None) as lock:
                store.upsert_queued(client, store.QueuedRequest(*parts, store.QueueState.QUEUED, now), lock)
            assert [each.state for each in store.pending_requests(client)] == [store.QueueState.QUEUED]
