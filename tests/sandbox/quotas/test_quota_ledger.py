"""What counts against the quotas, and the refusal when a request does not fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.sandbox.errors import ApiError
from opskit.sandbox.scenarios import SCENARIOS
from opskit.sandbox.state import ACCOUNT, AccountRegion, InstanceUsage, UsageResource
from tests.sandbox.quotas.quota_desk import ENDPOINT, HOME, TRAINING, TRANSFORM, Desk, error_code_and_text


def test_an_applied_value_may_rise_before_the_request_says_so(opened_desk: Desk) -> None:
    request = opened_desk.ask(TRANSFORM, 1)
    opened_desk.pass_seconds(80)
    assert (opened_desk.look(request["Id"])["Status"], opened_desk.ledger.applied_value(HOME, TRANSFORM)) == (
        "CASE_OPENED",
        1.0,
    )


def test_a_granted_increase_stays_in_its_region_and_account(opened_desk: Desk) -> None:
    opened_desk.ask(TRAINING, 1)
    opened_desk.pass_seconds(100)
    assert opened_desk.ledger.applied_value(HOME, TRAINING) == 1
    assert opened_desk.ledger.applied_value(AccountRegion(ACCOUNT, "us-west-2"), TRAINING) == 0
    assert opened_desk.ledger.applied_value(AccountRegion("999999999999", "us-east-1"), TRAINING) == 0


def test_a_quota_without_applied_value_gets_one_when_granted(opened_desk: Desk) -> None:
    dublin = AccountRegion(ACCOUNT, "eu-west-1")
    opened_desk.ask(TRANSFORM, 3, dublin)
    opened_desk.pass_seconds(100)
    assert opened_desk.ledger.applied_value(dublin, TRANSFORM) == 3


ADVICE = (
    " Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, "
    "contact AWS support to request an increase for this quota"
)


@pytest.mark.parametrize(
    ("region", "held", "wanted", "text"),
    [
        (
            "us-east-1",
            [],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 2),
            "The account-level service limit 'ml.m4.xlarge for training job usage' is 0 Instances, with current "
            "utilization of 0 Instances and a request delta of 2 Instances." + ADVICE,
        ),
        (
            "eu-west-1",
            [InstanceUsage(UsageResource.TRAINING_JOB, "ml.m5.xlarge", 12)],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 21),
            "The account-level service limit 'Maximum number of instances per training job' is 20 Instances, with "
            "current utilization of 0 Instances and a request delta of 21 Instances." + ADVICE,
        ),
        (
            "eu-west-1",
            [InstanceUsage(UsageResource.TRAINING_JOB, "ml.m5.xlarge", 12)],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.m4.xlarge", 20),
            "The account-level service limit 'Number of instances across all training jobs' is 30 Instances, with "
            "current utilization of 12 Instances and a request delta of 20 Instances." + ADVICE,
        ),
        (
            "us-east-1",
            [InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, "ml.m5.xlarge", 16)],
            InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, "ml.m4.xlarge", 1),
            "The account-level service limit 'Total number of notebook instances' is 8 NotebookInstances, with current "
            "utilization of 16 NotebookInstances and a request delta of 1 NotebookInstances." + ADVICE,
        ),
        (
            "us-east-1",
            [],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.t3.medium", 1),
            "The requested resource training-job/ml.t3.medium is not available in this region",
        ),
        (
            "us-east-1",
            [],
            InstanceUsage(UsageResource.TRAINING_JOB, "ml.p2.xlarge", 1),
            "The requested resource training-job/ml.p2.xlarge is not available in this region",
        ),
    ],
)
def test_refusals_are_awss_own(region: str, held: list[InstanceUsage], wanted: InstanceUsage, text: str) -> None:
    desk = Desk()
    account_region = AccountRegion(ACCOUNT, region)
    if held:  # enough for the type itself: a total stands in the way
        for code in (TRAINING, "L-E1249695"):
            desk.ask(code, 100, account_region)
        desk.pass_seconds(100)
    desk.state.in_use = held
    with pytest.raises(ApiError) as error:
        desk.ledger.check_capacity(account_region, "CreateTrainingJob", wanted)
    assert error_code_and_text(error) == ("ResourceLimitExceeded", text)


@given(held=st.integers(0, 30), wanted=st.integers(1, 30), granted=st.integers(1, 20))
def test_what_is_admitted_fits_and_what_fits_is_admitted(held: int, wanted: int, granted: int) -> None:
    desk = Desk()
    desk.ask(ENDPOINT, granted)
    desk.pass_seconds(100)
    desk.state.in_use = [InstanceUsage(UsageResource.ENDPOINT, "ml.m4.xlarge", held)] if held else []
    fits = held + wanted <= min(granted, 4)  # 4: all active endpoints together
    try:
        desk.ledger.check_capacity(
            HOME, "CreateEndpoint", InstanceUsage(UsageResource.ENDPOINT, "ml.m4.xlarge", wanted)
        )
    except ApiError:
        assert not fits
    else:
        assert fits


def test_variants_of_one_endpoint_are_judged_together(opened_desk: Desk) -> None:
    opened_desk.ask(ENDPOINT, 3)
    opened_desk.pass_seconds(100)
    variant = InstanceUsage(UsageResource.ENDPOINT, "ml.m4.xlarge", 2)
    opened_desk.ledger.check_capacity(HOME, "CreateEndpoint", variant)
    with pytest.raises(ApiError, match="request delta of 4 Instances"):
        opened_desk.ledger.check_capacity(HOME, "CreateEndpoint", variant, variant)


def test_in_the_classroom_the_course_just_fits() -> None:
    desk = Desk(SCENARIOS["classroom"])
    desk.state.in_use = [InstanceUsage(UsageResource.NOTEBOOK_INSTANCE, "ml.t2.medium", 4)]
    for resource, instance_type in [
        (UsageResource.NOTEBOOK_INSTANCE, "ml.t2.medium"),
        (UsageResource.TRAINING_JOB, "ml.m4.xlarge"),
        (UsageResource.TRANSFORM_JOB, "ml.m4.xlarge"),
        (UsageResource.ENDPOINT, "ml.m4.xlarge"),
    ]:
        desk.ledger.check_capacity(HOME, "Create", InstanceUsage(resource, instance_type, 1))
        with pytest.raises(ApiError):
            desk.ledger.check_capacity(HOME, "Create", InstanceUsage(resource, instance_type, 2))


def test_in_the_full_account_nothing_fits() -> None:
    desk = Desk(SCENARIOS["full"])
    seeds = [seed for seed in SCENARIOS["full"].seeds if seed.region == "us-east-1"]
    desk.state.in_use = [InstanceUsage(seed.resource, seed.instance_type, getattr(seed, "count", 1)) for seed in seeds]
    for held in set(desk.state.in_use):
        with pytest.raises(ApiError, match=r"current utilization of [1-9]"):
            desk.ledger.check_capacity(HOME, "Create", InstanceUsage(held.resource, held.instance_type, 1))
