"""Many accounts of which some fail: right verdicts in the others, each failure named, nothing doubled."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import serve_fake_aws
from tests.fakes.organization import QUOTA, FakeOrganization, make_organization

REGIONS = ("eu-west-1", "us-east-1")


@pytest.fixture
def organization(monkeypatch: pytest.MonkeyPatch, no_backoff: None) -> FakeOrganization:
    return make_organization(30, REGIONS)


def test_a_fifth_of_the_accounts_fails_and_hides_no_other(
    organization: FakeOrganization, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_fake_aws(organization.management) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        regions = [word for region in REGIONS for word in ("--region", region)]
        ran = run_opskit(capsys, "fleet", "check", "ml.m4.xlarge", "--for", "training", "--org", *regions, "-o", "json")
    told = {each["account"]: each for each in ran.data["accounts"]}
    assert told.keys() == set(organization.accounts)
    assert {account for account, each in told.items() if each["error"]} == organization.faults.keys()
    for account, how in organization.faults.items():
        assert told[account]["status"] in ("error", "partial"), how
    rows = [row for row in ran.quotas if row["quota_name"] == QUOTA and row["account"] in organization.values]
    assert Counter((row["account"], row["region"]) for row in rows) == Counter(
        (account, region) for account in organization.values for region in REGIONS
    )
    expected = {account: "short" if value == 0 else "fits" for account, value in organization.values.items()}
    assert {(row["account"], row["verdict"]) for row in rows} == set(expected.items())
    assert not [row for row in ran.quotas if row["account"] in organization.faults and row["verdict"] == "fits"]
    assert organization.management.count("AssumeRole") == len(organization.values) + len(organization.faults) - 1
    assert ran.code == 3
