"""``opskit.guard``: calls of boto3 are looked at before they are sent, and nothing else is."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from decimal import Decimal
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from IPython.core.interactiveshell import InteractiveShell

import opskit
from opskit.core.exceptions import UsageError
from opskit.core.model import NotOffered, Price, Quota, QuotaLookup, Requirement, Unknown, Workload
from opskit.guards.flows.call_look import PendingLook
from opskit.guards.rules.call_budget import CallPolicy
from opskit.guards.rules.call_refused import CallRefused
from opskit.guards.rules.call_verdict import Outcome, ReadQuotas, judge_call
from opskit.guards.rules.operations import judge_request
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.model import Headroom, Verdict
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, THROTTLED, Entry, FakeAws, Fault

TYPE = "ml.m4.xlarge"
OTHER = next(
    name.partition(" ")[0] for name in bundled_codes() if name.endswith(" for training job usage") and TYPE not in name
)
PRICED = '{"product": {"attributes": {"component": "Training"}}, "terms": {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": "0.28"}}}}}}}'  # noqa: E501
ROLE = "arn:aws:iam::123456789012:role/execution-role"


@pytest.fixture
def account(fake_aws: FakeAws, no_backoff: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """An account with four of everything, where nothing runs. Nothing of a guard is left after a test. A look has all
    the time that a busy machine takes.
    """
    for name in (
        "guards.flows.call_guard.LOOK_SECONDS",
        "guards.python.LOOK_SECONDS",
        "aws.outgoing_calls.READ_SECONDS",
    ):
        monkeypatch.setattr(f"opskit.{name}", 300.0)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # a test before may have made one, with its credentials
    fake_aws.quotas = [Entry(name, code, 4, 1) for name, code in bundled_codes().items()]
    fake_aws.running["GetProducts"] = lambda asked: {"FormatVersion": "aws_v1", "PriceList": [PRICED]}
    fake_aws.running["CreateTrainingJob"] = lambda asked: {"TrainingJobArn": f"arn:{asked['TrainingJobName']}"}
    original = BaseClient._emit_api_params, BaseClient._make_api_call
    yield fake_aws
    opskit.unguard()
    assert (BaseClient._emit_api_params, BaseClient._make_api_call) == original


def training(count: int = 1, name: str = "job", seconds: int = 3600, instance_type: str = TYPE) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": {"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
    }


def sent(account: FakeAws) -> int:
    return account.count("CreateTrainingJob")


def test_a_call_that_does_not_fit_is_not_sent_by_a_client_that_exists_already(account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    opskit.guard()
    with pytest.raises(opskit.GuardRefused) as refused:
        client.create_training_job(**training(5))
    assert sent(account) == 0
    text = str(refused.value)
    assert "CreateTrainingJob was not sent" in text
    assert "ml.m4.xlarge for training job usage: the quota is 4 (needed: 5)" in text
    assert "opskit quotas increase ml.m4.xlarge --for training --to 5" in text


def test_a_call_that_fits_is_sent(account: FakeAws) -> None:
    opskit.guard(max_usd=5)
    assert boto3.client("sagemaker").create_training_job(**training(4))["TrainingJobArn"] == "arn:job"


def test_a_budget_names_the_run_time_that_would_fit(account: FakeAws) -> None:
    opskit.guard(max_usd="0.28")
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused, match=r"MaxRuntimeInSeconds is 7200 \(2h\), and 3600 would fit"):
        client.create_training_job(**training(1, seconds=7200))
    client.create_training_job(**training(1, seconds=3600))
    assert sent(account) == 1


def set_quota(account: FakeAws, name: str, value: float) -> None:
    account.quotas = [Entry(name, bundled_codes()[name], value, 1), *(e for e in account.quotas if e.name != name)]


LONGEST = "Longest run time for a training job"
AT_ONCE = "Maximum number of training jobs each hyper parameter tuning job can run in parallel at once"


def test_a_run_time_is_held_against_the_longest_that_aws_allows(account: FakeAws) -> None:
    set_quota(account, LONGEST, 432000)
    opskit.guard()
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused) as refused:
        client.create_training_job(**training(seconds=432001))
    text = str(refused.value)
    assert f"{LONGEST}: the quota is 432000, and StoppingCondition.MaxRuntimeInSeconds is 432001" in text
    assert "Set StoppingCondition.MaxRuntimeInSeconds to 432000 at most, or ask AWS" in text
    client.create_training_job(**training(seconds=432000))
    assert sent(account) == 1


def test_a_tuning_is_held_against_its_own_quotas(account: FakeAws) -> None:
    set_quota(account, AT_ONCE, 2)
    opskit.guard()
    request = {
        "HyperParameterTuningJobName": "tuning",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxParallelTrainingJobs": 3, "MaxNumberOfTrainingJobs": 3},
        },
        "TrainingJobDefinition": {key: value for key, value in training().items() if key != "TrainingJobName"}
        | {"AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"}},
    }
    with pytest.raises(opskit.GuardRefused, match=r"the quota is 2, and .*\.MaxParallelTrainingJobs is 3"):
        boto3.client("sagemaker").create_hyper_parameter_tuning_job(**request)


@pytest.mark.parametrize(
    ("quotas", "outcome"),
    [
        ({LONGEST: Unknown("access denied")}, Outcome.UNKNOWN),
        ({}, Outcome.UNKNOWN),
        ({LONGEST: Quota("us-east-1", LONGEST, "L-1", None, None)}, Outcome.UNKNOWN),
        ({LONGEST: Quota("us-east-1", LONGEST, "L-1", None, 90000)}, Outcome.FITS),
        ({LONGEST: Quota("us-east-1", LONGEST, "L-1", None, 89999)}, Outcome.REFUSED),
        ({LONGEST: NotOffered("us-east-1", LONGEST)}, Outcome.FITS),
    ],
)
def test_a_limit_that_was_not_read_is_unknown(quotas: dict[str, QuotaLookup], outcome: Outcome) -> None:
    needs = judge_request("CreateTrainingJob", training(seconds=90000), lambda *_: {}, lambda: True)
    room = Headroom("us-east-1", Requirement(TYPE, Workload.TRAINING), "q", "L-2", 4, 4, 0, 4, Verdict.FITS, "")
    verdict = judge_call("CreateTrainingJob", "us-east-1", needs, (room,), {}, CallPolicy(), (), ReadQuotas(quotas))
    assert verdict.outcome is outcome


def test_the_next_step_names_what_was_exceeded(account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    account.quotas = [
        Entry(name, code, 2 if name.startswith("Number of") else 4, 1) for name, code in bundled_codes().items()
    ]

    def next_step(count: int, **policy: Any) -> str:
        with opskit.guard(**policy), pytest.raises(opskit.GuardRefused) as refused:
            client.create_training_job(**training(count))
        return str(refused.value).splitlines()[-1]

    assert next_step(1, max_usd_hour="0.1").endswith("opskit.guard() with a larger max_usd_hour.")
    assert next_step(1, max_usd="0.1").endswith("opskit.guard() with a larger max_usd.")
    total = "opskit quotas increase total --for training --to 3"
    assert total in next_step(3)
    both = next_step(5, max_usd="0.1")
    assert "larger max_usd." in both
    assert "opskit quotas increase ml.m4.xlarge --for training --to 5" in both
    assert "opskit quotas increase total --for training --to 5" in both


def test_the_hours_behind_declared_instances_are_said(account: FakeAws) -> None:
    with pytest.raises(opskit.GuardRefused) as refused:
        opskit.guard(training={TYPE: 2}, max_usd="2.00")
    assert "it may cost 13.44 USD, more than 2; that is 24 hours (the argument hours), and hours=3.57 would fit" in str(
        refused.value
    )
    assert "as hours=" in refused.value.problem.hint
    opskit.guard(training={TYPE: 2}, max_usd="2.00", hours="3.57")
    with pytest.raises(opskit.GuardRefused, match="and none would fit"):
        opskit.guard(training={TYPE: 2}, max_usd=0)


def test_a_large_volume_is_noted_since_it_is_not_priced(account: FakeAws) -> None:
    opskit.guard(max_usd=0)
    request = training()
    for size, is_noted in ((100, False), (16000, True)):
        request["ResourceConfig"]["VolumeSizeInGB"] = size
        with pytest.raises(opskit.GuardRefused) as refused:
            boto3.client("sagemaker").create_training_job(**request)
        assert any("does not price volumes" in note for note in refused.value.verdict.notes) is is_noted
    variant = {"VariantName": "a", "InstanceType": TYPE, "InitialInstanceCount": 1, "VolumeSizeInGB": 500}
    account.running["DescribeEndpointConfig"] = lambda asked: {"ProductionVariants": [variant]}
    with pytest.raises(opskit.GuardRefused, match="a volume of 500 GB is billed too"):
        boto3.client("sagemaker").create_endpoint(EndpointName="e", EndpointConfigName="c")


def test_every_type_of_a_list_of_preferences_has_to_fit(account: FakeAws) -> None:
    opskit.guard()
    request = training()
    preferences = [{"InstanceType": TYPE, "InstanceCount": 1}, {"InstanceType": OTHER, "InstanceCount": 5}]
    request["ResourceConfig"] = {"InstancePreferences": preferences, "VolumeSizeInGB": 1}
    with pytest.raises(opskit.GuardRefused, match=rf"{OTHER} for training job usage: the quota is 4 \(needed: 5\)"):
        boto3.client("sagemaker").create_training_job(**request)


def test_groups_add_up_in_the_maximum_of_one_job(account: FakeAws) -> None:
    account.quotas = [
        Entry(name, code, 20 if name.startswith(("ml.", "Number of instances across")) else 4, 1)
        for name, code in bundled_codes().items()
    ]
    opskit.guard()
    request = training()
    groups = [
        {"InstanceGroupName": "a", "InstanceType": TYPE, "InstanceCount": 3},
        {"InstanceGroupName": "b", "InstanceType": OTHER, "InstanceCount": 3},
    ]
    request["ResourceConfig"] = {"InstanceGroups": groups, "VolumeSizeInGB": 1}
    with pytest.raises(opskit.GuardRefused, match=r"Maximum number of instances per training job: .*needed: 6"):
        boto3.client("sagemaker").create_training_job(**request)


def test_what_handlers_of_events_change_is_what_is_judged(account: FakeAws) -> None:
    client = boto3.client("sagemaker")

    def enlarge(params: dict[str, Any], **_: Any) -> None:
        params["ResourceConfig"] = {**params["ResourceConfig"], "InstanceCount": 9}

    client.meta.events.register("before-parameter-build.sagemaker.CreateTrainingJob", enlarge)
    opskit.guard()
    with pytest.raises(opskit.GuardRefused, match="needed: 9"):
        client.create_training_job(**training(1))


def test_calls_of_one_moment_share_a_look_and_do_not_all_pass(
    account: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    opskit.guard()
    client = boto3.client("sagemaker")

    def start(number: int) -> bool:
        try:
            client.create_training_job(**training(1, f"job-{number}"))
        except opskit.GuardRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        passed = list(pool.map(start, range(8)))
    assert (sum(passed), sent(account), account.count("ListTrainingJobs")) == (4, 4, 1)


def test_sessions_with_the_same_credentials_share_a_look(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    opskit.guard()
    clients = [boto3.Session().client("sagemaker") for _ in range(6)]

    def start(client: Any) -> bool:
        try:
            client.create_training_job(**training(4))
        except opskit.GuardRefused:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(start, clients)) == 1
    other_account = boto3.client("sagemaker", aws_access_key_id="a", aws_secret_access_key="b")
    other_region = boto3.client("sagemaker", region_name="eu-west-1")
    assert (start(other_account), start(other_region)) == (True, True)


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
    account: FakeAws,
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
            broken.setitem(account.running, "CreateTrainingJob", lambda asked: answer)
        with pytest.raises((ClientError, BotoCoreError)):
            client.create_training_job(**training(4))
    with pytest.raises(opskit.GuardRefused) if is_held else nullcontext():
        client.create_training_job(**training(4))
    if not is_held:  # and what was taken counts as before
        with pytest.raises(opskit.GuardRefused):
            client.create_training_job(**training(1))


def test_what_another_guard_stopped_does_not_count(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.guards.flows.call_guard.MOMENT_SECONDS", 600.0)
    client = boto3.client("sagemaker")
    opskit.guard()
    with opskit.guard(max_usd=0), pytest.raises(opskit.GuardRefused):
        client.create_training_job(**training(4))
    client.create_training_job(**training(4))
    assert sent(account) == 1


def test_reads_and_what_is_free_are_not_looked_at(account: FakeAws) -> None:
    opskit.guard()
    client = boto3.client("sagemaker")
    account.forget_calls()
    client.list_training_jobs()
    client.stop_training_job(TrainingJobName="job")
    client.delete_endpoint(EndpointName="e")
    assert {name for name, _ in account.calls} == {"ListTrainingJobs", "StopTrainingJob", "DeleteEndpoint"}


def test_what_botocore_refuses_is_botocores_to_say(account: FakeAws) -> None:
    opskit.guard()
    with pytest.raises(ParamValidationError):
        boto3.client("sagemaker").create_training_job(TrainingJobName="job")


def test_an_answer_of_aws_is_not_changed(account: FakeAws) -> None:
    account.running["CreateTrainingJob"] = lambda asked: Fault(400, "ResourceInUse", "There is one.")
    opskit.guard()
    with pytest.raises(ClientError, match="There is one"):
        boto3.client("sagemaker").create_training_job(**training())


def test_what_cannot_be_read_is_refused_unless_a_warning_is_enough(account: FakeAws) -> None:
    account.fault = lambda operation, region: DENIED if "Quota" in operation else None
    with pytest.warns(opskit.GuardWarning, match="servicequotas:GetServiceQuota"):
        opskit.guard()
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused, match=r'on_unknown="warn"'):
        client.create_training_job(**training())
    assert sent(account) == 0
    with pytest.warns(opskit.GuardWarning):
        opskit.guard(on_unknown="warn")
    with pytest.warns(opskit.GuardWarning, match="cannot judge it"):
        client.create_training_job(**training())
    assert sent(account) == 1


def test_an_operation_that_cannot_be_judged_is_refused_by_name(account: FakeAws) -> None:
    opskit.guard()
    with pytest.raises(opskit.GuardRefused, match="bought in advance"):
        boto3.client("sagemaker").create_training_plan(TrainingPlanName="p", TrainingPlanOfferingId="o")
    assert account.count("CreateTrainingPlan") == 0


def test_a_price_of_the_dated_table_is_said(account: FakeAws) -> None:
    account.running["GetProducts"] = lambda asked: DENIED
    with pytest.warns(opskit.GuardWarning, match="pricing:GetProducts"):
        opskit.guard(max_usd="0.01")
    with pytest.raises(opskit.GuardRefused, match="opskit's table, as of") as refused:
        boto3.client("sagemaker").create_training_job(**training())
    assert refused.value.verdict.cost.sources


def test_an_endpoint_is_judged_by_its_configuration(account: FakeAws) -> None:
    variant = {"VariantName": "a", "InstanceType": TYPE, "InitialInstanceCount": 5, "ModelName": "m"}
    account.running["DescribeEndpointConfig"] = lambda asked: {
        "EndpointConfigName": asked["EndpointConfigName"],
        "ProductionVariants": [variant],
    }
    opskit.guard()
    with pytest.raises(opskit.GuardRefused, match=r"ml\.m4\.xlarge for endpoint usage: the quota is 4 \(needed: 5\)"):
        boto3.client("sagemaker").create_endpoint(EndpointName="e", EndpointConfigName="c")
    assert account.count("CreateEndpoint") == 0


def test_unguard_ends_it_and_a_second_guard_takes_the_place_of_the_first(account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    opskit.guard(max_usd=0)
    opskit.guard(max_usd=100)
    client.create_training_job(**training())
    opskit.unguard()
    client.create_training_job(**training(50))
    assert sent(account) == 2


def test_a_block_ends_its_guard_and_adds_to_the_one_around_it(account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    opskit.guard(max_usd=5)
    with opskit.guard(max_usd=100), pytest.raises(opskit.GuardRefused):
        client.create_training_job(**training(4, seconds=86400))
    with opskit.guard(max_usd=0), pytest.raises(opskit.GuardRefused):
        client.create_training_job(**training())
    client.create_training_job(**training())
    assert sent(account) == 1


def test_declared_instances_are_judged_before_the_block(account: FakeAws) -> None:
    with opskit.guard(training={TYPE: 4}):
        pass
    with pytest.raises(opskit.GuardRefused, match="Nothing was started"):
        opskit.guard(training={TYPE: 5})
    boto3.client("sagemaker").create_training_job(**training(50))  # what was refused has put no guard on


def test_a_decorated_function_is_guarded_while_it_runs(account: FakeAws) -> None:
    client = boto3.client("sagemaker")

    @opskit.guard(max_usd=0)
    def start() -> None:
        client.create_training_job(**training())

    @opskit.guard(max_usd=0)
    async def start_later() -> None:
        client.create_training_job(**training())

    client.create_training_job(**training())
    for run in (start, lambda: asyncio.run(start_later())):
        with pytest.raises(opskit.GuardRefused):
            run()
    client.create_training_job(**training())
    assert sent(account) == 2


def test_a_generator_is_not_decorated(account: FakeAws) -> None:
    def start() -> Iterator[int]:
        yield 1

    with pytest.raises(UsageError, match="generator"):
        opskit.guard()(start)


def test_one_session_is_guarded_and_no_other(account: FakeAws) -> None:
    ours, other = boto3.Session(), boto3.Session()
    made_before = ours.client("sagemaker")
    guarding = opskit.guard_session(ours, max_usd=0)
    for client in (made_before, ours.client("sagemaker")):
        with pytest.raises(opskit.GuardRefused):
            client.create_training_job(**training())
    other.client("sagemaker").create_training_job(**training())
    guarding.stop()
    made_before.create_training_job(**training())
    assert sent(account) == 2


def test_the_look_uses_the_calling_clients_credentials_and_region(account: FakeAws) -> None:
    account.by_region = {"eu-west-1": [Entry(name, code, 0, 0) for name, code in bundled_codes().items()]}
    opskit.guard()
    client = boto3.client("sagemaker", region_name="eu-west-1")
    with pytest.raises(opskit.GuardRefused, match="the quota is 0"):
        client.create_training_job(**training())
    assert ("GetServiceQuota", "eu-west-1") in account.calls or ("ListServiceQuotas", "eu-west-1") in account.calls


def test_without_credentials_of_its_own_the_guard_is_on_all_the_same(
    account: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = boto3.client("sagemaker", aws_access_key_id="a", aws_secret_access_key="b")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.warns(opskit.GuardWarning, match="credentials of their own"):
        opskit.guard()
    with pytest.raises(opskit.GuardRefused, match="needed: 5"):
        client.create_training_job(**training(5))


def test_an_error_of_opskits_own_is_no_yes_and_no_crash(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    opskit.guard()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("opskit.guards.flows.call_guard.start_look", fail)
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused, match=r"opskit failed \(RuntimeError: a bug"):
        client.create_training_job(**training())
    client.list_training_jobs()


def test_a_refusal_goes_through_a_pickle_and_shows_in_jupyter(account: FakeAws) -> None:
    opskit.guard()
    with pytest.raises(opskit.GuardRefused) as refused:
        boto3.client("sagemaker").create_training_job(**training(5))
    error = refused.value
    assert f"{type(error).__module__}.{type(error).__qualname__}" == "opskit.GuardRefused"
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, CallRefused)
    assert str(again) == str(error)
    assert again.verdict.needs == error.verdict.needs
    assert error._render_traceback_()[0] == "GuardRefused: CreateTrainingJob was not sent: opskit's guard refused it."
    assert error._repr_markdown_().startswith("**CreateTrainingJob was not sent")


@pytest.mark.parametrize(
    "arguments",
    [{"max_usd": "five"}, {"hours": 0}, {"on_unknown": "ignore"}, {"training": {"m4": 1}}, {"training": {TYPE: 0}}],
)
def test_arguments_that_are_none(account: FakeAws, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        opskit.guard(**arguments)
    boto3.client("sagemaker").create_training_job(**training(50))


def test_what_is_no_session_is_refused(account: FakeAws) -> None:
    with pytest.raises(UsageError, match="not a boto3 session"):
        opskit.guard_session(object())


def test_no_warning_where_all_can_be_read(account: FakeAws) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opskit.guard(max_usd=1)


def test_importing_opskit_loads_next_to_nothing() -> None:
    code = (
        "import opskit, sys; print(sorted(n for n in sys.modules if n.split('.')[0] in ('boto3', 'botocore', 'rich')))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_all_names_are_listed_before_they_are_loaded() -> None:
    code = "import opskit; print(set(opskit.__all__) <= set(dir(opskit)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "True"


def test_the_functions_stay_functions_after_every_module_was_imported() -> None:
    for module in walk_packages(opskit.__path__, "opskit."):
        if not module.name.startswith(("opskit.sandbox.", "opskit.__main__")):
            import_module(module.name)
    for name in ("check_room", "costs", "guard", "guard_session", "unguard"):
        assert callable(getattr(opskit, name))


def test_a_look_is_short_and_reads_no_price_that_no_budget_needs(account: FakeAws) -> None:
    opskit.guard()
    client = boto3.client("sagemaker")
    client.create_training_job(**training(1))  # codes of quotas are found and remembered
    account.latency_seconds = 0.5  # more than a busy machine needs to start the threads
    account.forget_calls()
    client.create_training_job(**training(1, instance_type=OTHER))
    assert account.count("GetProducts") == 0
    # What is in use takes two answers, one after the other, and then comes the call itself.
    assert account.one_after_another() <= 4


def test_what_is_late_is_unknown_and_a_late_price_comes_from_the_table() -> None:
    late: Future[Any] = Future()
    key = (TYPE, Workload.TRAINING)
    look = PendingLook("us-east-1", late, {key: late}).finish(0.0)
    assert look.snapshot is None
    assert "could not be read within 5 s" in look.problems()[0].message
    price = look.prices[key]
    assert isinstance(price, Price)
    assert "as of" in price.source
    elsewhere = PendingLook("eu-west-1", late, {key: late}).finish(0.0).prices[key]
    assert isinstance(elsewhere, Unknown)


def test_ipython_shows_the_reasons_instead_of_a_traceback(account: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    shell = InteractiveShell.instance()
    shell.user_ns["start"] = lambda: boto3.client("sagemaker").create_training_job(**training(5))
    opskit.guard()
    shell.run_cell("start()")  # type: ignore[no-untyped-call]
    shown = capsys.readouterr().out
    assert "GuardRefused: CreateTrainingJob was not sent" in shown
    assert "Traceback" not in shown
    assert "botocore" not in shown


def test_room_is_checked_without_a_guard(account: FakeAws) -> None:
    found = opskit.check_room(training={TYPE: 2}, max_usd=5, hours=1)
    assert (found["verdict"], found["account"], found["region"]) == ("fits", "123456789012", "us-east-1")
    assert found["estimate_usd"] == Decimal("0.56")
    assert found["problems"] == []
    assert opskit.check_room(training={TYPE: 5})["verdict"] == "short"
    assert opskit.check_room(training={TYPE: 2}, max_usd="0.1", hours=1)["verdict"] == "over-budget"
    with pytest.raises(UsageError):
        opskit.check_room()
    with pytest.raises(UsageError, match="duration"):
        opskit.check_room(training={TYPE: 2}, max_usd=1)
    boto3.client("sagemaker").create_training_job(**training(50))


def test_a_stopped_notebook_is_counted_in_the_total_already(account: FakeAws) -> None:
    account.quotas = [Entry(name, code, 2, 1) for name, code in bundled_codes().items()]
    stopped = {"InstanceType": "ml.t2.medium", "NotebookInstanceStatus": "Stopped", "NotebookInstanceArn": "arn:n"}
    listed = [{**stopped, "NotebookInstanceName": name} for name in ("a", "b")]
    account.running["ListNotebookInstances"] = lambda asked: {"NotebookInstances": listed}
    account.running["DescribeNotebookInstance"] = lambda asked: {**stopped, "NotebookInstanceName": "a"}
    opskit.guard()
    client = boto3.client("sagemaker")
    client.start_notebook_instance(NotebookInstanceName="a")
    assert account.count("StartNotebookInstance") == 1
    with pytest.raises(opskit.GuardRefused, match="AWS may count stopped ones too"):
        client.create_notebook_instance(NotebookInstanceName="c", InstanceType="ml.t2.medium", RoleArn=ROLE)


def test_a_second_guard_of_a_session_takes_the_place_of_the_first(account: FakeAws) -> None:
    session = boto3.Session()
    opskit.guard_session(session, max_usd=0)
    guarding = opskit.guard_session(session, max_usd=100)
    session.client("sagemaker").create_training_job(**training())
    guarding.stop()


def test_clients_that_are_not_covered_are_said(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiobotocore", sys)
    with pytest.warns(opskit.GuardWarning, match="aiobotocore are not covered"):
        opskit.guard()


def test_what_the_first_look_opens_serves_the_calls(account: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    from opskit.aws.outgoing_calls import open_default_reader, read_as

    opskit.guard()
    assert boto3.DEFAULT_SESSION is None  # it is the program's to make
    client = boto3.client("sagemaker")
    opened = open_default_reader()
    assert opened is not None
    assert opened.session is read_as(client).session
