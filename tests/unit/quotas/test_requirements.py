"""What is asked of the quotas, from what was typed."""

from __future__ import annotations

import pytest

from opskit.core.exceptions import UsageError
from opskit.core.model import Requirement, Workload
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.requirements import (
    check_requirements,
    parse_instance_type,
    parse_quota_name,
    parse_requirements,
    parse_type_or_total,
    parse_workload,
    quota_name_for,
    spelling_key,
    suggest_known_type,
    with_totals,
)


@pytest.mark.parametrize(
    ("demand", "name"),
    [
        (Requirement("ml.m5.large", Workload.TRAINING), "ml.m5.large for training job usage"),
        (Requirement("ml.m5.large", Workload.SPOT_TRAINING), "ml.m5.large for spot training job usage"),
        (Requirement("ml.m5.large", Workload.TRANSFORM), "ml.m5.large for transform job usage"),
        (Requirement("ml.m5.large", Workload.ENDPOINT), "ml.m5.large for endpoint usage"),
        (Requirement("ml.m5.large", Workload.NOTEBOOK), "ml.m5.large for notebook instance usage"),
        (Requirement("ml.m5.large", Workload.PROCESSING), "ml.m5.large for processing job usage"),
        (Requirement("ml.m5.large", Workload.WARM_POOL), "ml.m5.large for training warm pool usage"),
        (
            Requirement("ml.m5.large", Workload.STUDIO_JUPYTERLAB),
            "Studio JupyterLab Apps running on ml.m5.large instances",
        ),
        (
            Requirement("ml.m5.large", Workload.STUDIO_CODEEDITOR),
            "Studio CodeEditor Apps running on ml.m5.large instances",
        ),
        (Requirement("ml.m5.large", Workload.CLUSTER), "ml.m5.large for cluster usage"),
        (Requirement(None, Workload.NOTEBOOK), "Total number of notebook instances"),
        (Requirement(None, Workload.ENDPOINT), "Number of instances across active endpoints"),
        (Requirement(None, Workload.TRAINING, per_job=True), "Maximum number of instances per training job"),
    ],
)
def test_a_demand_is_held_against_the_quota_of_aws_own_name(demand: Requirement, name: str) -> None:
    assert quota_name_for(demand) == name


def test_every_usage_has_a_quota_of_a_type() -> None:
    assert len({quota_name_for(Requirement("ml.m5.large", workload)) for workload in Workload}) == len(Workload)


def test_the_course_needs_six_quotas_and_the_six_above_them() -> None:
    wanted = with_totals(check_requirements(()))
    assert [
        (requirement.instance_type, requirement.workload.value) for requirement in wanted if requirement.instance_type
    ] == [
        ("ml.t2.medium", "notebook"),
        ("ml.m4.xlarge", "training"),
        ("ml.m4.xlarge", "transform"),
        ("ml.m4.xlarge", "endpoint"),
        ("ml.p2.xlarge", "training"),
        ("ml.p2.xlarge", "transform"),
    ]
    assert {quota_name_for(requirement) for requirement in wanted if requirement.instance_type is None} == {
        "Number of instances across all training jobs",
        "Maximum number of instances per training job",
        "Number of instances across all transform jobs",
        "Number of instances across active endpoints",
        "Maximum number of instances per endpoint",
        "Total number of notebook instances",
    }
    assert not any(requirement.explicit for requirement in wanted)


def test_a_total_needs_the_sum_and_a_job_the_largest() -> None:
    requirements = [Requirement("ml.m5.large", Workload.TRAINING, 3), Requirement("ml.c5.large", Workload.TRAINING, 2)]
    above = {
        requirement.per_job: requirement.count
        for requirement in with_totals(requirements)
        if requirement.instance_type is None
    }
    assert above == {False: 5, True: 3}


def test_what_is_asked_twice_is_looked_up_once_at_its_largest() -> None:
    requirements = [
        Requirement("ml.m5.large", Workload.ENDPOINT, 1),
        Requirement("ml.m5.large", Workload.ENDPOINT, 4, explicit=False),
    ]
    assert with_totals(requirements) == (
        Requirement("ml.m5.large", Workload.ENDPOINT, 4, explicit=True),
        Requirement(None, Workload.ENDPOINT, 4, explicit=False),
        Requirement(None, Workload.ENDPOINT, 4, explicit=False, per_job=True),
    )


def test_workloads_that_share_a_total_fill_it_together() -> None:
    wanted = [
        Requirement("ml.m5.large", Workload.STUDIO_JUPYTERLAB, 2),
        Requirement("ml.m5.large", Workload.STUDIO_CODEEDITOR, 3),
    ]
    totals = [requirement for requirement in with_totals(wanted) if requirement.instance_type is None]
    assert [quota_name_for(total) for total in totals] == ["Maximum number of running Studio apps allowed per account"]
    assert [total.count for total in totals] == [5]
    assert with_totals(with_totals(wanted)) == with_totals(wanted)


def test_a_total_that_workloads_share_has_the_strictest_share_of_all_and_is_not_made_while_one_is_not() -> None:
    wanted = [
        Requirement("ml.m5.large", Workload.STUDIO_JUPYTERLAB, alert_share=0.5),
        Requirement("ml.m5.large", Workload.STUDIO_CODEEDITOR, alert_share=0.8, already_made=True),
    ]
    (total,) = [requirement for requirement in with_totals(wanted) if requirement.instance_type is None]
    assert (total.alert_share, total.already_made) == (0.5, False)


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("cluster-ml-r7i-12xlarge for cluster usage", "ml.r7i.12xlarge for cluster usage"),
        (
            "Studio KernelGateway Apps running on ml.p4d.24xlarge instances",
            "Studio KernelGateway Apps running on ml.p4d.24xlarge instance",
        ),
        (
            "Studio JupyterLab Apps running on ml.g5.xlarge instance",
            "Studio JupyterLab Apps running on ml.g5.xlarge instances",
        ),
    ],
)
def test_a_name_that_breaks_the_rule_is_the_same_quota(listed: str, name: str) -> None:
    assert spelling_key(listed) == spelling_key(name)


def test_no_two_quotas_share_a_spelling() -> None:
    names = list(bundled_codes())
    assert len({spelling_key(name) for name in names}) == len(names)


@pytest.mark.parametrize(("name", "code"), [("ml.r7i.12xlarge", "L-EB92BE12")])
def test_a_name_that_breaks_the_rule_tells_what_it_is_for(name: str, code: str) -> None:
    listed = next(listed for listed, known in bundled_codes().items() if known == code)
    assert parse_quota_name(listed) == (name, Workload.CLUSTER)
    odd = "Studio KernelGateway Apps running on ml.p4d.24xlarge instances"
    assert parse_quota_name(odd) == ("ml.p4d.24xlarge", Workload.STUDIO_KERNELGATEWAY)


def test_a_named_type_is_wanted_for_a_run_and_a_course_type_for_the_course() -> None:
    found = [
        (requirement.instance_type, requirement.workload.value)
        for requirement in parse_requirements(["ml.c5.large", "ml.t2.medium"])
    ]
    run = [("ml.c5.large", usage) for usage in ("training", "transform", "endpoint")]
    assert found == [*run, ("ml.t2.medium", "notebook")]


def test_named_usages_are_those_and_no_others() -> None:
    found = check_requirements(["ML.C5.large", "ml.c5.large"], ["endpoint", "endpoint"], need=2)
    assert found == (Requirement("ml.c5.large", Workload.ENDPOINT, 2),)


def test_a_usage_alone_is_asked_of_the_course_types() -> None:
    assert {requirement.workload for requirement in check_requirements([], ["processing"])} == {Workload.PROCESSING}


def test_with_every_usage_a_missing_one_is_news_and_no_refusal() -> None:
    found = check_requirements(["ml.c5.large"], every_usage=True)
    assert {requirement.workload for requirement in found} == set(Workload)
    assert not any(requirement.explicit for requirement in found)


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
    with pytest.raises(UsageError) as caught:
        parse_instance_type(word)
    assert hint in caught.value.problem.hint


@pytest.mark.parametrize(
    "word",
    ["ml.zzz9.xlarge", "ml.p6e-gb200.36xlarge", "ml.u7i-12tb.224xlarge", "ml.geospatial.interactive", "ml.t3.micro"],
)
def test_a_type_nobody_knows_yet_is_for_aws_to_judge(word: str) -> None:
    assert parse_instance_type(word) == word


def test_an_unheard_of_type_reminds_of_a_familiar_one() -> None:
    assert suggest_known_type("ml.m44.xlarge") == "ml.m4.xlarge"
    assert suggest_known_type("ml.m4.xlarge") is None
    assert suggest_known_type("ml.qqqqqqq1.metal") is None


def test_an_unknown_usage_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        parse_workload("trainign")
    assert "Did you mean 'training'?" in caught.value.problem.hint
    assert "studio-jupyterlab" in caught.value.problem.hint


def test_a_total_is_asked_by_its_word() -> None:
    assert parse_type_or_total("total", [Workload.TRAINING]) is None
    assert parse_type_or_total("total", [Workload.CLUSTER, Workload.STUDIO_JUPYTERLAB]) is None
    assert parse_type_or_total("ml.m5.large", [Workload.WARM_POOL]) == "ml.m5.large"
    with pytest.raises(UsageError, match="opskit knows no"):
        parse_type_or_total("total", [Workload.WARM_POOL])
