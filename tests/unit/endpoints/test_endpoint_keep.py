"""``endpoint keep``: the same as for notebooks, for endpoints, and a stop of what is idle heeds it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opskit.core.tags import KEEP, KEEP_REASON, KEEP_UNTIL, OWNER
from tests.fakes.account import client_error, in_memory
from tests.fakes.billed_account import trail_event
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.endpoint_account import EndpointAccount
from tests.fakes.random_account import random_account


@pytest.fixture
def account(isolated_home: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[EndpointAccount]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    account = random_account(random.Random(1), "team-a")
    for at, name in enumerate(("team-b", "other")):
        tags = {OWNER: "arn:aws:iam::123456789012:user/ada"} if at else {"team": "blue"}
        account.endpoints[name] = replace(account.endpoints["team-a"], name=name, tags=tags)
    with in_memory(account):
        yield account


def keep(capsys: pytest.CaptureFixture[str], *words: str, command: str = "keep") -> CliResult:
    return run_opskit(capsys, "endpoint", command, *words, "-o", "json")


def kept(account: EndpointAccount) -> dict[str, set[str]]:
    """The endpoints that are kept, each with the keys that do it."""
    found = {name: {KEEP, KEEP_UNTIL, KEEP_REASON} & each.tags.keys() for name, each in account.endpoints.items()}
    return {name: keys for name, keys in found.items() if keys}


def test_one_is_kept_until_a_time_and_unkept(account: EndpointAccount, capsys: pytest.CaptureFixture[str]) -> None:
    ran = keep(capsys, "other", "--until", "2999-12-24T18:00+01:00", "--reason", "demo")
    assert (ran.code, ran.data["name"], ran.data["kept_until"]) == (0, "other", "2999-12-24T17:00:00Z")
    assert kept(account) == {"other": {KEEP_UNTIL, KEEP_REASON}}
    assert run_opskit(capsys, "endpoint", "stop", "other", "-o", "json").code == 2
    listed = run_opskit(capsys, "endpoint", "list", "--owner", "ada", "-o", "json").data["endpoints"]
    assert [(row["name"], row["verdict"]) for row in listed] == [("other", "protected")]
    ended = keep(capsys, "other", command="unkeep")
    assert (ended.code, ended.data["removed"], kept(account)) == (0, [KEEP_UNTIL, KEEP_REASON], {})
    assert account.deletes == 0


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--match", "team-*"], {"team-a", "team-b"}),
        (["--tag", "team=blue"], {"team-b"}),
        (["--owner", "ada"], {"other"}),
        (["team-a", "other"], {"team-a", "other"}),
    ],
)
def test_several_are_chosen_as_notebooks_are(
    words: list[str], names: set[str], account: EndpointAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kept(account) == {}
    assert keep(capsys, *words, "--for", "14d", "--dry-run").code == 0
    assert kept(account) == {}
    ran = keep(capsys, *words, "--for", "14d")
    assert (ran.code, {row["name"]: row["outcome"] for row in ran.data["endpoints"]}) == (
        0,
        dict.fromkeys(names, "done"),
    )
    assert kept(account) == {name: {KEEP_UNTIL} for name in names}


def test_nothing_is_shortened_without_yes(account: EndpointAccount, capsys: pytest.CaptureFixture[str]) -> None:
    account.endpoints["other"].tags[KEEP] = "board"
    ran = keep(capsys, "other", "--for", "1h")
    assert (ran.code, ran.envelope["errors"][0]["code"], kept(account)) == (2, "consent-missing", {"other": {KEEP}})
    assert keep(capsys, "other", "--for", "1h", "--yes").code == 0
    assert kept(account) == {"other": {KEEP_UNTIL}}


@pytest.mark.parametrize("trouble", ["throttle", "done-500"])
def test_an_answer_that_is_lost_is_looked_up(
    trouble: str, account: EndpointAccount, capsys: pytest.CaptureFixture[str], no_backoff: None
) -> None:
    left = [trouble]
    account.fault = lambda operation: left.pop() if left and operation == "AddTags" else ""
    assert keep(capsys, "other").code == 0
    assert (kept(account), account.writes.count("AddTags")) == ({"other": {KEEP}}, 1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("gone",), 2),
        (("a b",), 2),
        (("",), 2),
        (("x" * 300,), 2),
        (("--match", "nobody-*"), 2),
        (("other", "--for", "1h", "--until", "2999-01-01"), 2),
        (("other", "--until", "2001-01-01"), 2),
        (("other", "--until", "christmas"), 2),
    ],
)
def test_what_makes_no_sense_is_refused(
    words: tuple[str, ...], code: int, account: EndpointAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = keep(capsys, *words)
    assert (ran.code, ran.envelope["errors"][0]["hint"] != "", account.writes) == (code, True, [])


def test_one_whose_tags_cannot_be_read_is_not_chosen_by_them(
    account: EndpointAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_tags(self: EndpointAccount, params: dict[str, object]) -> dict[str, object]:
        raise client_error("ListTags", "AccessDeniedException", "not authorized", 403)

    monkeypatch.setattr(EndpointAccount, "do_list_tags", list_tags)
    ran = keep(capsys, "--tag", "team=blue")
    assert (ran.code, ran.envelope["errors"][0]["code"], account.writes) == (4, "tags-unreadable", [])


def test_what_is_going_is_not_kept(account: EndpointAccount, capsys: pytest.CaptureFixture[str]) -> None:
    account.endpoints["other"].steps = ["Deleting", "Deleting", "Deleting", "gone"]
    assert (keep(capsys, "other").code, account.writes) == (2, [])


def test_a_date_alone_is_its_beginning(account: EndpointAccount, capsys: pytest.CaptureFixture[str]) -> None:
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    assert keep(capsys, "other", "--until", str(day)).data["kept_until"] == f"{day}T00:00:00Z"


def test_the_list_asks_cloudtrail_where_no_tag_names_an_owner(
    account: EndpointAccount, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSKIT_OWNER_TAGS", "contact")
    account.endpoints["team-b"].tags["contact"] = "grace"
    for each in account.endpoints.values():
        each.created = datetime.now(UTC) - timedelta(days=3)
    event = trail_event("CreateEndpoint", 2, "bob", {"endpointName": "team-a"})
    monkeypatch.setattr(EndpointAccount, "do_lookup_events", lambda self, params: {"Events": [event]}, raising=False)
    ran = run_opskit(capsys, "endpoint", "list", "--who", "-o", "json")
    told = {row["name"]: (row["owner"] or "", row["owner_source"]) for row in ran.data["endpoints"]}
    assert {name: (owner.rpartition("/")[2], source) for name, (owner, source) in told.items()} == {
        "team-a": ("bob", "cloudtrail"),
        "team-b": ("grace", "tag"),
        "other": ("ada", "tag"),
    }
    table = run_opskit(capsys, "endpoint", "list", "--who").out
    assert "Owner" in table
    assert "bob" in table


@pytest.mark.parametrize("name", ["a b", "über", ""])
def test_no_endpoint_with_a_name_that_cannot_be_one_was_stopped(
    name: str, account: EndpointAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = keep(capsys, name, command="start")
    assert (ran.code, ran.envelope["errors"][0]["message"]) == (
        2,
        f"opskit has stopped no endpoint '{name}' in us-east-1.",
    )
