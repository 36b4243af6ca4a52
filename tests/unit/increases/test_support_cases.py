"""Where AWS Support takes a case, and whether it has it already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.model import Requirement, Workload
from opskit.increases.rules.support_cases import (
    SupportCase,
    SupportCategory,
    SupportService,
    case_body,
    case_subject,
    category_for,
    find_duplicate_case,
)
from opskit.quotas.rules.requirements import quota_name_for

HERE = "us-east-1"
TYPE = "ml.m4.xlarge"


def support_services(**categories: str) -> list[SupportService]:
    named = {code.replace("_", "-"): name for code, name in categories.items()}
    return [
        SupportService("amazon-sagemaker", "SageMaker", {"training": "Training"}),
        SupportService("service-limit-increase", "Service Limit Increase", named),
    ]


@pytest.mark.parametrize(
    ("offered", "usage", "category"),
    [
        (support_services(service_code_sagemaker="SageMaker"), Workload.TRAINING, "service-code-sagemaker"),
        (
            support_services(service_code_sagemaker_endpoints="Endpoints"),
            Workload.TRAINING,
            "service-code-sagemaker-endpoints",
        ),
        (
            support_services(service_code_sagemaker_endpoints="", service_code_sagemaker_training=""),
            Workload.TRAINING,
            "service-code-sagemaker-training",
        ),
        (
            support_services(service_code_sagemaker_endpoints="", service_code_sagemaker=""),
            Workload.NOTEBOOK,
            "service-code-sagemaker",
        ),
        (support_services(service_code_ec2_instances="EC2 Instances"), Workload.TRAINING, None),
        (support_services(), Workload.TRAINING, None),
        ([], Workload.TRAINING, None),
    ],
)
def test_the_desk_is_read_from_what_support_offers(
    offered: list[SupportService], usage: Workload, category: str | None
) -> None:
    assert category_for(offered, usage) == (
        None if category is None else SupportCategory("service-limit-increase", category)
    )


def is_open(subject: str, body: str = "", *, workload: Workload = Workload.TRAINING, kind: str | None = TYPE) -> bool:
    name = quota_name_for(Requirement(kind, workload))
    return (
        find_duplicate_case(name, kind, workload, HERE, [SupportCase("case-1", "1", subject, "opened", (body,))])
        is not None
    )


@pytest.mark.parametrize(
    ("subject", "body", "same"),
    [
        ("Limit increase", "Please raise ml.m4.xlarge for training job usage to 4", True),
        ("Limit increase: SageMaker", "Region: us-east-1\nml.m4.xlarge  for\ntraining job usage: 2", True),
        ("Limit increase: SageMaker", "Region: eu-west-1\nml.m4.xlarge for training job usage: 2", False),
        ("Quota increase", "SageMaker Training, ml.m4.xlarge, US East", True),
        ("Quota increase", "ml.m4.xlarge for spot training job usage", False),
        ("Quota increase", "ml.m4.xlarge for endpoint usage", False),
        ("Quota increase", "ml.m4.16xlarge training", False),
        ("A training question", "Why is it slow?", False),
        ("SageMaker quota increase in us-east-1: ml.m4.xlarge for endpoint usage to 4", "for training", False),
        ("SageMaker quota increase in us-east-1: ml.m4.xlarge for training job usage to 4", "", True),
    ],
)
def test_an_open_case_that_may_be_the_same_is_the_same(subject: str, body: str, same: bool) -> None:
    assert is_open(subject, body) is same


@given(st.sampled_from(list(Workload)), st.integers(1, 10**9), st.text())
def test_our_own_case_is_found_again_and_mistaken_for_no_other(usage: Workload, to: int, why: str) -> None:
    name = quota_name_for(Requirement(TYPE, usage))
    subject, body = case_subject(name, to, HERE), case_body(name, "L-1", to, HERE, why)
    assert is_open(subject, body, workload=usage)
    assert not any(is_open(subject, body, workload=other) for other in Workload if other is not usage)


@given(st.text(), st.text(), st.sampled_from(list(Workload)))
def test_any_text_can_stand_in_a_case(subject: str, body: str, usage: Workload) -> None:
    assert is_open(subject, body, workload=usage) in (True, False)
