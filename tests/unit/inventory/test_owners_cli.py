"""Whose what bills is: a tag's word, else CloudTrail's, else nobody's; and each is asked once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opskit.inventory.reads.trail_events import MAX_TRAIL_CALLS
from tests.fakes.billed_account import ARN, serve_billed_account, trail_event
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks

pytestmark = pytest.mark.usefixtures("no_backoff")

USER = "arn:aws:iam::123456789012:user"
TAGGED = {("endpoint", "live"): "ada", ("notebook", "lab"): "grace", ("volume", "lab"): "grace"}
FROM_TRAIL = {
    ("endpoint", "queue"): f"{USER}/bob",
    ("processing", "clean"): f"{USER}/carol",
    ("volume", "old-lab"): f"{USER}/dora",
}


@pytest.fixture
def billed(fake_aws: FakeAws) -> FakeAws:
    serve_billed_account(fake_aws)
    return fake_aws


def owners_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[dict[tuple[str, str], Any], dict[str, Any]]:
    result = run_opskit(capsys, "costs", *words, "-o", "json")
    assert result.code == 0, result.err
    items = result.data["items"]
    assert {item["owner_source"] for item in items} <= {"tag", "cloudtrail", None}
    return {(item["kind"], item["name"]): (item["owner"], item["owner_known_by"]) for item in items}, result.data


def test_tags_come_first_then_cloudtrail(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    owners, data = owners_of(capsys)
    expected = {name: (owner, "tag") for name, owner in {**TAGGED, ("transform", "score"): "linus"}.items()}
    expected |= {name: (owner, "cloudtrail") for name, owner in FROM_TRAIL.items()}
    assert {name: owner for name, owner in owners.items() if owner[0] and owner[1] != "profile"} == expected
    assert owners["studio-app", "d-1/code-space/CodeEditor/default"] == ("code", "profile")
    assert data["owners_unknown_because"] is None
    verdicts = {(item["kind"], item["name"]): item["verdict"] for item in data["items"]}
    assert verdicts["notebook", "lab"] == "protected"
    assert billed.count("GetResources") == 1
    assert billed.count("ListTags") == 13  # of the jobs alone, which the tagging API is not asked for


def test_what_has_no_arn_was_not_asked_for(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    described = billed.running["DescribeProcessingJob"]
    billed.running["DescribeProcessingJob"] = lambda asked: {**dict(described(asked)), "ProcessingJobArn": None}  # type: ignore[arg-type]
    ran = run_opskit(capsys, "costs", "-o", "json")
    owners = {(item["kind"], item["name"]): item["owner"] for item in ran.data["items"]}
    assert (owners["processing", "clean"], owners["endpoint", "queue"]) == (None, f"{USER}/bob")
    assert "AWS did not report the ARN of clean" in ran.data["owners_unknown_because"]


def test_cloudtrail_is_asked_once_for_each(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = owners_of(capsys)
    billed.forget_calls()
    again, _ = owners_of(capsys)
    assert again == first
    assert billed.count("LookupEvents") == 0


def test_nobody_is_named_where_cloudtrail_may_not_be_read(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    billed.fault = lambda called, region: DENIED if called == "LookupEvents" else None
    owners, data = owners_of(capsys)
    assert {name: owner for name, (owner, source) in owners.items() if source == "tag"} == {
        **TAGGED,
        ("transform", "score"): "linus",
    }
    assert owners["endpoint", "queue"] == (None, None)
    assert "not authorized" in data["owners_unknown_because"] or "denied" in data["owners_unknown_because"]
    assert "Owners are known from tags alone" in run_opskit(capsys, "costs").out
    assert owners_of(capsys, "--no-cloudtrail")[1]["owners_unknown_because"] is None


def test_tags_are_listed_one_by_one_where_the_tagging_api_may_not_be_read(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    billed.fault = lambda called, region: DENIED if called == "GetResources" else None
    owners, _ = owners_of(capsys, "--no-cloudtrail")
    assert owners["endpoint", "live"] == ("ada", "tag")
    assert owners["notebook", "lab"] == ("grace", "tag")


def test_who_made_an_earlier_one_of_the_name_is_not_named_where_the_newest_event_does_not_say_who(
    billed: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [trail_event("CreateEndpoint", hours, "bob", {"endpointName": "queue"}) for hours in (1, 2)]
    told = json.loads(events[0]["CloudTrailEvent"])
    told["userIdentity"] = {"type": "AWSAccount", "accountId": "210987654321"}
    events[0]["CloudTrailEvent"] = json.dumps(told)
    billed.running["LookupEvents"] = lambda asked: {"Events": events}
    owners, _ = owners_of(capsys)
    assert owners["endpoint", "queue"] == (None, None)
    assert owners_of(capsys)[0]["endpoint", "queue"] == (None, None)


def test_the_calls_are_bounded_and_what_is_left_is_said(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    def endless(asked: dict[str, Any]) -> dict[str, Any]:
        at = int(asked.get("NextToken") or 0)
        events = [trail_event("CreateEndpoint", 1, "bob", {"endpointName": f"other-{at}"})]
        return {"Events": events, "NextToken": str(at + 1)}

    billed.running["LookupEvents"] = endless  # type: ignore[assignment]
    _, data = owners_of(capsys)
    assert billed.count("LookupEvents") == MAX_TRAIL_CALLS
    assert "CloudTrail has more events" in data["owners_unknown_because"]
    billed.forget_calls()
    _, data = owners_of(capsys)
    assert billed.count("LookupEvents") == 0  # it would not get further
    assert "CloudTrail has more events" in data["owners_unknown_because"]


def test_what_is_grouped_by_owner_or_tag(billed: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    _, data = owners_of(capsys, "--by", "owner")
    groups = {group["group"]: group["items"] for group in data["groups"]}
    assert groups["grace"] == 4  # a notebook, its volume and two apps of her profile
    assert "(no owner known)" in groups
    _, data = owners_of(capsys, "--by", "tag:team")
    assert {group["group"] for group in data["groups"]} == {"search", "(no tag team)"}
    assert ARN.split(":")[4] == data["account"]


def test_a_setting_names_the_tags_that_name_an_owner(
    billed: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of the usual ones but opskit's own, in its order."""
    monkeypatch.setenv("OPSKIT_OWNER_TAGS", "contact,team")
    owners, _ = owners_of(capsys, "--no-cloudtrail")
    assert owners["endpoint", "live"] == ("search", "tag")
    assert owners["notebook", "lab"] == ("grace", "tag")  # by opskit:owner
    assert owners["transform", "score"][0] is None
    monkeypatch.setenv("OPSKIT_OWNER_TAGS", "contact,owner")
    owners, _ = owners_of(capsys, "--no-cloudtrail")
    assert owners["endpoint", "live"] == ("ada", "tag")


@pytest.mark.parametrize("keys", ["contact", "Contact , contact"])
def test_every_list_and_choice_reads_owners_alike(
    keys: str, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lists of notebooks and their stops, by name of owner too."""
    lab = FakeNotebook("lab", status="Stopped", tags={"owner": "nobody", "contact": "ada"})
    fake_aws.running |= FakeNotebooks.of(lab, FakeNotebook("other", status="Stopped")).operations()
    monkeypatch.setenv("OPSKIT_OWNER_TAGS", keys)
    for words in (("list",), ("stop", "--idle", "--dry-run")):
        ran = run_opskit(capsys, "notebook", *words, "--owner", "ada", "-o", "json")
        assert [(row["name"], row["owner"], row["owner_source"]) for row in ran.data["notebooks"]] == [
            ("lab", "ada", "tag")
        ]
    assert run_opskit(capsys, "notebook", "list", "--owner", "nobody", "-o", "json").data["notebooks"] == []
