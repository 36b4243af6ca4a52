"""``opskit quotas list`` as people and scripts meet it, on an AWS that answers over HTTP."""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable

import pytest

from tests.fakes.cli_runner import CliResult
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault
from tests.fakes.listed_quotas import BUSY, FULL, HOUR_AGO, HUGE, IDLE, TOTAL, UNAPPLIED, ZERO, listed_entries

FIELDS = [
    "region", "quota_name", "quota_code", "instance_type", "usage", "applied", "default", "in_use", "utilisation",
    "adjustable", "request", "measured_at", "because",
]  # fmt: skip


def listed_names(ran: CliResult) -> list[str]:
    return [row["quota_name"] for row in ran.quotas]


def test_every_quota_has_every_field_and_the_worst_stands_on_top(run_list: Callable[..., CliResult]) -> None:
    ran = run_list()
    assert (ran.code, ran.envelope["status"], ran.envelope["errors"]) == (0, "ok", [])
    assert all(list(row) == FIELDS for row in ran.quotas)
    assert listed_names(ran) == [FULL, BUSY, ZERO, HUGE, TOTAL, IDLE, UNAPPLIED]


def test_use_is_the_newest_that_was_published_with_its_time(run_list: Callable[..., CliResult]) -> None:
    row = run_list().row(FULL)
    assert (row["instance_type"], row["usage"]) == ("ml.m4.xlarge", "training")
    assert (row["applied"], row["default"], row["in_use"], row["utilisation"]) == (2, 0, 3, 150)
    assert row["measured_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(HOUR_AGO))
    assert run_list().row(BUSY)["in_use"] == 3


@pytest.mark.parametrize(("name", "why"), [(IDLE, "published no use"), (TOTAL, "publishes no use")])
def test_what_was_not_published_is_not_zero(run_list: Callable[..., CliResult], name: str, why: str) -> None:
    row = run_list().row(name)
    assert (row["in_use"], row["utilisation"], row["measured_at"]) == (None, None, None)
    assert why in row["because"]


def test_a_default_counts_where_nothing_is_applied_and_is_never_taken_for_it(
    run_list: Callable[..., CliResult],
) -> None:
    row = run_list().row(UNAPPLIED)
    assert (row["applied"], row["default"]) == (None, 2)
    assert "default" in row["because"]
    assert "(2)" in run_list(form=None).out


def test_numbers_beyond_a_billion_are_whole(run_list: Callable[..., CliResult]) -> None:
    assert '"applied": 3000000000,' in run_list().out
    assert "3000000000" in run_list(form=None).out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--match", "M4"], [FULL]),
        (["--match", "ml.?4.xlarge"], [FULL]),
        (["--match", "ml.*job*"], [FULL, ZERO, IDLE]),
        (["--match", "l-33a961fd"], [HUGE]),
        (["--match", "nothing"], []),
        (["--for", "training"], [FULL, ZERO, TOTAL]),
        (["--for", "training", "--for", "endpoint", "--match", "ml."], [FULL, BUSY, ZERO]),
        (["--used"], [FULL, BUSY]),
        (["--short"], [FULL, ZERO]),
        (["--short", "--used"], [FULL]),
    ],
)
def test_what_narrows_it_down(run_list: Callable[..., CliResult], words: list[str], found: list[str]) -> None:
    ran = run_list(*words)
    assert (ran.code, listed_names(ran)) == (0, found)


def test_nothing_found_is_said(run_list: Callable[..., CliResult]) -> None:
    assert "No quota is like that." in run_list("--match", "nothing", form=None).out
    assert run_list("--match", "nothing", form="csv").out == ""


def test_an_open_request_stands_beside_its_quota(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    asked = {"QuotaCode": "L-3", "QuotaName": ZERO, "DesiredValue": 2.0, "Created": 1.7e9}
    fake_aws.requests = [asked | {"Id": "r-1", "Status": "PENDING"}, asked | {"Id": "r-0", "Status": "DENIED"}]
    ran = run_list()
    assert ran.row(ZERO)["request"]["id"] == "r-1"
    assert listed_names(ran)[:3] == [FULL, ZERO, BUSY]
    assert "2, pending" in run_list(form=None).out


def test_a_value_that_could_not_be_read_is_not_taken_from_the_default(
    run_list: Callable[..., CliResult], fake_aws: FakeAws
) -> None:
    fake_aws.fault = lambda called, _: DENIED if called == "ListServiceQuotas" else None
    ran = run_list()
    assert (ran.code, len(ran.quotas)) == (5, 7)
    assert {row["applied"] for row in ran.quotas} == {None}
    assert all("not known" in row["because"] for row in ran.quotas)
    assert listed_names(run_list("--short")) == []


def test_a_listing_that_breaks_off_says_so(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.page = 3
    seen: list[str] = []

    def breaks_off(called: str, region: str) -> Fault | None:
        seen.append(called)
        return DENIED if called == "ListServiceQuotas" and seen.count(called) > 1 else None

    fake_aws.fault = breaks_off
    ran = run_list()
    assert (ran.code, len(ran.quotas)) == (5, 7)
    assert (ran.row(BUSY)["applied"], ran.row(FULL)["applied"]) == (4, None)
    assert "not known" in ran.row(FULL)["because"]


def test_a_value_that_aws_does_not_give_is_a_gap(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.quotas = [Entry(ZERO, "L-3", 0, 0, reason="not now"), *listed_entries()[:2]]
    ran = run_list()
    assert (ran.code, ran.row(ZERO)["applied"]) == (5, None)
    assert "not now" in ran.row(ZERO)["because"]
    assert listed_names(ran)[0] == ZERO


def test_requests_that_cannot_be_read_are_said(run_list: Callable[..., CliResult], fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda called, _: DENIED if "Requested" in called else None
    assert run_list().code == 5


@pytest.mark.parametrize("fault", [BROKEN, CLOSED, GARBLED, DENIED, THROTTLED])
def test_the_only_region_going_dark_is_4_and_one_of_two_is_5(
    run_list: Callable[..., CliResult], fake_aws: FakeAws, fault: Fault
) -> None:
    fake_aws.fault = lambda called, region: fault if region == "eu-west-1" else None
    alone = run_list("--region", "eu-west-1")
    assert (alone.code, alone.envelope["status"], alone.quotas) == (4, "error", [])
    both = run_list("--region", "us-east-1", "--region", "eu-west-1")
    assert (both.code, len(both.quotas)) == (5, 7)
    assert {error["region"] for error in both.envelope["errors"]} == {"eu-west-1"}


def test_several_regions_are_told_apart(run_list: Callable[..., CliResult]) -> None:
    ran = run_list("--region", "us-east-1", "--region", "eu-west-1", "--used", form=None)
    assert ran.out.count("eu-west-1") == ran.out.count("us-east-1") == 2


def test_no_credentials_is_4(run_list: Callable[..., CliResult], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert run_list("--region", "us-east-1", "--region", "eu-west-1").code == 4


def test_csv_has_a_line_a_quota_and_a_pipe_cuts_nothing_off(run_list: Callable[..., CliResult]) -> None:
    rows = list(csv.DictReader(io.StringIO(run_list(form="csv").out)))
    assert list(rows[0]) == FIELDS
    assert len(rows) == 7
    for form in ("markdown", None):
        told = run_list("--defaults", form=form).out
        assert FULL in told
        assert "Default" in told
        assert "not the same as none" in told


def test_quotas_list_shows_a_terminal_the_twenty_most_urgent_and_all_when_asked(
    fake_aws: FakeAws,
    run_list: Callable[..., CliResult],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_aws.quotas = [
        *listed_entries(),
        *(Entry(f"Made up quota {index}", f"L-9{index}", 5, 5) for index in range(40)),
    ]
    assert run_list(form=None).out.count("Made up quota") == 40  # a pipe has them all
    capsys.readouterr()
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)
    first = run_list(form=None).out
    assert "The 20 most urgent of 47 quotas; --all shows the rest" in first
    assert FULL in first
    assert first.count("Made up quota") < 20
    assert run_list("--all", form=None).out.count("Made up quota") == 40
    monkeypatch.setenv("PAGER", "cat")
    assert run_list("--pager", form=None).out.count("Made up quota") == 40
    assert len(run_list().quotas) == 47
