"""Two runners with one table stop idle notebooks, each with a grace of which somebody hears: none is stopped that
somebody uses or keeps, nor before its grace is over, and what is done is told once, whatever happens to them, the
table and AWS.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, OutcomeUnknown, Throttled
from opskit.core.model import Notebook, Unknown
from opskit.core.stop_outcome import StopOutcome
from opskit.core.tags import IDLE_SINCE, KEEP
from opskit.notebooks.flows.inspect import inspect_all
from opskit.notebooks.flows.stop import execute_stops, plan_idle_stops
from opskit.notebooks.flows.stop_plan import StopAction, StopPolicy, confirm_graces
from opskit.notebooks.render.stop import stop_result
from opskit.notebooks.rules.enums import NotebookAction
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notifications.cli import with_notifications
from opskit.output.result import CommandResult
from opskit.state.change_outcome import ChangeOutcome
from tests.fakes.faulty_service_quotas import FaultyServiceQuotas
from tests.fakes.state_table import FaultyDynamoDb, faulty_dynamodb
from tests.fakes.two_runners import Runner, TwoRunners, two_runners
from tests.fakes.used_notebooks import UsedNotebook
from tests.seeds import few_of_many

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=30)
# AWS refuses signatures of a clock that is five minutes off.
MAX_CLOCK_ERROR = timedelta(minutes=5)
IDLE, USED = ("ann", "bob", "cem"), ("kept", "busy")


@dataclass
class StopsWorld:
    """The notebooks, and AWS's answers about them. ``lost`` is the share of writes whose answer is lost, before or
    after the effect; ``throttled`` that of those that are throttled; for ``lag`` seconds reads tell the status before.
    """

    world: TwoRunners
    lost: float = 0.0
    throttled: float = 0.0
    lag: float = 0.0
    used_notebooks: dict[str, UsedNotebook] = field(default_factory=dict)
    was_lost: Counter[str] = field(default_factory=Counter)
    stopped_at: dict[str, float] = field(default_factory=dict)
    tagged_at: dict[str, list[float]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        before = self.world.now() - timedelta(hours=6)
        self.used_notebooks = {name: UsedNotebook(before, before, before) for name in (*IDLE, *USED)}
        self.used_notebooks["kept"].tags[KEEP] = "thesis"
        self.used_notebooks["busy"].busy = True

    def stand_ins(self) -> dict[str, Callable[..., Any]]:
        flows = "opskit.notebooks.flows"
        return {
            f"{flows}.inspect.list_notebooks": lambda client: iter(self.tell(self.notebooks)),
            f"{flows}.inspect.remember_names": lambda client, notebooks: None,
            **{
                f"{flows}.{module}.read_arn_tags": lambda client, arn: self.tell(
                    lambda: dict(self.used_notebooks[arn].tags)
                )
                for module in ("inspect", "inside", "recheck", "stop_plan")
            },
            f"{flows}.inspect.list_kind_tags_or_none": lambda client, kind: None,
            f"{flows}.inspect.inspect_jupyter": lambda make_url, is_conclusive, line: self.tell(
                lambda: self.used_notebooks[make_url()].view(self.world.now())
            ),
            f"{flows}.inspect.load_past_inspections": lambda client, notebook: (),
            f"{flows}.inspect.read_workload_price": lambda *asked: Unknown("nobody knows"),
            f"{flows}.inspect.read_presigned_url": lambda client, name: name,
            f"{flows}.inside.read_presigned_url": lambda client, name: name,
            f"{flows}.inside.open_jupyter": self.way_in,
            f"{flows}.inside.OpenJupyter": Way,
            f"{flows}.recheck.OpenJupyter": Way,
            f"{flows}.recheck.read_notebook": lambda client, name: self.tell(lambda: self.notebook(name)),
            f"{flows}.stop.read_notebook": lambda client, name: self.tell(lambda: self.notebook(name)),
            "opskit.aws.writer.AwsWriter.call_once": lambda writer, service, operation, **asked: self.send(
                operation, asked
            ),
            "opskit.notifications.changes.post_to_webhook": lambda target, body: self.hear(body),
        }

    def tell(self, answer: Callable[[], Any]) -> Any:
        """An answer of AWS's; before it and after it another runner may do what it does."""
        self.world.before_call("AWS")
        told = answer()
        self.world.take_turns()
        return told

    def way_in(self, make_url: Callable[[], str], line: Any) -> Any:
        return nullcontext(Way(self, make_url()))

    def notebook(self, name: str) -> Notebook:
        notebook, seconds = self.used_notebooks[name], self.world.seconds
        lags = notebook.status == "Stopped" and seconds - self.stopped_at[name] < self.lag
        return Notebook(
            "us-east-1", name, name, "ml.t2.medium", "InService" if lags else notebook.status, notebook.since
        )

    def notebooks(self) -> list[Notebook]:
        return [self.notebook(name) for name in self.used_notebooks]

    def send(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        self.world.before_call("AWS")
        name = asked.get("NotebookInstanceName") or asked["ResourceArn"]
        dice = self.world.dice
        if dice.random() < self.throttled:
            raise Throttled("throttled", "slow down")
        is_lost, has_arrived = dice.random() < self.lost, dice.random() < 0.7
        if has_arrived or not is_lost:
            self.take(operation, name, asked)
        self.world.take_turns()
        if is_lost:
            self.was_lost[name] += 1
            raise OutcomeUnknown("outcome-unknown", "no answer came")
        return {}

    def take(self, operation: str, name: str, asked: dict[str, Any]) -> None:
        notebook = self.used_notebooks[name]
        match operation:
            case "stop_notebook_instance":
                assert name in IDLE, f"{name} was stopped, which somebody uses"
                if notebook.status != "InService":
                    raise AwsError("invalid", "Status (Stopped) not in ([InService]).")
                notebook.status, self.stopped_at[name] = "Stopped", self.world.seconds
            case "add_tags":
                notebook.tags.update({tag["Key"]: tag["Value"] for tag in asked["Tags"]})
                self.tagged_at.setdefault(name, []).append(self.world.seconds)
            case _:
                notebook.tags.pop(IDLE_SINCE, None)

    def hear(self, body: str) -> None:
        self.world.before_call("webhook")
        for name in self.used_notebooks:
            self.heard[name] += f"the notebook {name} is idle" in body
        self.world.take_turns()

    def come_by(self, runner: Runner) -> tuple[StopAction, ...]:
        """One run of ``notebook stop --idle --grace 30m --notify``."""
        clock = Clock(lambda: self.world.now() + runner.clock_off, self.world.sleep, lambda: self.world.seconds)
        clients = FaultyServiceQuotas({}).new_clients()
        terms = StopPolicy(IdlePolicy(timedelta(hours=1)), GRACE)
        done: list[StopAction] = []

        def stop_idle() -> CommandResult:
            look = inspect_all(clients, terms.idle_policy, clock.now())
            plan = plan_idle_stops(look, terms, clock.now())
            done.extend(confirm_graces(execute_stops(plan, terms, clock), terms, clock))
            return stop_result(done, look, {})

        ctx: Any = SimpleNamespace(
            verbose=False, known_account=lambda: None, settings=SimpleNamespace(get=lambda name: None)
        )
        with_notifications(ctx, ("notebook", "stop"), stop_idle, None, "https://hooks.example/x")
        for each in done:
            self.done[each.inspected.notebook.name] += each.outcome is StopOutcome.DONE
        return tuple(done)


@dataclass
class Way:
    """The way into a notebook's Jupyter."""

    world: StopsWorld
    name: str

    def open_connections(self) -> None:
        return

    def read_all(self) -> Any:
        return self.world.tell(lambda: self.world.used_notebooks[self.name].view(self.world.world.now()))

    def close_connections(self) -> None:
        return


@pytest.fixture
def db(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyDynamoDb]:
    with faulty_dynamodb(monkeypatch) as faults:
        yield faults


@pytest.mark.parametrize("seed", few_of_many(2, 200))
def test_two_runners_with_one_table_stop_what_is_idle_once_and_tell_it(
    seed: int, db: FaultyDynamoDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    db.dice = dice
    db.throttled, db.lost_before, db.lost_after = dice.choice([(0, 0, 0), (0.3, 0, 0), (0.1, 0.1, 0.2)])
    world = TwoRunners(
        db, dice, clocks_off=(0, 0, -4, 4), killed=dice.choice([0.0, 0.004]), paused=dice.choice([0.0, 0.004])
    )
    stops = StopsWorld(
        world, lost=dice.choice([0.0, 0.3]), throttled=dice.choice([0.0, 0.3]), lag=dice.choice([0.0, 5.0])
    )
    for name, stand_in in stops.stand_ins().items():
        monkeypatch.setattr(name, stand_in)

    def live(runner: Runner) -> None:
        for _ in range(4):
            stops.come_by(runner)
            world.sleep(dice.choice([1, 60, 600, 1900]))

    kills = 0
    with two_runners(world, monkeypatch):
        for _ in range(2):
            world.run_both(live, live)
            kills += sum(runner.is_dead for runner in world.runners)
        was_paused, world.killed, world.paused = world.paused, 0.0, 0.0
        stops.lost = stops.throttled = 0.0
        db.without_faults()

        def end_well(runner: Runner) -> None:
            for _ in range(3):
                stops.come_by(runner)
                world.sleep(2000)
            assert {name: notebook.status for name, notebook in stops.used_notebooks.items()} == {
                **dict.fromkeys(IDLE, "Stopped"),
                **dict.fromkeys(USED, "InService"),
            }
            assert runner.home is not None
            told = runner.home.journal.read_entries(LONG_AGO)
            assert not told.damage
            ends = [each for each in told.entries if each.action == NotebookAction.STOP]
            assert {
                each.subject
                for each in ends
                if each.outcome in (ChangeOutcome.DONE, ChangeOutcome.UNKNOWN, ChangeOutcome.STARTED)
            } == set(IDLE)
            doubled = Counter(each.subject for each in ends if each.outcome == ChangeOutcome.DONE)
            assert all(count == 1 or stops.was_lost[name] for name, count in doubled.items()), doubled

        world.run_both(end_well)
    for name in IDLE:
        first_tag = min(stops.tagged_at[name])
        assert stops.stopped_at[name] - first_tag >= (GRACE - 2 * MAX_CLOCK_ERROR).total_seconds(), (
            "its grace was cut short"
        )
        # Told twice where a lost answer hides whose stop it was; else by one run.
        assert stops.done[name] <= 1 + stops.was_lost[name]
        if not (kills or was_paused or stops.was_lost[name]):
            assert stops.heard[name] == 1, "of its grace somebody hears once"
        assert stops.heard[name] <= len(stops.tagged_at[name]) + kills
    assert not any(stops.heard[name] for name in USED)
