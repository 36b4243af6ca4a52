"""Looking at several Regions, and through a profile or a role: one that fails never hides the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, Entry, FakeAws, Fault

HERE = "us-east-1"
REGIONS = ("eu-west-1", "me-south-1", HERE)
REFUSED = Fault(400, "UnrecognizedClientException", "The security token included in the request is invalid.")
ROLE = "arn:aws:iam::123456789012:role/looker"

Look = Callable[..., CliResult]


@pytest.fixture(params=["check", "list"])
def run_in_regions(
    request: pytest.FixtureRequest, fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], no_backoff: None
) -> Look:
    fake_aws.quotas = [Entry(name, code, 4, 1) for name, code in list(bundled_codes().items())[:60]]
    fake_aws.enabled = REGIONS
    words = ["ml.m4.xlarge", "--for", "training"] if request.param == "check" else []
    return lambda *more: run_opskit(capsys, "quotas", request.param, *words, *more, "-o", "json")


def shown_regions(ran: CliResult) -> list[str]:
    return sorted({row["region"] for row in ran.quotas})


def test_all_is_every_enabled_region(run_in_regions: Look) -> None:
    ran = run_in_regions("--region", "all")
    assert (ran.code, shown_regions(ran)) == (0, list(REGIONS))


@pytest.mark.parametrize("fault", [DENIED, BROKEN, GARBLED, CLOSED])
def test_ec2_names_the_regions_where_the_account_api_does_not(
    run_in_regions: Look, fake_aws: FakeAws, fault: Fault
) -> None:
    fake_aws.fault = lambda called, _: fault if called == "ListRegions" else None
    assert shown_regions(run_in_regions("--region", "all")) == list(REGIONS)


def test_where_nobody_names_them_the_user_is_asked_to(run_in_regions: Look, fake_aws: FakeAws) -> None:
    denied = Fault(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
    fake_aws.fault = lambda called, _: denied if called in ("ListRegions", "DescribeRegions") else None
    ran = run_in_regions("--region", "all")
    assert ran.code == 4
    (error,) = ran.envelope["errors"]
    assert "--region" in error["hint"]


def test_no_region_at_all_is_no_success(run_in_regions: Look, fake_aws: FakeAws) -> None:
    fake_aws.enabled = ()
    assert run_in_regions("--region", "all").code == 4


@pytest.mark.parametrize(
    "fault", [REFUSED, Fault(403, "OptInRequired", "Not subscribed"), DENIED, BROKEN, CLOSED, GARBLED]
)
def test_a_region_that_lets_nobody_in_hides_no_other(run_in_regions: Look, fake_aws: FakeAws, fault: Fault) -> None:
    fake_aws.fault = lambda called, region: fault if region == "me-south-1" else None
    ran = run_in_regions("--region", "all")
    assert (ran.code, ran.envelope["status"]) == (5, "partial")
    assert {"eu-west-1", "us-east-1"} <= set(shown_regions(ran))
    assert {error["region"] for error in ran.envelope["errors"]} == {"me-south-1"}
    if fault is REFUSED:
        assert "not enabled" in ran.envelope["errors"][0]["hint"]


@pytest.mark.parametrize(("regions", "code"), [(["us-east"], 4), (["us-east", "us-esat-1"], 5), (["us-east", HERE], 0)])
def test_a_check_of_regions_without_sagemaker_alone_is_no_success(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], no_backoff: None, regions: list[str], code: int
) -> None:
    """Service Quotas says so of a Region that does not exist, and opskit then of each type that it is not offered."""
    fake_aws.quotas = [Entry(name, quota_code, 100, 1) for name, quota_code in bundled_codes().items()]
    nowhere = Fault(400, "NoSuchResourceException", "This service is not available in the current Region.")
    fake_aws.fault = lambda called, where: nowhere if where != HERE and "Quota" in called else None
    flags = [word for each in regions for word in ("--region", each)]
    ran = run_opskit(capsys, "quotas", "check", *flags, "-o", "json")
    assert (ran.code, ran.envelope["status"]) == (code, {0: "ok", 4: "error", 5: "partial"}[code])
    assert {error["region"] for error in ran.envelope["errors"]} == {*regions} - {HERE}


def test_a_role_is_assumed_first(run_in_regions: Look, fake_aws: FakeAws) -> None:
    assert run_in_regions("--role-arn", ROLE, "--region", "all").code == 0
    assert fake_aws.count("AssumeRole") == 1


@pytest.mark.parametrize("fault", [Fault(403, "AccessDenied", "is not authorized to perform: sts:AssumeRole"), BROKEN])
def test_a_role_that_cannot_be_assumed_is_4(run_in_regions: Look, fake_aws: FakeAws, fault: Fault) -> None:
    fake_aws.fault = lambda called, _: fault if called == "AssumeRole" else None
    ran = run_in_regions("--role-arn", ROLE)
    assert (ran.code, ran.envelope["status"]) == (4, "error")
    assert ran.envelope["errors"]


def test_a_role_needs_credentials_to_begin_with(run_in_regions: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    ran = run_in_regions("--role-arn", ROLE)
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (4, "no-credentials")


def test_a_profile_s_own_endpoint_counts_for_its_role_too(
    run_in_regions: Look, fake_aws: FakeAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    keys = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\nregion = eu-west-1"
    file.write_text(f"[profile course]\n{keys}\nendpoint_url = {fake_aws.url}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    for words in ((), ("--role-arn", ROLE)):
        ran = run_in_regions("--profile", "course", *words)
        assert (ran.code, shown_regions(ran)) == (0, ["eu-west-1"])


def test_a_profile_that_does_not_exist_is_2(run_in_regions: Look) -> None:
    assert run_in_regions("--profile", "nobody").code == 2
