"""The tags of many notebooks are listed a hundred a call; what is done about one reads its tags again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import BROKEN, DENIED, FakeAws, Fault
from tests.fakes.fake_jupyter import serve_jupyters
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.slow import serves

pytestmark = pytest.mark.served

MANY = 120
"""More than one page of the tagging API holds."""
KEPT = {"lab-000", "lab-057", "lab-119"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Jupyter is given up because the machine is busy."""
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", 600.0)
    monkeypatch.setenv("OPSKIT_READ_TIMEOUT", "600s")


@pytest.fixture
@serves
def rooms(fake_aws: FakeAws) -> Iterator[FakeNotebooks]:
    """An account with many idle notebooks, a few of which are kept."""
    labs = [FakeNotebook(f"lab-{at:03}").kernel("idle", timedelta(hours=5)) for at in range(MANY)]
    for lab in labs:
        if lab.name in KEPT:
            lab.tags = {"opskit:keep": "thesis"}
    with serve_jupyters(fake_aws, FakeNotebooks.of(*labs)) as made:
        yield made


def verdicts(ran: CliResult) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in ran.data["notebooks"]:
        found.setdefault(row["verdict"], set()).add(row["name"])
    return found


def look(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, set[str]]:
    return verdicts(run_opskit(capsys, "notebook", "stop", "--idle", "--dry-run", "-o", "json", *words))


@pytest.mark.usefixtures("rooms")
def test_tags_of_many_are_listed(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    found = look(capsys)
    assert (found["protected"], len(found["idle"]), set(found)) == (KEPT, MANY - 3, {"protected", "idle"})
    assert (fake_aws.count("ListTags"), fake_aws.count("GetResources")) == (0, 1)


@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize(
    "fault",
    [
        DENIED,
        BROKEN,
        Fault(200, "", "{}"),
        Fault(200, "", '{"ResourceTagMappingList": []}'),
        Fault(200, "", '{"ResourceTagMappingList": [{"ResourceARN": "a"}]}'),
    ],
)
def test_where_they_cannot_be_listed_each_is_asked(
    fault: Fault, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.aws.client.random.uniform", lambda low, high: 0.0)
    fake_aws.fault = lambda operation, region: fault if operation == "GetResources" else None
    found = look(capsys)
    assert (found["protected"], set(found)) == (KEPT, {"protected", "idle"})
    assert fake_aws.count("ListTags") == MANY


@pytest.mark.usefixtures("rooms")
def test_a_page_that_is_missing_is_not_taken_for_no_tags(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], rooms: FakeNotebooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.aws.client.random.uniform", lambda low, high: 0.0)
    for lab in rooms.labs.values():
        lab.tags = {"team": "blue", **lab.tags}
    fake_aws.fault = lambda operation, region: (
        BROKEN if operation == "GetResources" and fake_aws.count("GetResources") > 1 else None
    )
    assert look(capsys)["protected"] == KEPT
    assert fake_aws.count("ListTags") == MANY


def test_few_are_asked_one_by_one(fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    labs = [FakeNotebook(f"lab-{at}").kernel("idle", timedelta(hours=5)) for at in range(5)]
    with serve_jupyters(fake_aws, FakeNotebooks.of(*labs)):
        look(capsys)
    assert (fake_aws.count("ListTags"), fake_aws.count("GetResources")) == (5, 0)


def test_a_stop_reads_the_tags_again(
    fake_aws: FakeAws, rooms: FakeNotebooks, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tagging API does not know yet that one is kept."""
    listed = rooms.operations()["GetResources"]({})
    fake_aws.running["GetResources"] = lambda asked: listed
    rooms.labs["lab-001"].tags = {"opskit:keep": "since a moment ago"}
    assert "lab-001" in look(capsys)["idle"]
    ran = run_opskit(capsys, "notebook", "stop", "--idle", "--match", "lab-00*", "--yes", "-o", "json")
    taken = {stop.name for stop in rooms.taken}
    assert taken == {f"lab-00{at}" for at in range(2, 10)}, ran.data["notebooks"]


@pytest.mark.usefixtures("rooms")
def test_many_at_a_rate_leave_none_unknown(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # At AWS's rates it takes half a minute; so AWS and the pace that opskit begins with are ten times as fast.
    monkeypatch.setattr("tests.fakes.fake_aws.UNPUBLISHED_RATE", (100.0, 10.0))
    monkeypatch.setattr("tests.fakes.fake_aws.UNPUBLISHED_RATES", {"ListTags": (50.0, 5.0)})
    monkeypatch.setattr("opskit.aws.pacing.FIRST_LEARNT_RATE", 80.0)
    fake_aws.rates = True
    assert set(look(capsys)) == {"protected", "idle"}
    fake_aws.fault = lambda operation, region: DENIED if operation == "GetResources" else None
    assert set(look(capsys)) == {"protected", "idle"}, "and where only ListTags may be asked"
