"""`notebook stop --idle --patience-usd`: each notebook may be idle for as long as it costs that much."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.inside_runs import Account, at_rest
from tests.fakes.notebook_kinds import HOUR, MINUTE, MakeAccount, rows, stop, stops
from tests.fakes.price_answers import priced_products
from tests.slow import serves

pytestmark = pytest.mark.served

PRICES = {"ml.t3.medium": "0.05", "ml.g5.xlarge": "1.41"}


def lab(name: str, instance_type: str, idle: timedelta = 5 * HOUR) -> FakeNotebook:
    return FakeNotebook(name, instance_type=instance_type).kernel("idle", idle)


@pytest.fixture
@serves
def priced(account: MakeAccount) -> tuple[FakeAws, FakeNotebooks]:
    """Three that are idle for five hours: cheap, dear, and of a type that no price list has."""
    aws, rooms = account(lab("cheap", "ml.t3.medium"), lab("dear", "ml.g5.xlarge"), lab("odd", "ml.x9.large"))
    aws.running["GetProducts"] = lambda asked: priced_products(asked, PRICES)
    return aws, rooms


def test_the_dear_one_stops_and_the_cheap_one_may_be_idle_for_longer(
    priced: tuple[FakeAws, FakeNotebooks], capsys: pytest.CaptureFixture[str]
) -> None:
    _, rooms = priced
    ran = stop(capsys, "--patience-usd", "2", "--after", "8h")
    told = rows(ran)
    assert {name: row["verdict"] for name, row in told.items()} == {"cheap": "busy", "dear": "idle", "odd": "busy"}
    assert stops(rooms) == {"dear": 1}
    assert {name: row["patience_seconds"] for name, row in told.items()} == {
        "cheap": 40 * 3600,
        "dear": 5106,
        "odd": 8 * 3600,
    }
    assert "less than 1d16h (2 USD at 0.05 USD per hour)" in told["cheap"]["because"]
    assert "its price is not known" in told["odd"]["because"]
    assert ran.code == 0


def test_the_last_look_has_the_patience_of_the_notebook(
    priced: tuple[FakeAws, FakeNotebooks], capsys: pytest.CaptureFixture[str]
) -> None:
    """It was idle for five hours when it was planned; at the last look somebody has worked an hour ago."""
    _, rooms = priced

    def work(room: FakeNotebook, what: str) -> None:
        if room.name == "dear" and what == "kernels":
            room.kernels.clear()
            room.kernel("idle", HOUR)

    rooms.then = work
    row = rows(stop(capsys, "--patience-usd", "2"))["dear"]
    assert (row["verdict"], row["outcome"], stops(rooms)) == ("busy", None, {"odd": 1})
    assert "less than 1h25m (2 USD at 1.41 USD per hour)" in row["because"]


def test_a_price_list_that_cannot_be_read_shortens_no_patience(
    priced: tuple[FakeAws, FakeNotebooks], capsys: pytest.CaptureFixture[str]
) -> None:
    aws, rooms = priced
    aws.fault = lambda operation, region: DENIED if operation == "GetProducts" else None
    told = rows(stop(capsys, "--patience-usd", "0.02", "--after", "6h"))
    assert {row["patience_seconds"] for row in told.values() if row["usd_per_hour"] is None} == {6 * 3600}
    assert "dear" not in stops(rooms)
    assert stops(rooms).keys() <= {name for name, row in told.items() if row["usd_per_hour"] is not None}


def test_a_look_inside_counts_the_same_time(inside_account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """By the prices of the bundled table: the price list of that account has none."""
    rooms = inside_account(
        at_rest("dear", 2 * HOUR, instance_type="ml.g4dn.xlarge"),
        at_rest("cheap", 2 * HOUR, instance_type="ml.t3.medium"),
    )
    for dry in (("--dry-run",), ()):
        told = rows(stop(capsys, "--patience-usd", "1", "--after", "4h", "--inside", *dry))
        assert (told["dear"]["verdict"], told["cheap"]["verdict"]) == ("idle", "busy")
        assert "it may be idle for 1h21m (1 USD at 0.736" in told["dear"]["because"]
        assert "nothing runs beside Jupyter" in told["dear"]["because"]
    assert stops(rooms) == {"dear": 1}


def test_the_tables_have_a_column_of_it_and_the_setting_is_the_same(
    priced: tuple[FakeAws, FakeNotebooks], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Patience" not in run_opskit(capsys, "notebook", "list").out
    monkeypatch.setenv("OPSKIT_NOTEBOOK_PATIENCE_USD", "2")
    for words in (("list",), ("stop", "--idle", "--dry-run")):
        ran = run_opskit(capsys, "notebook", *words)
        assert "Patience" in ran.out
        [cheap] = [line for line in ran.out.splitlines() if " cheap " in f" {line} "]
        assert "1d16h" in cheap
    listed = run_opskit(capsys, "notebook", "list", "-o", "json").data["notebooks"]
    assert {row["name"]: row["verdict"] for row in listed} == {"cheap": "busy", "dear": "idle", "odd": "idle"}
    # What is typed stands above what is set.
    told = rows(stop(capsys, "--dry-run", "--after", "4h"))
    assert {row["verdict"] for row in told.values()} == {"idle"}


@pytest.mark.parametrize("amount", ["0", "-1", "two", "nan"])
def test_an_amount_that_is_none_is_refused(
    amount: str, priced: tuple[FakeAws, FakeNotebooks], capsys: pytest.CaptureFixture[str]
) -> None:
    ran = stop(capsys, f"--patience-usd={amount}")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "bad-amount")
    assert "amount of USD" in ran.envelope["errors"][0]["message"] + ran.envelope["errors"][0]["hint"]


def test_a_grace_of_a_dear_notebook_begins_when_its_patience_ends(
    priced: tuple[FakeAws, FakeNotebooks], capsys: pytest.CaptureFixture[str]
) -> None:
    _, rooms = priced
    rooms.labs["dear"].kernels.clear()
    rooms.labs["dear"].kernel("idle", 90 * MINUTE)
    told = rows(stop(capsys, "--patience-usd", "2", "--after", "8h", "--grace", "30m"))
    assert {name: row["step"] for name, row in told.items()} == {"cheap": "nothing", "dear": "mark", "odd": "nothing"}
