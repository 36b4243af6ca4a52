"""What is asked of the quotas, from what was typed."""

from __future__ import annotations

import pytest

from opskit.decide.demands import (
    checked_demands,
    course_demands,
    named_demands,
    parse_instance_type,
    parse_usage,
    quota_name,
    similar_type,
    type_or_total,
    with_totals,
)
from opskit.errors import UsageProblem
from opskit.model import Demand, Usage


@pytest.mark.parametrize(
    ("demand", "name"),
    [
        (Demand("ml.m5.large", Usage.TRAINING), "ml.m5.large for training job usage"),
        (Demand("ml.m5.large", Usage.SPOT_TRAINING), "ml.m5.large for spot training job usage"),
        (Demand("ml.m5.large", Usage.TRANSFORM), "ml.m5.large for transform job usage"),
        (Demand("ml.m5.large", Usage.ENDPOINT), "ml.m5.large for endpoint usage"),
        (Demand("ml.m5.large", Usage.NOTEBOOK), "ml.m5.large for notebook instance usage"),
        (Demand("ml.m5.large", Usage.PROCESSING), "ml.m5.large for processing job usage"),
        (Demand("ml.m5.large", Usage.WARM_POOL), "ml.m5.large for training warm pool usage"),
        (Demand("ml.m5.large", Usage.STUDIO_JUPYTERLAB), "Studio JupyterLab Apps running on ml.m5.large instances"),
        (Demand("ml.m5.large", Usage.STUDIO_CODEEDITOR), "Studio CodeEditor Apps running on ml.m5.large instances"),
        (Demand("ml.m5.large", Usage.CLUSTER), "ml.m5.large for cluster usage"),
        (Demand(None, Usage.NOTEBOOK), "Total number of notebook instances"),
        (Demand(None, Usage.ENDPOINT), "Number of instances across active endpoints"),
        (Demand(None, Usage.TRAINING, per_job=True), "Maximum number of instances per training job"),
    ],
)
def test_a_demand_is_held_against_the_quota_of_aws_own_name(demand: Demand, name: str) -> None:
    assert quota_name(demand) == name


def test_every_usage_has_a_quota_of_a_type() -> None:
    assert len({quota_name(Demand("ml.m5.large", usage)) for usage in Usage}) == len(Usage)


def test_the_course_needs_six_quotas_and_the_five_above_them() -> None:
    wanted = with_totals(course_demands())
    assert [(demand.instance_type, demand.usage.value) for demand in wanted if demand.instance_type] == [
        ("ml.t2.medium", "notebook"),
        ("ml.m4.xlarge", "training"),
        ("ml.m4.xlarge", "transform"),
        ("ml.m4.xlarge", "endpoint"),
        ("ml.p2.xlarge", "training"),
        ("ml.p2.xlarge", "transform"),
    ]
    assert {quota_name(demand) for demand in wanted if demand.instance_type is None} == {
        "Number of instances across all training jobs",
        "Maximum number of instances per training job",
        "Number of instances across all transform jobs",
        "Number of instances across active endpoints",
        "Total number of notebook instances",
    }
    assert not any(demand.named for demand in wanted)


def test_a_total_needs_the_sum_and_a_job_the_largest() -> None:
    demands = [Demand("ml.m5.large", Usage.TRAINING, 3), Demand("ml.c5.large", Usage.TRAINING, 2)]
    above = {demand.per_job: demand.need for demand in with_totals(demands) if demand.instance_type is None}
    assert above == {False: 5, True: 3}


def test_what_is_asked_twice_is_looked_up_once_at_its_largest() -> None:
    demands = [Demand("ml.m5.large", Usage.ENDPOINT, 1), Demand("ml.m5.large", Usage.ENDPOINT, 4, named=False)]
    assert with_totals(demands) == (
        Demand("ml.m5.large", Usage.ENDPOINT, 4, named=True),
        Demand(None, Usage.ENDPOINT, 4, named=False),
    )


def test_a_named_type_is_wanted_for_a_run_and_a_course_type_for_the_course() -> None:
    found = [(demand.instance_type, demand.usage.value) for demand in named_demands(["ml.c5.large", "ml.t2.medium"])]
    run = [("ml.c5.large", usage) for usage in ("training", "transform", "endpoint")]
    assert found == [*run, ("ml.t2.medium", "notebook")]


def test_named_usages_are_those_and_no_others() -> None:
    found = checked_demands(["ML.C5.large", "ml.c5.large"], ["endpoint", "endpoint"], need=2)
    assert found == (Demand("ml.c5.large", Usage.ENDPOINT, 2),)


def test_a_usage_alone_is_asked_of_the_course_types() -> None:
    assert {demand.usage for demand in checked_demands([], ["processing"])} == {Usage.PROCESSING}


def test_with_every_usage_a_missing_one_is_news_and_no_refusal() -> None:
    found = checked_demands(["ml.c5.large"], every_usage=True)
    assert {demand.usage for demand in found} == set(Usage)
    assert not any(demand.named for demand in found)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("m4.xlarge", "ml.m4.xlarge"),
        ("m1.m4.xlarge", "ml.m4.xlarge"),
        ("ml.m4.xlarg", "ml.m4.xlarge"),
        ("ml,m4.xlarge", "ml.m4.xlarge"),
        ("ml.m4xlarge", "ml.m4.xlarge"),
        ("mlm4.xlarge", "ml.m4.xlarge"),
        ("training", "--for training"),
        ("Endpoint", "--for Endpoint"),
        ("hello", "ml.m4.xlarge"),
        ("", "ml.m4.xlarge"),
        ("ml.", "ml.m4.xlarge"),
    ],
)
def test_a_slip_is_a_usage_problem_with_a_way_out(word: str, hint: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_instance_type(word)
    assert hint in caught.value.problem.hint


@pytest.mark.parametrize(
    "word",
    ["ml.zzz9.xlarge", "ml.p6e-gb200.36xlarge", "ml.u7i-12tb.224xlarge", "ml.geospatial.interactive", "ml.t3.micro"],
)
def test_a_type_nobody_knows_yet_is_for_aws_to_judge(word: str) -> None:
    assert parse_instance_type(word) == word


def test_an_unheard_of_type_reminds_of_a_familiar_one() -> None:
    assert similar_type("ml.m44.xlarge") == "ml.m4.xlarge"
    assert similar_type("ml.m4.xlarge") is None
    assert similar_type("ml.qqqqqqq1.metal") is None


def test_an_unknown_usage_names_the_known_ones() -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_usage("trainign")
    assert "Did you mean 'training'?" in caught.value.problem.hint
    assert "studio-jupyterlab" in caught.value.problem.hint


def test_a_total_is_asked_by_its_word() -> None:
    assert type_or_total("total", [Usage.TRAINING]) is None
    assert type_or_total("ml.m5.large", [Usage.CLUSTER]) == "ml.m5.large"
    with pytest.raises(UsageProblem):
        type_or_total("total", [Usage.CLUSTER])
