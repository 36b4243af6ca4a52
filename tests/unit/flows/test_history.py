"""What the stops in the journal saved, with AWS's word where the journal ends, and without it where it must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from opskit.act import notebooks as act
from opskit.aws import Caller, Connection, Door
from opskit.errors import ExitCode, NoCredentials
from opskit.flows.history import History, history
from opskit.model import Notebook
from opskit.show.history import history as shown
from opskit.state import journal
from tests.unit.flows.test_create_notebook import LAB, described
from tests.unit.stubbed import ACCOUNT, Script, scripted

PRICE = Decimal("0.10")


def hours_from_now(hours: float) -> datetime:
    """The journal takes the machine's time, so what AWS says is told beside it."""
    return datetime.now(UTC) + timedelta(hours=hours)


@pytest.fixture
def aws() -> Iterator[tuple[Door, Script]]:
    with scripted() as both:
        yield both


def stop(door: Door, script: Script, name: str = "lab", usd: Decimal | None = PRICE, ran_for: float = 5) -> None:
    script.answers("sagemaker", "stop_notebook_instance", {})
    since = hours_from_now(-ran_for)
    seen = Notebook("us-east-1", name, LAB, "ml.t2.medium", "InService", since)
    with act.stop_intended(door, seen, "idle", usd) as intent:
        intent.send()


def start(door: Door, script: Script, name: str = "lab") -> None:
    script.answers("sagemaker", "start_notebook_instance", {})
    with act.start_intended(door, name) as intent:
        intent.send()


def lists(script: Script, *told: dict[str, Any]) -> None:
    script.answers("sagemaker", "list_notebook_instances", {"NotebookInstances": list(told)})


def read(door: Door) -> History:
    return history(timedelta(days=30), hours_from_now(10), lambda: door.connection)


def saved(told: History) -> list[Decimal | None]:
    return [each.usd for each in told.savings.values()]


def test_until_now_while_aws_says_that_it_is_off(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script)
    lists(script, described("Stopped", LastModifiedTime=hours_from_now(0)))
    told = read(door)
    assert [round(usd or 0, 2) for usd in saved(told)] == [Decimal("1.00")]
    answer = shown(told)
    assert answer.exit is ExitCode.DONE
    assert answer.data["savings"]["uncounted"] == 0
    [entry] = answer.data["history"]
    assert entry["saved_usd"] == told.savings[entry["id"]].usd
    assert entry["usd_per_hour"] == PRICE


def test_until_the_start_that_aws_tells(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script)
    lists(script, described("InService", LastModifiedTime=hours_from_now(2)))
    assert [round(usd or 0, 2) for usd in saved(read(door))] == [Decimal("0.20")]


def test_a_start_of_ours_needs_no_look(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script)
    start(door, script)
    told = read(door)  # whose script has no list: a look would fail
    assert told.problems == ()
    assert [usd is not None and usd < Decimal("0.01") for usd in saved(told)] == [True]


def test_a_start_of_another_notebook_ends_nothing(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script)
    start(door, script, "other")
    lists(script, described("Stopped", LastModifiedTime=hours_from_now(0)))
    assert [round(usd or 0, 2) for usd in saved(read(door))] == [Decimal("1.00")]


def test_what_has_no_price_is_not_counted_and_nothing_is_asked_for_it(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script, usd=None)
    answer = shown(read(door))
    assert answer.data["savings"] == {"stops": 1, "saved_usd": 0, "uncounted": 1}
    assert any("1 stop not counted: its price is not known" in note for note in answer.notes)


def test_without_aws_the_journal_still_tells_and_says_what_it_rests_on(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script)

    def locked() -> Connection:
        raise NoCredentials("no-credentials", "AWS credentials: none found.")

    told = history(timedelta(days=30), hours_from_now(10), locked)
    answer = shown(told)
    assert [round(usd or 0, 2) for usd in saved(told)] == [Decimal("1.00")]
    assert answer.exit is ExitCode.PARTLY
    assert "as far as opskit's journal tells" in answer.data["history"][0]["saved_because"]
    assert any("journal" in note for note in answer.notes)


def test_a_list_that_is_denied_is_said(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script)
    script.refuses("sagemaker", "list_notebook_instances", "AccessDeniedException", "no")
    told = read(door)
    assert [problem.code for problem in told.problems] == ["denied"]
    assert saved(told) != [None]


def as_account(door: Door, account: str, endpoint: str = "aws") -> Connection:
    """A connection that leads to another account, or to another endpoint."""
    other = dataclasses.replace(door.connection)
    other._asking = Future()
    other._asking.set_result(Caller(account, f"arn:aws:iam::{account}:user/me"))
    other.endpoint = lambda: endpoint  # type: ignore[method-assign]
    return other


ELSEWHERE = [("999999999999", "aws"), (ACCOUNT, "http://127.0.0.1:4566"), ("999999999999", "http://127.0.0.1:4566")]


@pytest.mark.parametrize(("account", "endpoint"), ELSEWHERE)
def test_only_the_present_account_and_endpoint_are_summed(
    aws: tuple[Door, Script], account: str, endpoint: str
) -> None:
    door, script = aws
    for _ in range(2):  # a stop of each that the journal ends, so that both are worth something
        stop(door, script)
        start(door, script)
    there = as_account(door, account, endpoint)
    told = history(timedelta(days=30), hours_from_now(10), lambda: there)
    answer = shown(told)
    assert (answer.data["account"], answer.data["endpoint"]) == (account, endpoint)
    assert answer.data["savings"] == {"stops": 0, "saved_usd": 0, "uncounted": 0}
    assert answer.data["history"] == []
    [other] = answer.data["elsewhere"]
    assert (other["account"], other["endpoint"], other["changes"], other["stops"]) == (ACCOUNT, "aws", 4, 2)
    assert f"Account {ACCOUNT}: 4 changes, of another account or endpoint. --all shows them." in answer.notes
    assert not any(note.startswith("2 stops saved") for note in answer.notes)
    everything = shown(told, everywhere=True)
    assert len(everything.data["history"]) == 4
    assert everything.data["savings"] == answer.data["savings"]
    assert everything.tables[0].columns[0].header == "Account"
    assert {row[0].text for row in everything.tables[0].rows} == {ACCOUNT}


def test_here_and_elsewhere_are_two_sums(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script)
    start(door, script)
    stop(Door(as_account(door, "999999999999"), door.region), script)  # where it is still off, as far as we know
    answer = shown(read(door))
    assert [entry["account"] for entry in answer.data["history"]] == [ACCOUNT, ACCOUNT]
    assert answer.data["savings"]["stops"] == 1
    [other] = answer.data["elsewhere"]
    assert (other["stops"], other["saved_usd"], other["uncounted"]) == (1, 0, 1)
    assert any("can only be told there" in note for note in answer.notes)


def test_whose_account_is_not_known_is_shown_and_not_summed(
    aws: tuple[Door, Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    door, script = aws
    with monkeypatch.context() as patched:
        patched.setattr(journal, "_caller", lambda door: (None, None))
        stop(door, script)
        start(door, script)
    answer = shown(read(door))
    assert [entry["account"] for entry in answer.data["history"]] == [None, None]
    assert answer.data["savings"]["stops"] == 0
    assert [(each["account"], each["stops"]) for each in answer.data["elsewhere"]] == [(None, 1)]
    assert not any("--all" in note for note in answer.notes)


def test_where_the_present_account_is_not_known_nothing_is_summed_over_several(aws: tuple[Door, Script]) -> None:
    door, script = aws
    for each in (door, Door(as_account(door, "999999999999"), door.region)):
        stop(each, script)
        start(each, script)

    def locked() -> Connection:
        raise NoCredentials("no-credentials", "AWS credentials: none found.")

    answer = shown(history(timedelta(days=30), hours_from_now(10), locked))
    assert answer.exit is ExitCode.PARTLY
    assert len(answer.data["history"]) == 4
    assert answer.data["savings"] == {"stops": 2, "saved_usd": None, "uncounted": 2}
    assert [each["stops"] for each in answer.data["elsewhere"]] == [1, 1]


def test_a_refused_stop_is_no_stop(aws: tuple[Door, Script]) -> None:
    door, script = aws
    script.refuses("sagemaker", "stop_notebook_instance", "ValidationException", "Status (Stopped) not in …")
    seen = Notebook("us-east-1", "lab", LAB, "ml.t2.medium", "InService", hours_from_now(-1))
    with pytest.raises(Exception, match="Status"), act.stop_intended(door, seen, "idle", PRICE) as intent:
        intent.send()
    with act.stop_intended(door, seen, "idle", PRICE) as intent:
        intent.why_not = "a last look spoke against it"
    told = read(door)
    assert told.savings == {}
    assert [entry.outcome for entry in told.entries] == ["refused", "dropped"]
    assert any("'dropped' was not sent" in note for note in shown(told).notes)
    assert shown(told).data["savings"] == {"stops": 0, "saved_usd": 0, "uncounted": 0}


def test_many_stops_are_no_trouble(aws: tuple[Door, Script]) -> None:
    door, script = aws
    for _ in range(50):
        stop(door, script)
        start(door, script)
    assert len(saved(read(door))) == 50


def test_a_span_without_an_end_is_all(aws: tuple[Door, Script]) -> None:
    door, script = aws
    stop(door, script, usd=None)
    assert len(history(timedelta(days=900_000), hours_from_now(10), lambda: door.connection).entries) == 1
