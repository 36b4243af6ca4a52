"""``opskit quotas check`` as people and scripts meet it, on an AWS that answers over HTTP."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest

from opskit.core.model import Workload
from tests.fakes.checked_quotas import TOTAL, TRAINING, known_quotas
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault
from tests.unit.quotas.conftest import Check

FIELDS = [
    "region", "instance_type", "usage", "quota_name", "quota_code", "applied", "default", "in_use",
    "in_use_min", "in_use_max", "need", "free", "verdict", "because", "request", "share", "alternatives",
    "request_unknown_because", "used_by",
]  # fmt: skip


def test_the_default_set_has_its_rows_with_every_field(run_check: Check) -> None:
    ran = run_check()
    assert ran.code == 0
    assert ran.envelope | {"data": None} == {
        "opskit": 1,
        "command": ["quotas", "check"],
        "status": "ok",
        "exit": 0,
        "data": None,
        "errors": [],
    }
    assert all(list(row) == FIELDS for row in ran.quotas)
    assert {row["quota_name"]: row["verdict"] for row in ran.quotas} == {
        "ml.t2.medium for notebook instance usage": "fits",
        "ml.m4.xlarge for training job usage": "fits",
        "ml.m4.xlarge for transform job usage": "fits",
        "ml.m4.xlarge for endpoint usage": "fits",
        "ml.p2.xlarge for training job usage": "not-offered",
        "ml.p2.xlarge for transform job usage": "not-offered",
        "Total number of notebook instances": "fits",
        "Total EBS volume size in GB across all notebook instances": "fits",
        "Number of instances across all training jobs": "fits",
        "Maximum number of instances per training job": "fits",
        "Number of instances across all transform jobs": "fits",
        "Number of instances across active endpoints": "fits",
        "Maximum number of instances per endpoint": "fits",
    }


def test_numbers_are_whole_where_they_are(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = known_quotas(3e9, L_A373146E=2.5)
    ran = run_check("ml.m4.xlarge", "--for", "training")
    assert '"applied": 3000000000,' in ran.out
    assert '"applied": 2.5,' in ran.out


def test_a_named_type_that_is_short_is_refused_with_the_command_that_helps(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = known_quotas(L_A373146E=0)
    ran = run_check("ml.m4.xlarge", "--for", "training", "--for", "transform")
    assert (ran.code, ran.envelope["status"]) == (3, "refused")
    assert ran.quotas[0]["quota_name"] == TRAINING
    assert ran.row(TRAINING)["verdict"] == "short"
    told = run_check("ml.m4.xlarge", "--for", "training", form=None)
    assert "opskit quotas increase ml.m4.xlarge --for training --to 2" in told.out


def test_a_total_refuses_too(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = known_quotas(L_00C91CB5=1)
    ran = run_check("ml.m4.xlarge", "--for", "training", "--need", "2")
    assert ran.code == 3
    assert ran.row(TOTAL)["verdict"] == "short"
    assert ran.row(TOTAL)["instance_type"] is None
    told = run_check("ml.m4.xlarge", "--for", "training", "--need", "2", form=None)
    assert "opskit quotas increase total --for training --to 2" in told.out


def test_a_request_that_would_cover_it_is_pending(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = known_quotas(L_A373146E=0)
    fake_aws.requests = [
        {
            "Id": "r-1",
            "QuotaCode": "L-A373146E",
            "QuotaName": TRAINING,
            "DesiredValue": 2.0,
            "Status": "CASE_OPENED",
            "Created": 1.7e9,
            "CaseId": "123",
        }
    ]
    ran = run_check("ml.m4.xlarge", "--for", "training")
    assert (ran.code, ran.row(TRAINING)["verdict"]) == (3, "pending")
    request = {"id": "r-1", "status": "CASE_OPENED", "desired": 2, "created": "2023-11-14T22:13:20Z", "case_id": "123"}
    assert ran.row(TRAINING)["request"] == request
    told = run_check("ml.m4.xlarge", "--for", "training", form=None)
    assert "opskit quotas wait ml.m4.xlarge --for training --to 1" in told.out


def test_what_is_not_offered_refuses_only_when_named(run_check: Check) -> None:
    ran = run_check("ml.p2.xlarge", "--for", "training")
    assert (ran.code, ran.quotas[0]["verdict"], len(ran.quotas)) == (3, "not-offered", 1)
    assert "increase ml.p2" not in run_check("ml.p2.xlarge", "--for", "training", form=None).out


def test_a_retired_type_that_nobody_named_is_a_note_below_the_others(run_check: Check, fake_aws: FakeAws) -> None:
    """AWS lists quotas of 0 for ml.p2 in new accounts still; more of them would help nobody."""
    retired = "ml.p2.xlarge for training job usage", "ml.p2.xlarge for transform job usage"
    fake_aws.quotas = [
        *known_quotas(),
        *(Entry(name, code, 0, 0) for name, code in zip(retired, ("L-P1", "L-P2"), strict=True)),
    ]
    ran = run_check()
    assert (ran.code, [ran.row(name)["verdict"] for name in retired]) == (0, ["short", "short"])
    told = run_check(form=None).out
    assert told.index("(one endpoint)") < told.index("ml.p2.xlarge")
    assert "AWS has retired ml.p2.xlarge" in told
    assert "increase ml.p2" not in told
    assert run_check("ml.p2.xlarge").code == 3
    assert run_check("ml.p2.xlarge", "--all").code == 3


def test_a_type_nobody_knows_is_looked_up(run_check: Check) -> None:
    ran = run_check("ml.m44.xlarge", "--for", "training", form=None)
    assert ran.code == 3
    assert "Did you mean ml.m4.xlarge?" in ran.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["m4.xlarge"], "ml.m4.xlarge"),
        (["ml.m4.xlarg"], "ml.m4.xlarge"),
        (["training"], "--for training"),
        (["ml.m4.xlarge", "--for", "trainig"], "training"),
        (["--need", "0"], ""),
        (["--need", "x"], ""),
        (["--region"], ""),
    ],
)
def test_what_was_mistyped_is_said_and_nothing_is_asked(
    run_check: Check, fake_aws: FakeAws, words: Sequence[str], hint: str
) -> None:
    ran = run_check("-o", "json", *words, form=None)
    assert (ran.code, ran.envelope["status"]) == (2, "error")
    assert hint in ran.envelope["errors"][0]["hint"]
    assert fake_aws.calls == []


def test_an_unreadable_quota_is_unknown_and_the_rest_is_told(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = [
        Entry(entry.name, entry.code, entry.applied, entry.default, "not now" if entry.name == TRAINING else "")
        for entry in known_quotas()
    ]
    ran = run_check("ml.m4.xlarge")
    assert (ran.code, ran.envelope["status"]) == (5, "partial")
    assert ran.row(TRAINING)["verdict"] == "unknown"
    assert ran.row(TRAINING)["applied"] is None
    assert any("not now" in error["message"] for error in ran.envelope["errors"])


def test_a_short_one_wins_over_an_unreadable_one(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.quotas = known_quotas(L_A373146E=0)
    fake_aws.fault = lambda called, _: DENIED if called == "ListEndpoints" else None
    ran = run_check("ml.m4.xlarge", "--for", "training", "--for", "endpoint")
    assert ran.code == 3
    assert {row["verdict"] for row in ran.quotas} == {"short", "unknown", "fits"}


def test_use_that_cannot_be_counted_leaves_unknown(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda called, _: DENIED if called == "ListNotebookInstances" else None
    ran = run_check("ml.t2.medium", "--for", "notebook")
    assert ran.code == 5
    assert {(row["verdict"], row["in_use"], row["free"]) for row in ran.quotas} == {("unknown", None, None)}


def test_requests_that_cannot_be_read_change_no_verdict(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda called, _: DENIED if "Requested" in called else None
    assert run_check("ml.m4.xlarge").code == 0


@pytest.mark.parametrize("fault", [BROKEN, CLOSED, GARBLED, DENIED, THROTTLED])
def test_the_only_region_going_dark_is_4(run_check: Check, fake_aws: FakeAws, fault: Fault) -> None:
    fake_aws.fault = lambda called, region: fault
    ran = run_check()
    assert (ran.code, ran.envelope["status"]) == (4, "error")
    assert {row["verdict"] for row in ran.quotas} == {"unknown"}
    assert ran.envelope["errors"]
    assert all(error["region"] == "us-east-1" for error in ran.envelope["errors"])


def test_one_dark_region_of_two_is_5_and_hides_nothing(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda called, region: BROKEN if region == "eu-west-1" else None
    ran = run_check("--region", "us-east-1", "--region", "eu-west-1")
    assert ran.code == 5
    assert {row["verdict"] for row in ran.quotas if row["region"] == "eu-west-1"} == {"unknown"}
    assert "fits" in {row["verdict"] for row in ran.quotas if row["region"] == "us-east-1"}
    assert {error["region"] for error in ran.envelope["errors"]} == {"eu-west-1"}


def test_short_in_one_region_wins_over_darkness_in_another(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.by_region = {"us-east-1": known_quotas(0)}
    fake_aws.fault = lambda called, region: BROKEN if region == "eu-west-1" else None
    assert run_check("--region", "us-east-1", "--region", "eu-west-1").code == 3


def test_no_credentials_is_4_in_one_sentence(run_check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = run_check("--region", "us-east-1", "--region", "eu-west-1")
    assert ran.code == 4
    (error,) = ran.envelope["errors"]
    assert error["code"] == "no-credentials"


def test_refused_credentials_are_4_in_any_number_of_regions(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.fault = lambda called, region: Fault(403, "UnrecognizedClientException", "The token is invalid")
    assert run_check("--region", "us-east-1", "--region", "eu-west-1").code == 4


def test_nobody_there_is_4(run_check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ran = run_check()
    assert ran.code == 4
    assert "could not be reached" in ran.envelope["errors"][0]["message"]


@pytest.mark.parametrize("region", ["no such region", "us_east_1", "-", "🙂"])
def test_a_region_that_cannot_be_one_is_4_and_no_bug(run_check: Check, region: str) -> None:
    ran = run_check("--region", region)
    assert ran.code == 4
    assert ran.envelope["errors"][0]["message"]


def test_a_check_says_that_it_costs_nothing(run_check: Check, fake_aws: FakeAws) -> None:
    assert run_check().data["cost_usd"] == 0
    assert fake_aws.count("GetMetricData") == 0


def test_csv_has_a_line_a_quota(run_check: Check) -> None:
    rows = list(csv.DictReader(io.StringIO(run_check(form="csv").out)))
    assert list(rows[0]) == FIELDS
    assert len(rows) == 13


@pytest.mark.parametrize("form", ["markdown", None])
def test_no_table_is_cut_off_in_a_pipe(run_check: Check, form: str | None) -> None:
    ran = run_check(form=form)
    assert "not offered in us-east-1: no increase can help" in ran.out
    assert "\x1b" not in ran.out


def test_several_regions_say_where_and_how_to_ask_there(run_check: Check, fake_aws: FakeAws) -> None:
    fake_aws.by_region = {"eu-west-1": known_quotas(L_A373146E=0)}
    ran = run_check("ml.m4.xlarge", "--region", "us-east-1", "--region", "eu-west-1", form=None)
    assert "opskit quotas increase ml.m4.xlarge --for training --to 2 --region eu-west-1" in ran.out


def test_every_usage_of_a_type(run_check: Check) -> None:
    ran = run_check("ml.m4.xlarge", "--all")
    assert ran.code == 0
    assert {row["usage"] for row in ran.quotas} == {workload.value for workload in Workload}


def test_a_request_that_could_not_be_read_is_none_that_there_is_not(run_check: Check, fake_aws: FakeAws) -> None:
    assert {row["request_unknown_because"] for row in run_check().quotas} == {None}
    denied = "ListRequestedServiceQuotaChangeHistory"
    fake_aws.fault = lambda called, _: DENIED if called == denied else None
    rows = run_check().quotas
    assert {row["request"] for row in rows} == {None}
    assert all(denied in row["request_unknown_because"] for row in rows)
