"""Where AWS Support takes a case, and whether it has it already."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.decide.demands import quota_name
from opskit.decide.support import Case, Desk, SupportService, case_body, case_subject, desk_for, same_case
from opskit.model import Demand, Usage

HERE = "us-east-1"
TYPE = "ml.m4.xlarge"


def services(**categories: str) -> list[SupportService]:
    named = {code.replace("_", "-"): name for code, name in categories.items()}
    return [
        SupportService("amazon-sagemaker", "SageMaker", {"training": "Training"}),
        SupportService("service-limit-increase", "Service Limit Increase", named),
    ]


@pytest.mark.parametrize(
    ("offered", "usage", "category"),
    [
        (services(service_code_sagemaker="SageMaker"), Usage.TRAINING, "service-code-sagemaker"),
        (services(service_code_sagemaker_endpoints="Endpoints"), Usage.TRAINING, "service-code-sagemaker-endpoints"),
        (
            services(service_code_sagemaker_endpoints="", service_code_sagemaker_training=""),
            Usage.TRAINING,
            "service-code-sagemaker-training",
        ),
        (
            services(service_code_sagemaker_endpoints="", service_code_sagemaker=""),
            Usage.NOTEBOOK,
            "service-code-sagemaker",
        ),
        (services(service_code_ec2_instances="EC2 Instances"), Usage.TRAINING, None),
        (services(), Usage.TRAINING, None),
        ([], Usage.TRAINING, None),
    ],
)
def test_the_desk_is_read_from_what_support_offers(
    offered: list[SupportService], usage: Usage, category: str | None
) -> None:
    assert desk_for(offered, usage) == (None if category is None else Desk("service-limit-increase", category))


def is_open(subject: str, body: str = "", *, usage: Usage = Usage.TRAINING, kind: str | None = TYPE) -> bool:
    name = quota_name(Demand(kind, usage))
    return same_case(name, kind, usage, HERE, [Case("case-1", "1", subject, "opened", (body,))]) is not None


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


@given(st.sampled_from(list(Usage)), st.integers(1, 10**9), st.text())
def test_our_own_case_is_found_again_and_mistaken_for_no_other(usage: Usage, to: int, why: str) -> None:
    name = quota_name(Demand(TYPE, usage))
    subject, body = case_subject(name, to, HERE), case_body(name, "L-1", to, HERE, why)
    assert is_open(subject, body, usage=usage)
    assert not any(is_open(subject, body, usage=other) for other in Usage if other is not usage)


@given(st.text(), st.text(), st.sampled_from(list(Usage)))
def test_any_text_can_stand_in_a_case(subject: str, body: str, usage: Usage) -> None:
    assert is_open(subject, body, usage=usage) in (True, False)
