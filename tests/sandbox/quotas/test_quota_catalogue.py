"""Which quotas there are, and what they are worth in each scenario and Region."""

from __future__ import annotations

import pytest

from opskit.sandbox.quotas.quota_catalogue import known_quotas, read_table_rows, scenario_quotas
from opskit.sandbox.scenarios import SCENARIOS
from tests.sandbox.quotas.quota_desk import REGIONS


def test_every_known_quota_has_a_value_in_every_scenario_and_region() -> None:
    assert len(known_quotas()) == 350
    for scenario in SCENARIOS:
        for region in REGIONS:
            assert len(scenario_quotas(scenario, region)) > 330


def test_a_grown_account_has_more_quotas_and_the_known_ones_as_they_were() -> None:
    grown, known = scenario_quotas("fresh", "eu-west-1", 1800), scenario_quotas("fresh", "eu-west-1")
    assert len(grown) == 1800
    assert {code: grown[code] for code in known} == known


def test_codes_are_unique_and_published_ones_are_kept() -> None:
    known = {quota.name: quota.code for quota in known_quotas()}
    assert len(set(known.values())) == len(known)
    for row in read_table_rows("opskit.sandbox.quotas", "sagemaker_quotas.csv"):
        assert row["quota_code"] in ("", known[row["quota_name"]])


def test_the_tables_name_no_quota_that_does_not_exist() -> None:
    from fnmatch import fnmatchcase

    names = [quota.name for quota in known_quotas()]
    values = read_table_rows("opskit.sandbox.quotas", "values.csv")
    unmatched = [row for row in values if not any(fnmatchcase(name, row["quota_name"]) for name in names)]
    assert unmatched == []


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_quotas_differ_between_regions(scenario: str) -> None:
    views = set()
    for region in REGIONS:
        quotas = scenario_quotas(scenario, region)
        views.add(tuple((code, quotas[code].default, quotas[code].applied) for code in sorted(quotas)))
    assert len(views) == len(REGIONS)


def test_totals_of_clusters_and_studio_and_names_that_break_the_rule_are_there() -> None:
    quotas = {each.quota.name: each.applied for each in scenario_quotas("fresh", "us-east-1").values()}
    assert quotas["Total number of instances allowed across SageMaker HyperPod clusters"] == 5
    assert quotas["Maximum number of running Studio apps allowed per account"] == 4
    assert "Maximum number instances allowed per SageMaker HyperPod cluster" in quotas
    assert quotas["cluster-ml-r7i-12xlarge for cluster usage"] == 0
    assert "ml.r7i.12xlarge for cluster usage" not in quotas
    assert quotas["Studio KernelGateway Apps running on ml.p4d.24xlarge instances"] == 0
