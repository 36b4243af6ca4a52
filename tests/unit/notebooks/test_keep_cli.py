"""``notebook keep`` never shortens what is kept without a yes, and says what it replaced."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import DENIED, FakeAws
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks


@pytest.fixture
def lab(fake_aws: FakeAws) -> FakeNotebook:
    lab = FakeNotebook("lab")
    fake_aws.running |= FakeNotebooks.of(lab).operations()
    return lab


def in_hours(hours: int) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")


LONGER: list[dict[str, str]] = [
    {"opskit:keep": "thesis"},
    {"opskit:keep-until": "2999-01-01T00:00:00Z", "opskit:keep-reason": "thesis"},
    {"opskit:keep-until": "when the thesis is written"},
]


@pytest.mark.parametrize("tags", LONGER)
def test_off_a_terminal_nothing_is_shortened_without_yes(
    tags: dict[str, str], lab: FakeNotebook, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.tags = dict(tags)
    ran = run_opskit(capsys, "notebook", "keep", "lab", "--for", "36h", "-o", "json")
    assert (ran.code, lab.tags) == (2, tags)
    [error] = ran.envelope["errors"]
    assert (error["code"], "may shorten" in error["message"], "--yes" in error["hint"]) == (
        "consent-missing",
        True,
        True,
    )
    assert "This would replace that" in ran.err
    ran = run_opskit(capsys, "notebook", "keep", "lab", "--for", "36h", "--yes", "-o", "json")
    assert ran.code == 0
    assert ran.data["replaced"]["tags"] == tags
    assert set(lab.tags) == {"opskit:keep-until"}
    assert lab.tags["opskit:keep-until"] < in_hours(37)


@pytest.mark.parametrize(("answer", "code"), [(True, 0), (False, 2)])
def test_on_a_terminal_somebody_is_asked(
    answer: bool, code: int, lab: FakeNotebook, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("opskit.output.printing.can_prompt", lambda: True)
    monkeypatch.setattr("opskit.output.printing.ask_yes_or_no", ask)
    lab.tags = {"opskit:keep": "thesis"}
    ran = run_opskit(capsys, "notebook", "keep", "lab", "--for", "36h")
    assert (ran.code, "opskit:keep" in lab.tags) == (code, not answer)
    assert "lab is kept: thesis. This would replace that, and protect it until" in asked[0]
    assert ("Before that it was kept: thesis." in ran.out + ran.err) is answer


@pytest.mark.parametrize("words", [("--for", "72h"), ()])
def test_to_keep_for_longer_needs_no_yes_and_keeps_the_reason(
    words: tuple[str, ...], lab: FakeNotebook, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.tags = {"opskit:keep-until": in_hours(36), "opskit:keep-reason": "thesis", "team": "blue"}
    before = {key: value for key, value in lab.tags.items() if key != "team"}
    ran = run_opskit(capsys, "notebook", "keep", "lab", *words, "-o", "json")
    assert (ran.code, ran.data["replaced"]["tags"], ran.data["replaced"]["reason"]) == (0, before, "thesis")
    assert "thesis" in lab.tags.values()
    assert lab.tags["team"] == "blue"


def test_what_was_not_kept_or_no_longer_is_not_replaced(lab: FakeNotebook, capsys: pytest.CaptureFixture[str]) -> None:
    lab.tags = {"opskit:keep-until": in_hours(-1), "opskit:keep-reason": "thesis"}
    ran = run_opskit(capsys, "notebook", "keep", "lab", "--for", "1h", "-o", "json")
    assert (ran.code, ran.data["replaced"], set(lab.tags)) == (0, None, {"opskit:keep-until"})
    assert ran.data["replaced_unknown_because"] is None


def test_what_cannot_be_read_may_be_shortened_and_needs_a_yes(
    lab: FakeNotebook, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_aws.fault = lambda operation, region: DENIED if operation == "ListTags" else None
    assert run_opskit(capsys, "notebook", "keep", "lab", "--for", "1h").code == 2
    assert lab.tags == {}
    ran = run_opskit(capsys, "notebook", "keep", "lab", "--for", "1h", "--yes", "-o", "json")
    assert (ran.code, set(lab.tags)) == (0, {"opskit:keep-until"})
    assert ran.data["replaced"] is None
    assert "sagemaker:ListTags" in ran.data["replaced_unknown_because"]
    lab.tags, fake_aws.fault = {"opskit:keep-until": "soon"}, lambda operation, region: None
    replaced = run_opskit(capsys, "notebook", "keep", "lab", "--dry-run", "-o", "json").data["replaced"]
    assert (replaced["kept_until"], "cannot be read" in replaced["kept_until_unknown_because"]) == (None, True)


def test_an_unkeep_says_how_it_was_kept(lab: FakeNotebook, capsys: pytest.CaptureFixture[str]) -> None:
    lab.tags = {"opskit:keep": "thesis"}
    ran = run_opskit(capsys, "notebook", "unkeep", "lab", "-o", "json")
    assert (ran.code, ran.data["removed"], ran.data["replaced"]["reason"]) == (0, ["opskit:keep"], "thesis")
    assert lab.tags == {}
    assert run_opskit(capsys, "notebook", "unkeep", "lab", "-o", "json").data["replaced"] is None


@pytest.mark.parametrize("name", ["über", "a b", "", "x" * 300])
@pytest.mark.parametrize("command", [("keep",), ("unkeep",), ("start",), ("open", "--print")])
def test_no_notebook_has_a_name_that_cannot_be_one(
    name: str, command: tuple[str, ...], lab: FakeNotebook, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_aws.running["DescribeNotebookInstance"] = lambda _: DENIED  # as whatever AWS says of such a name
    ran = run_opskit(capsys, "notebook", *command, name, "-o", "json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "no-notebook")
