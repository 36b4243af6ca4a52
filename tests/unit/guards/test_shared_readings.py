"""``opskit.guard``: what a look at the account reads, for how long it is shared, and which calls count in it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    ReadTimeoutError,
)

import opskit
from opskit.core.model import Price, Unknown, Workload
from opskit.guards.flows.account_reading import PendingReading
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, THROTTLED, Entry, FakeAws, Fault
from tests.fakes.training_requests import OTHER, TYPE, sent_trainings, training_request


def test_calls_of_one_moment_share_a_look_and_do_not_all_pass(
    guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    opskit.guard()
    client = boto3.client("sagemaker")

    def start(number: int) -> bool:
        try:
            client.create_training_job(**training_request(1, f"job-{number}"))
        except opskit.GuardRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(start, range(8)))
    assert (sum(passed), sent_trainings(guarded_account), guarded_account.count("ListTrainingJobs")) == (4, 4, 1)


def test_sessions_with_the_same_credentials_share_a_look(
    guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    opskit.guard()
    clients = [boto3.Session().client("sagemaker") for _ in range(6)]

    def start(client: Any) -> bool:
        try:
            client.create_training_job(**training_request(4))
        except opskit.GuardRefused:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(start, clients)) == 1
    other_account = boto3.client("sagemaker", aws_access_key_id="a", aws_secret_access_key="b")
    other_region = boto3.client("sagemaker", region_name="eu-west-1")
    assert (start(other_account), start(other_region)) == (True, True)


def test_a_look_at_one_small_account_is_none_at_the_next(
    guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    opskit.guard()
    boto3.client("sagemaker").create_training_job(**training_request(4))
    # A test's account may be given the port that an earlier test's had.
    keys = FakeAws(url=guarded_account.url).environment()
    client = boto3.client(
        "sagemaker",
        endpoint_url=keys["AWS_ENDPOINT_URL"],
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_training_job(**training_request(4))


def not_connected(*_: object) -> None:
    raise EndpointConnectionError(endpoint_url="https://api.sagemaker.us-east-1.amazonaws.com/")


def too_late(*_: object) -> None:
    raise ReadTimeoutError(endpoint_url="https://api.sagemaker.us-east-1.amazonaws.com/")


@pytest.mark.parametrize(
    ("answer", "failure", "attempts", "is_held"),
    [
        (Fault(400, "ResourceLimitExceeded", "No room."), None, 1, False),
        (Fault(400, "ValidationException", "The role cannot be assumed."), None, 1, False),
        (DENIED, None, 1, False),
        (None, not_connected, 1, False),
        # Whether AWS took these is not known; of the throttled call an attempt before the last may have been taken.
        (THROTTLED, None, 2, True),
        (BROKEN, None, 1, True),
        (CLOSED, None, 1, True),
        (None, too_late, 1, True),
    ],
)
def test_only_a_call_that_aws_may_have_taken_counts_for_the_next_one(
    guarded_account: FakeAws,
    monkeypatch: pytest.MonkeyPatch,
    answer: Fault | None,
    failure: Any,
    attempts: int,
    is_held: bool,
) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    opskit.guard()
    client = boto3.client("sagemaker", config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}))
    with monkeypatch.context() as broken:
        if failure:
            broken.setattr(client._endpoint, "make_request", failure)
        else:
            broken.setitem(guarded_account.running, "CreateTrainingJob", lambda asked: answer)
        with pytest.raises((ClientError, BotoCoreError)):
            client.create_training_job(**training_request(4))
    with pytest.raises(opskit.GuardRefused) if is_held else nullcontext():
        client.create_training_job(**training_request(4))
    if not is_held:  # and what was taken counts as before
        with pytest.raises(opskit.GuardRefused):
            client.create_training_job(**training_request(1))


def test_what_another_guard_stopped_does_not_count(guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    client = boto3.client("sagemaker")
    opskit.guard()
    with opskit.guard(max_usd=0), pytest.raises(opskit.GuardRefused):
        client.create_training_job(**training_request(4))
    client.create_training_job(**training_request(4))
    assert sent_trainings(guarded_account) == 1


def test_what_cannot_be_read_is_refused_unless_a_warning_is_enough(guarded_account: FakeAws) -> None:
    guarded_account.fault = lambda operation, region: DENIED if "Quota" in operation else None
    with pytest.warns(opskit.GuardWarning, match="servicequotas:GetServiceQuota"):
        opskit.guard()
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused, match=r'on_unknown="warn"'):
        client.create_training_job(**training_request())
    assert sent_trainings(guarded_account) == 0
    with pytest.warns(opskit.GuardWarning):
        opskit.guard(on_unknown="warn")
    with pytest.warns(opskit.GuardWarning, match="cannot judge it"):
        client.create_training_job(**training_request())
    assert sent_trainings(guarded_account) == 1


def test_the_look_uses_the_calling_clients_credentials_and_region(guarded_account: FakeAws) -> None:
    guarded_account.by_region = {"eu-west-1": [Entry(name, code, 0, 0) for name, code in bundled_codes().items()]}
    opskit.guard()
    client = boto3.client("sagemaker", region_name="eu-west-1")
    with pytest.raises(opskit.GuardRefused, match="the quota is 0"):
        client.create_training_job(**training_request())
    assert ("GetServiceQuota", "eu-west-1") in guarded_account.calls or (
        "ListServiceQuotas",
        "eu-west-1",
    ) in guarded_account.calls


def test_a_look_is_short_and_reads_no_price_that_no_budget_needs(guarded_account: FakeAws) -> None:
    opskit.guard()
    client = boto3.client("sagemaker")
    client.create_training_job(**training_request(1))  # codes of quotas are found and remembered
    guarded_account.latency_seconds = 0.5  # more than a busy machine needs to start the threads
    guarded_account.forget_calls()
    client.create_training_job(**training_request(1, instance_type=OTHER))
    assert guarded_account.count("GetProducts") == 0
    # What is in use takes two answers, one after the other, and then comes the call itself.
    assert guarded_account.one_after_another() <= 4


def test_what_is_late_is_unknown_and_a_late_price_comes_from_the_table() -> None:
    late: Future[Any] = Future()
    key = (TYPE, Workload.TRAINING)
    look = PendingReading("us-east-1", late, {key: late}).finish(0.0)
    assert look.snapshot is None
    assert "could not be read within 5 s" in look.problems()[0].message
    price = look.prices[key]
    assert isinstance(price, Price)
    assert "as of" in price.source
    elsewhere = PendingReading("eu-west-1", late, {key: late}).finish(0.0).prices[key]
    assert isinstance(elsewhere, Unknown)


def test_what_the_first_look_opens_serves_the_calls(guarded_account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    from opskit.aws.outgoing_calls import open_default_reader, read_as

    opskit.guard()
    assert boto3.DEFAULT_SESSION is None  # it is the program's to make
    client = boto3.client("sagemaker")
    opened = open_default_reader()
    assert opened is not None
    assert opened.session is read_as(client).session
