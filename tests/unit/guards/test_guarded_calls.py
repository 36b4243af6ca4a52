"""``opskit.guard``: which call is sent, which is refused, and what the refusal says."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ParamValidationError,
)

import opskit
from opskit.core.model import NotOffered, Quota, QuotaLookup, Requirement, Unknown, Workload
from opskit.guards.rules.call_budget import CallPolicy
from opskit.guards.rules.call_verdict import Outcome, ReadQuotas, judge_call
from opskit.guards.rules.operations import judge_request
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.quotas.rules.model import Headroom, UsedRange, Verdict
from tests.fakes.fake_aws import DENIED, Entry, FakeAws, Fault
from tests.fakes.training_requests import OTHER, ROLE, TYPE, sent_trainings, set_quota, training_request


def test_a_call_that_does_not_fit_is_not_sent_by_a_client_that_exists_already(guarded_account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    opskit.guard()
    with pytest.raises(opskit.GuardRefused) as refused:
        client.create_training_job(**training_request(5))
    assert sent_trainings(guarded_account) == 0
    text = str(refused.value)
    assert "CreateTrainingJob was not sent" in text
    assert "ml.m4.xlarge for training job usage: the quota is 4 (needed: 5)" in text
    assert "opskit quotas increase ml.m4.xlarge --for training --to 5" in text


def test_a_call_that_fits_is_sent(guarded_account: FakeAws) -> None:
    opskit.guard(max_usd=5)
    assert boto3.client("sagemaker").create_training_job(**training_request(4))["TrainingJobArn"] == "arn:job"


def test_a_budget_names_the_run_time_that_would_fit(guarded_account: FakeAws) -> None:
    opskit.guard(max_usd="0.28")
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused, match=r"MaxRuntimeInSeconds is 7200 \(2h\), and 3600 would fit"):
        client.create_training_job(**training_request(1, seconds=7200))
    client.create_training_job(**training_request(1, seconds=3600))
    assert sent_trainings(guarded_account) == 1


LONGEST = "Longest run time for a training job"
AT_ONCE = "Maximum number of training jobs each hyper parameter tuning job can run in parallel at once"


def test_a_run_time_is_held_against_the_longest_that_aws_allows(guarded_account: FakeAws) -> None:
    set_quota(guarded_account, LONGEST, 432000)
    opskit.guard()
    client = boto3.client("sagemaker")
    with pytest.raises(opskit.GuardRefused) as refused:
        client.create_training_job(**training_request(seconds=432001))
    text = str(refused.value)
    assert f"{LONGEST}: the quota is 432000, and StoppingCondition.MaxRuntimeInSeconds is 432001" in text
    assert "Set StoppingCondition.MaxRuntimeInSeconds to 432000 at most, or ask AWS" in text
    client.create_training_job(**training_request(seconds=432000))
    assert sent_trainings(guarded_account) == 1


def test_a_tuning_is_held_against_its_own_quotas(guarded_account: FakeAws) -> None:
    set_quota(guarded_account, AT_ONCE, 2)
    opskit.guard()
    request = {
        "HyperParameterTuningJobName": "tuning",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxParallelTrainingJobs": 3, "MaxNumberOfTrainingJobs": 3},
        },
        "TrainingJobDefinition": {key: value for key, value in training_request().items() if key != "TrainingJobName"}
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
    needs = judge_request("CreateTrainingJob", training_request(seconds=90000), lambda *_: {}, lambda: True)
    quota = Quota("us-east-1", "q", "L-2", 4, 4)
    room = Headroom("us-east-1", Requirement(TYPE, Workload.TRAINING), "q", quota, UsedRange(0, 0), Verdict.FITS, "")
    verdict = judge_call("CreateTrainingJob", "us-east-1", needs, (room,), {}, CallPolicy(), (), ReadQuotas(quotas))
    assert verdict.outcome is outcome


def test_the_next_step_names_what_was_exceeded(guarded_account: FakeAws) -> None:
    client = boto3.client("sagemaker")
    guarded_account.quotas = [
        Entry(name, code, 2 if name.startswith("Number of") else 4, 1) for name, code in bundled_codes().items()
    ]

    def next_step(count: int, **policy: Any) -> str:
        with opskit.guard(**policy), pytest.raises(opskit.GuardRefused) as refused:
            client.create_training_job(**training_request(count))
        return str(refused.value).splitlines()[-1]

    assert next_step(1, max_usd_hour="0.1").endswith("opskit.guard() with a larger max_usd_hour.")
    assert next_step(1, max_usd="0.1").endswith("opskit.guard() with a larger max_usd.")
    total = "opskit quotas increase total --for training --to 3"
    assert total in next_step(3)
    both = next_step(5, max_usd="0.1")
    assert "larger max_usd." in both
    assert "opskit quotas increase ml.m4.xlarge --for training --to 5" in both
    assert "opskit quotas increase total --for training --to 5" in both


def test_a_large_volume_is_noted_since_it_is_not_priced(guarded_account: FakeAws) -> None:
    opskit.guard(max_usd=0)
    request = training_request()
    for size, is_noted in ((100, False), (16000, True)):
        request["ResourceConfig"]["VolumeSizeInGB"] = size
        with pytest.raises(opskit.GuardRefused) as refused:
            boto3.client("sagemaker").create_training_job(**request)
        assert any("does not price volumes" in note for note in refused.value.verdict.notes) is is_noted
    variant = {"VariantName": "a", "InstanceType": TYPE, "InitialInstanceCount": 1, "VolumeSizeInGB": 500}
    guarded_account.running["DescribeEndpointConfig"] = lambda asked: {"ProductionVariants": [variant]}
    with pytest.raises(opskit.GuardRefused, match="a volume of 500 GB is billed too"):
        boto3.client("sagemaker").create_endpoint(EndpointName="e", EndpointConfigName="c")


def test_every_type_of_a_list_of_preferences_has_to_fit(guarded_account: FakeAws) -> None:
    opskit.guard()
    request = training_request()
    preferences = [{"InstanceType": TYPE, "InstanceCount": 1}, {"InstanceType": OTHER, "InstanceCount": 5}]
    request["ResourceConfig"] = {"InstancePreferences": preferences, "VolumeSizeInGB": 1}
    with pytest.raises(opskit.GuardRefused, match=rf"{OTHER} for training job usage: the quota is 4 \(needed: 5\)"):
        boto3.client("sagemaker").create_training_job(**request)


def test_groups_add_up_in_the_maximum_of_one_job(guarded_account: FakeAws) -> None:
    guarded_account.quotas = [
        Entry(name, code, 20 if name.startswith(("ml.", "Number of instances across")) else 4, 1)
        for name, code in bundled_codes().items()
    ]
    opskit.guard()
    request = training_request()
    groups = [
        {"InstanceGroupName": "a", "InstanceType": TYPE, "InstanceCount": 3},
        {"InstanceGroupName": "b", "InstanceType": OTHER, "InstanceCount": 3},
    ]
    request["ResourceConfig"] = {"InstanceGroups": groups, "VolumeSizeInGB": 1}
    with pytest.raises(opskit.GuardRefused, match=r"Maximum number of instances per training job: .*needed: 6"):
        boto3.client("sagemaker").create_training_job(**request)


def test_what_handlers_of_events_change_is_what_is_judged(guarded_account: FakeAws) -> None:
    client = boto3.client("sagemaker")

    def enlarge(params: dict[str, Any], **_: Any) -> None:
        params["ResourceConfig"] = {**params["ResourceConfig"], "InstanceCount": 9}

    client.meta.events.register("before-parameter-build.sagemaker.CreateTrainingJob", enlarge)
    opskit.guard()
    with pytest.raises(opskit.GuardRefused, match="needed: 9"):
        client.create_training_job(**training_request(1))


def test_reads_and_what_is_free_are_not_looked_at(guarded_account: FakeAws) -> None:
    opskit.guard()
    client = boto3.client("sagemaker")
    guarded_account.forget_calls()
    client.list_training_jobs()
    client.stop_training_job(TrainingJobName="job")
    client.delete_endpoint(EndpointName="e")
    assert {name for name, _ in guarded_account.calls} == {"ListTrainingJobs", "StopTrainingJob", "DeleteEndpoint"}


def test_what_botocore_refuses_is_botocores_to_say(guarded_account: FakeAws) -> None:
    opskit.guard()
    with pytest.raises(ParamValidationError):
        boto3.client("sagemaker").create_training_job(TrainingJobName="job")


def test_an_answer_of_aws_is_not_changed(guarded_account: FakeAws) -> None:
    guarded_account.running["CreateTrainingJob"] = lambda asked: Fault(400, "ResourceInUse", "There is one.")
    opskit.guard()
    with pytest.raises(ClientError, match="There is one"):
        boto3.client("sagemaker").create_training_job(**training_request())


def test_an_operation_that_cannot_be_judged_is_refused_by_name(guarded_account: FakeAws) -> None:
    opskit.guard()
    with pytest.raises(opskit.GuardRefused, match="bought in advance"):
        boto3.client("sagemaker").create_training_plan(TrainingPlanName="p", TrainingPlanOfferingId="o")
    assert guarded_account.count("CreateTrainingPlan") == 0


def test_a_price_of_the_dated_table_is_said(guarded_account: FakeAws) -> None:
    guarded_account.running["GetProducts"] = lambda asked: DENIED
    with pytest.warns(opskit.GuardWarning, match="pricing:GetProducts"):
        opskit.guard(max_usd="0.01")
    with pytest.raises(opskit.GuardRefused, match="opskit's table, as of") as refused:
        boto3.client("sagemaker").create_training_job(**training_request())
    assert refused.value.verdict.cost.sources


def test_an_endpoint_is_judged_by_its_configuration(guarded_account: FakeAws) -> None:
    variant = {"VariantName": "a", "InstanceType": TYPE, "InitialInstanceCount": 5, "ModelName": "m"}
    guarded_account.running["DescribeEndpointConfig"] = lambda asked: {
        "EndpointConfigName": asked["EndpointConfigName"],
        "ProductionVariants": [variant],
    }
    opskit.guard()
    with pytest.raises(opskit.GuardRefused, match=r"ml\.m4\.xlarge for endpoint usage: the quota is 4 \(needed: 5\)"):
        boto3.client("sagemaker").create_endpoint(EndpointName="e", EndpointConfigName="c")
    assert guarded_account.count("CreateEndpoint") == 0


def test_a_stopped_notebook_is_counted_in_the_total_already(guarded_account: FakeAws) -> None:
    guarded_account.quotas = [Entry(name, code, 2, 1) for name, code in bundled_codes().items()]
    stopped = {"InstanceType": "ml.t2.medium", "NotebookInstanceStatus": "Stopped", "NotebookInstanceArn": "arn:n"}
    listed = [{**stopped, "NotebookInstanceName": name} for name in ("a", "b")]
    guarded_account.running["ListNotebookInstances"] = lambda asked: {"NotebookInstances": listed}
    guarded_account.running["DescribeNotebookInstance"] = lambda asked: {**stopped, "NotebookInstanceName": "a"}
    opskit.guard()
    client = boto3.client("sagemaker")
    client.start_notebook_instance(NotebookInstanceName="a")
    assert guarded_account.count("StartNotebookInstance") == 1
    with pytest.raises(opskit.GuardRefused, match="AWS may count stopped ones too"):
        client.create_notebook_instance(NotebookInstanceName="c", InstanceType="ml.t2.medium", RoleArn=ROLE)
