"""``start``, ``stop``, ``keep`` and ``list`` take what a name's pattern, a tag or an owner chooses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from opskit.core.owners import is_owner_named
from tests.fakes.billed_account import trail_event
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import DENIED, Entry, FakeAws
from tests.fakes.fake_notebooks import FakeNotebook
from tests.fakes.notebook_kinds import MakeAccount
from tests.slow import serves

USER = "arn:aws:iam::123456789012:user"
ADA = f"{USER}/ada"


@dataclass(frozen=True)
class Team:
    """An AWS with three notebooks: a teammate's that runs, and two that are stopped, one of them Ada's."""

    aws: FakeAws
    labs: dict[str, FakeNotebook]

    def __getitem__(self, name: str) -> FakeNotebook:
        return self.labs[name]


@pytest.fixture
@serves
def labs(account: MakeAccount) -> Team:
    made = {
        "team-a": FakeNotebook("team-a", tags={"team": "blue", "owner": "bob"}),
        "team-b": FakeNotebook("team-b", status="Stopped", tags={"team": "blue", "opskit:owner": ADA}),
        "mine": FakeNotebook("mine", status="Stopped", instance_type="ml.p3.2xlarge"),
    }
    aws, _ = account(*made.values())
    aws.quotas = [
        Entry("ml.t2.medium for notebook instance usage", "L-04CE2E68", 5),
        Entry("ml.p3.2xlarge for notebook instance usage", "L-04CE2E69", 5),
        Entry("Total number of notebook instances", "L-04CE2E67", 20),
    ]
    return Team(aws, made)


def notebook(capsys: pytest.CaptureFixture[str], *words: str) -> CliResult:
    return run_opskit(capsys, "notebook", *words, "-o", "json")


def names_of(ran: CliResult) -> list[str]:
    return [each["name"] for each in ran.data["notebooks"]]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--match", "team-*"), ["team-a", "team-b"]),
        (("--tag", "team=blue"), ["team-a", "team-b"]),
        (("--owner", "ada"), ["team-b"]),
        (("--owner", ADA), ["team-b"]),
        (("--owner", "bob", "--match", "mine"), []),
        (("--sort", "owner"), ["team-b", "team-a", "mine"]),
        (("--sort", "price"), ["team-a", "mine", "team-b"]),
        (("--sort", "cost"), ["team-a", "mine", "team-b"]),
        (("--sort", "idle"), ["team-a", "mine", "team-b"]),
    ],
)
def test_a_list_holds_what_was_chosen_in_the_order_that_was(
    labs: Team, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], names: list[str]
) -> None:
    ran = notebook(capsys, "list", *words)
    assert (ran.code, names_of(ran)) == (0, names)


def test_a_person_reads_whose_each_is(labs: Team, capsys: pytest.CaptureFixture[str]) -> None:
    told = run_opskit(capsys, "notebook", "list", "--sort", "owner").out
    assert "Owner" in told and " ada " in told and ADA not in told


def test_who_started_it_is_asked_of_cloudtrail_where_no_tag_says(
    labs: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    event = trail_event("StartNotebookInstance", 1, "carol", {"notebookInstanceName": "team-a"})
    labs.aws.running["LookupEvents"] = lambda _: {"Events": [event]}
    labs["team-a"].tags = {}
    rows = {each["name"]: each for each in notebook(capsys, "list", "--who").data["notebooks"]}
    assert (rows["team-a"]["owner"], rows["team-a"]["owner_source"]) == (f"{USER}/carol", "cloudtrail")
    assert rows["mine"]["owner"] is None
    assert notebook(capsys, "list").data["notebooks"][-1]["owner"] is None  # it is asked only if told to
    labs.aws.running["LookupEvents"] = lambda _: DENIED
    labs["team-a"].since -= timedelta(hours=1)  # another start, which nobody has asked about
    ended = notebook(capsys, "list", "--who")
    assert ended.code == 0
    assert "not authorized" in ended.data["owners_unknown_because"] or "denied" in ended.data["owners_unknown_because"]


def test_the_owner_tag_of_one_that_is_stopped_counts_before_cloudtrail(
    labs: Team, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [trail_event("CreateNotebookInstance", 1, "carol", {"notebookInstanceName": name}) for name in labs.labs]
    labs.aws.running["LookupEvents"] = lambda _: {"Events": events}
    rows = {each["name"]: each for each in notebook(capsys, "list", "--who").data["notebooks"]}
    owners = {name: (row["owner"], row["owner_source"]) for name, row in rows.items()}
    carol = (f"{USER}/carol", "cloudtrail")
    assert owners == {"team-a": ("bob", "tag"), "team-b": (ADA, "tag"), "mine": carol}


def test_one_that_may_run_makes_the_sums_unknown(labs: Team, capsys: pytest.CaptureFixture[str]) -> None:
    labs["mine"].status = "InMaintenance"
    totals = notebook(capsys, "list").data["totals"]
    assert (totals["running"], totals["may_run"], totals["usd_per_hour"]) == (1, 1, None)
    told = run_opskit(capsys, "notebook", "list").out
    assert "Whether 1 notebook runs" in told
    assert "at least" in told


def test_what_is_started_by_choice_needs_a_yes(labs: Team, capsys: pytest.CaptureFixture[str]) -> None:
    ran = notebook(capsys, "start", "--tag", "team=blue")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "consent-missing")
    assert "Start 1 notebooks" in ran.err and "team-b" in ran.err
    planned = notebook(capsys, "start", "--tag", "team=blue", "--dry-run")
    assert (planned.code, names_of(planned)) == (2, ["team-a", "team-b"])
    assert labs["team-b"].status == "Stopped"


def test_several_are_kept_at_once(labs: Team, capsys: pytest.CaptureFixture[str]) -> None:
    ran = notebook(capsys, "keep", "--match", "team-*", "--reason", "exams")
    assert (ran.code, names_of(ran)) == (0, ["team-a", "team-b"])
    assert {name: lab.tags.get("opskit:keep") for name, lab in labs.labs.items()} == {
        "team-a": "exams",
        "team-b": "exams",
        "mine": None,
    }
    assert names_of(notebook(capsys, "keep", "mine", "team-a")) == ["mine", "team-a"]


def test_a_stop_by_choice_asks_about_what_is_in_use(labs: Team, capsys: pytest.CaptureFixture[str]) -> None:
    labs["team-a"].start_work()
    ran = notebook(capsys, "stop", "--owner", "bob")
    assert (ran.code, ran.data["notebooks"][0]["outcome"]) == (3, "refused")
    assert labs["team-a"].stops == 0
    assert notebook(capsys, "stop", "--owner", "bob", "--yes").code == 0
    assert labs["team-a"].stops == 1


@pytest.mark.parametrize("command", ["start", "keep", "stop"])
def test_nothing_chosen_is_nothing_changed(labs: Team, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert notebook(capsys, command).code == 2
    if command != "stop":
        ran = notebook(capsys, command, "--tag", "team=red")
        assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "no-notebook")


@pytest.mark.parametrize("command", ["start", "keep"])
def test_tags_that_cannot_be_read_choose_nothing(labs: Team, capsys: pytest.CaptureFixture[str], command: str) -> None:
    labs.aws.running["ListTags"] = lambda _: DENIED
    ran = notebook(capsys, command, "--tag", "team=blue", *(["--yes"] if command == "start" else []))
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (4, "tags-unreadable")


def test_an_owner_is_named_in_full_or_by_the_end_of_an_arn() -> None:
    assert is_owner_named(ADA, "ada") and is_owner_named("ada", "ada") and is_owner_named(ADA, ADA)
    assert not is_owner_named(ADA, "da") and not is_owner_named(None, "ada")
