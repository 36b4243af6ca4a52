"""What a plan may start and may not: conditions, bounds on what runs at once, and what a resource leaves that is made
anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from opskit.core.workloads import NOTEBOOK_VOLUMES
from opskit.guards.flows.plan_check import read_planned_calls
from opskit.guards.rules.operations import judge_request
from opskit.guards.rules.planned_calls import judge_plan
from opskit.guards.rules.request_model import NotDescribed, RequestNeeds
from tests.fakes.cli_runner import CliResult
from tests.fakes.fake_aws import Entry, FakeAws
from tests.fakes.price_answers import priced_products

M4, M5 = "ml.m4.xlarge", "ml.m5.xlarge"
Guard = Callable[..., CliResult]


def not_described(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    raise NotDescribed(f"{operation} is not there.")


def judged(document: Any, region: str = "us-east-1", **values: str) -> RequestNeeds:
    return judge_plan(read_planned_calls(document, region, None, values), not_described)


def notebook(condition: str | None = None, instance_type: Any = M4) -> dict[str, Any]:
    resource = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": instance_type}}
    return resource if condition is None else {**resource, "Condition": condition}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


CONDITIONS = {
    "Here": {"Fn::Equals": [ref("AWS::Region"), "us-east-1"]},
    "There": {"Fn::Not": [{"Condition": "Here"}]},
    "Always": {"Fn::Equals": ["a", "a"]},
    "Never": {"Fn::Equals": ["a", "b"]},
    "Perhaps": {"Fn::Equals": [ref("AWS::AccountId"), "123456789012"]},
    "PerhapsNever": {"Fn::And": [{"Condition": "Perhaps"}, {"Condition": "Never"}]},
    "PerhapsAlways": {"Fn::Or": [{"Condition": "Perhaps"}, {"Condition": "Always"}]},
    "China": {"Fn::Equals": [ref("AWS::Partition"), "aws-cn"]},
    "Round": {"Condition": "Round"},
}


@pytest.mark.parametrize(
    ("condition", "region", "made"),
    [
        ("Here", "us-east-1", True),
        ("Here", "eu-west-1", False),
        ("There", "us-east-1", False),
        ("There", "eu-west-1", True),
        ("Always", "us-east-1", True),
        ("Never", "us-east-1", False),
        ("Perhaps", "us-east-1", None),
        ("PerhapsNever", "us-east-1", False),
        ("PerhapsAlways", "us-east-1", True),
        ("China", "cn-north-1", True),
        ("China", "us-east-1", False),
    ],
)
def test_conditions_by_the_region_and_constants(condition: str, region: str, made: bool | None) -> None:
    template = {"Conditions": CONDITIONS, "Resources": {"N": notebook(condition)}}
    needs = judged(template, region)
    assert [need.certain for need in needs.needs] == ([] if made is False else [made is True])
    assert bool(needs.unknowns) is (made is None)


def test_a_type_by_the_region() -> None:
    template = {"Conditions": CONDITIONS, "Resources": {"N": notebook(None, {"Fn::If": ["Here", M4, M5]})}}
    assert [judged(template, region).needs[0].instance_type for region in ("us-east-1", "eu-west-1")] == [M4, M5]


def test_what_may_not_be_made_is_never_a_refusal(guard_plan: Guard) -> None:
    perhaps = {f"N{number}": notebook("Perhaps") for number in range(5)}
    ran = guard_plan({"Conditions": CONDITIONS, "Resources": perhaps})
    assert (ran.code, ran.data["verdict"]) == (5, "unknown")
    assert any("the quota is 4 (needed: 5)" in each["reason"] for each in ran.data["unknown"])
    assert {need["certain"] for need in ran.data["needs"]} == {False}
    sure = {f"S{number}": notebook() for number in range(5)}
    assert guard_plan({"Conditions": CONDITIONS, "Resources": {**perhaps, **sure}}).code == 3
    assert guard_plan({"Conditions": CONDITIONS, "Resources": {"N": notebook("Always")}}).code == 0


def test_what_is_not_known_is_in_no_cost(guard_plan: Guard, fake_aws: FakeAws) -> None:
    fake_aws.running["GetProducts"] = lambda asked: priced_products(asked, {M4: "0.28"})
    unknown = notebook(None, {"Fn::GetAtt": ["Elsewhere", "Type"]})
    data = guard_plan({"Resources": {"N": notebook()}}).data
    assert (data["usd_per_hour"], data["estimate_usd"]) == (0.28, 6.72)
    data = guard_plan({"Resources": {"N": notebook(), "M": unknown}}).data
    assert (data["verdict"], data["usd_per_hour"], data["estimate_usd"]) == ("unknown", None, None)


def step(name: str, count: Any, *after: str) -> dict[str, Any]:
    resources = {"InstanceType": M4, "InstanceCount": count, "VolumeSizeInGB": 1}
    return {"Name": name, "Type": "Training", "Arguments": {"ResourceConfig": resources}, "DependsOn": list(after)}


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


MODE, SIZE = {"Get": "Parameters.Mode"}, {"Get": "Parameters.Size"}
SCORE = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.E.PropertyFiles.F"}, "Path": "rmse"}}


@pytest.mark.parametrize(
    ("conditions", "steps"),
    [
        ([compare("Equals", MODE, "fast")], "A"),
        ([compare("Equals", MODE, "slow")], "B"),
        ([compare("GreaterThan", SIZE, 2)], "A"),
        ([compare("LessThanOrEqualTo", SIZE, 2)], "B"),
        ([{"Type": "In", "QueryValue": MODE, "Values": ["fast", "faster"]}], "A"),
        ([{"Type": "Not", "Expression": compare("Equals", MODE, "fast")}], "B"),
        ([{"Type": "Or", "Conditions": [compare("Equals", MODE, "slow"), compare("Equals", SIZE, 3)]}], "A"),
        ([compare("LessThan", SCORE, 5)], "AB"),
        ([compare("Equals", MODE, "slow"), compare("LessThan", SCORE, 5)], "B"),
        ([compare("Equals", MODE, "fast"), compare("LessThan", SCORE, 5)], "AB"),
        ([{"Type": "Or", "Conditions": [compare("Equals", MODE, "fast"), compare("LessThan", SCORE, 5)]}], "A"),
        ([compare("Resembles", MODE, "fast")], "AB"),
        ([compare("GreaterThan", MODE, 2)], "AB"),
    ],
)
def test_conditions_of_a_pipeline_by_its_parameters(conditions: list[Any], steps: str) -> None:
    branches = {"IfSteps": [step("A", 1)], "ElseSteps": [step("B", 2)]}
    chosen = {"Name": "If", "Type": "Condition", "Arguments": {"Conditions": conditions, **branches}}
    parameters = [
        {"Name": "Mode", "Type": "String", "DefaultValue": "fast"},
        {"Name": "Size", "Type": "Integer", "DefaultValue": 3},
    ]
    needs = judged({"Version": "2020-12-01", "Parameters": parameters, "Steps": [chosen]})
    assert [need.source[6] for need in needs.needs] == list(steps)
    assert {need.certain for need in needs.needs} == {len(steps) == 1}


def test_a_branch_that_a_metric_decides_is_no_refusal_and_fits_where_both_do(guard_plan: Guard) -> None:
    def pipeline(first: int, last: int) -> dict[str, Any]:
        branches = {"IfSteps": [step("B", last)], "ElseSteps": []}
        conditions = [compare("LessThan", SCORE, 5)]
        chosen = {"Name": "If", "Type": "Condition", "Arguments": {"Conditions": conditions, **branches}}
        return {"Version": "2020-12-01", "Steps": [step("A", first), {**chosen, "DependsOn": ["A"]}]}

    assert guard_plan(pipeline(1, 4)).code == 0
    assert guard_plan(pipeline(1, 5)).code == 5
    assert guard_plan(pipeline(5, 5)).code == 3


@pytest.mark.parametrize(("most", "largest"), [(None, 10), (1, 4), (2, 7), (3, 9), (9, 10)])
def test_no_more_steps_count_at_once_than_may_run(most: int | None, largest: int) -> None:
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step(f"S{n}", n) for n in (1, 2, 3, 4)]})
    bound = {} if most is None else {"ParallelismConfiguration": {"MaxParallelExecutionSteps": most}}

    def told(**answer: Any) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any]]:
        return lambda operation, params: {"PipelineDefinition": definition, **answer}

    def at_once(needs: RequestNeeds) -> int:
        return max(sum(need.count for need in moment) for moment in needs.needs_by_moment())

    of_pipeline = judge_request("StartPipelineExecution", {"PipelineName": "p"}, told(**bound), bool)
    assert at_once(of_pipeline) == largest
    one = {"ParallelismConfiguration": {"MaxParallelExecutionSteps": 1}}
    by_request = judge_request("StartPipelineExecution", {"PipelineName": "p", **bound}, told(**one), bool)
    assert at_once(by_request) == (4 if most is None else largest)


def test_requests_of_a_list_know_each_other(guard_plan: Guard) -> None:
    def config(count: int) -> dict[str, Any]:
        variant = {"VariantName": "v", "ModelName": "m", "InstanceType": M4, "InitialInstanceCount": count}
        return {"CreateEndpointConfig": {"EndpointConfigName": "c", "ProductionVariants": [variant]}}

    model = {"CreateModel": {"ModelName": "m", "ExecutionRoleArn": "arn"}}
    endpoint = {"CreateEndpoint": {"EndpointName": "e", "EndpointConfigName": "c"}}
    assert [guard_plan([model, config(count), endpoint]).code for count in (4, 5)] == [0, 3]
    assert guard_plan([model, config(4)]).code == 0
    pipeline = {"PipelineName": "p", "PipelineDefinition": json.dumps({"Version": "1", "Steps": [step("A", 5)]})}
    assert guard_plan([{"CreatePipeline": pipeline}, {"StartPipelineExecution": {"PipelineName": "p"}}]).code == 3


YAML_REQUEST = """
# As `aws sagemaker create-training-job --generate-cli-skeleton yaml-input` begins one.
TrainingJobName: 'job'  # [REQUIRED] The name of the training job.
RoleArn: 'arn:aws:iam::123456789012:role/r'
OutputDataConfig:
  S3OutputPath: 's3://b'
ResourceConfig:
  InstanceType: ml.m4.xlarge
  InstanceCount: {count}
  VolumeSizeInGB: 1
StoppingCondition:
  MaxRuntimeInSeconds: 60
"""


def test_a_request_may_be_yaml(guard_plan: Guard) -> None:
    assert [guard_plan(YAML_REQUEST.format(count=count)).code for count in (4, 5)] == [0, 3]
    ran = guard_plan("just words\n")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (2, "bad-plan")


def test_numbers_that_a_quota_bounds_by_themselves_are_judged(guard_plan: Guard, fake_aws: FakeAws) -> None:
    longest = "Longest run time for a training job"
    fake_aws.quotas = [*(e for e in fake_aws.quotas if e.name != longest), Entry(longest, "L-33A961FD", 432000, 1)]
    request = {
        "TrainingJobName": "job",
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "OutputDataConfig": {"S3OutputPath": "s3://b"},
        "ResourceConfig": {"InstanceType": M4, "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 432001},
    }
    ran = guard_plan(request)
    (error,) = ran.envelope["errors"]
    assert (ran.code, ran.data["verdict"], error["code"]) == (3, "short", "above-limit")
    assert f"{longest}: the quota is 432000, and StoppingCondition.MaxRuntimeInSeconds is 432001" in error["message"]
    assert guard_plan({**request, "StoppingCondition": {"MaxRuntimeInSeconds": 432000}}).code == 0


NOTEBOOK = "aws_sagemaker_notebook_instance"
ENDPOINT, CONFIG = "aws_sagemaker_endpoint", "aws_sagemaker_endpoint_configuration"


def terraform(kind: str, actions: list[str], before: Any, after: Any) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}}
    resource = {"address": f"{kind}.x", "mode": "managed", "type": kind, "name": "x", "change": change}
    return {"format_version": "1.2", "resource_changes": [resource]}


def seed_lab(fake_aws: FakeAws, status: str, totals: Mapping[str, int], quota: int) -> None:
    """A notebook instance of that status with a volume of 5 GB, and quotas: those named, and all others alike."""
    lab = {
        "NotebookInstanceName": "lab",
        "NotebookInstanceArn": "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/lab",
        "NotebookInstanceStatus": status,
        "InstanceType": M4,
        "VolumeSizeInGB": 5,
    }
    fake_aws.quotas = [Entry(each.name, each.code, totals.get(each.name, quota), 0) for each in fake_aws.quotas]
    fake_aws.running["ListNotebookInstances"] = lambda asked: {"NotebookInstances": [lab]}
    fake_aws.running["DescribeNotebookInstance"] = lambda asked: lab


@pytest.mark.parametrize(
    ("actions", "status", "quota", "code"),
    [
        # The old instance is gone before the new one is made.
        (["delete", "create"], "InService", 1, 0),
        # A stopped one holds nothing that the new one could take.
        (["delete", "create"], "Stopped", 1, 0),
        (["delete", "create"], "Stopped", 0, 3),
        (["create", "delete"], "InService", 1, 3),
        (["create", "delete"], "InService", 2, 0),
        (["create"], "InService", 2, 0),
    ],
)
def test_what_is_replaced_leaves_its_place(
    guard_plan: Guard, fake_aws: FakeAws, actions: list[str], status: str, quota: int, code: int
) -> None:
    # The old volume goes with the old instance, whether or not that runs; beside it both have to fit.
    totals = {"Total number of notebook instances": 9, NOTEBOOK_VOLUMES: 5 if actions[0] == "delete" else 10}
    seed_lab(fake_aws, status, totals, quota)
    state = {"name": "lab", "instance_type": M4}
    assert guard_plan(terraform(NOTEBOOK, actions, state, {**state, "subnet_id": "s"})).code == code


@pytest.mark.parametrize(
    ("status", "gigabytes", "code"),
    [("InService", 19, 3), ("InService", 20, 0), ("Stopped", 19, 3), ("Stopped", 20, 0)],
)
@pytest.mark.parametrize("actions", [["delete", "create"], ["update"]], ids="-".join)
def test_what_takes_the_place_of_a_running_notebook_needs_its_larger_volume(
    guard_plan: Guard, fake_aws: FakeAws, actions: list[str], status: str, gigabytes: int, code: int
) -> None:
    # More instances run than either quota has room for: whoever needs no further one is not refused for that.
    quota = 0 if status == "InService" else 1
    totals = {"Total number of notebook instances": 1 - quota + quota * 9, NOTEBOOK_VOLUMES: gigabytes}
    seed_lab(fake_aws, status, totals, quota)
    state = {"name": "lab", "instance_type": M4, "volume_size": 5}
    ran = guard_plan(terraform(NOTEBOOK, actions, state, {**state, "volume_size": 20}))
    assert ran.code == code
    rows = {row["quota_name"]: row["verdict"] for row in ran.data["quotas"]}
    assert rows[NOTEBOOK_VOLUMES] == ("short" if code else "fits")
    assert (f"{M4} for notebook instance usage" in rows) is (status == "Stopped")


def test_an_old_endpoint_that_cannot_be_read_is_not_subtracted(guard_plan: Guard, fake_aws: FakeAws) -> None:
    variant = {"VariantName": "v", "InstanceType": M4, "InitialInstanceCount": 4}
    config = {"EndpointConfigName": "c", "ProductionVariants": [variant]}
    running = {"VariantName": "v", "CurrentInstanceCount": 4, "DesiredInstanceCount": 4}
    endpoint = {
        "EndpointName": "e",
        "EndpointStatus": "InService",
        "EndpointConfigName": "c",
        "ProductionVariants": [running],
    }
    fake_aws.running["ListEndpoints"] = lambda asked: {"Endpoints": [{"EndpointName": "e"}]}
    fake_aws.running["DescribeEndpoint"] = lambda asked: endpoint
    fake_aws.running["DescribeEndpointConfig"] = lambda asked: config
    state = {"name": "e", "endpoint_config_name": "c"}
    assert guard_plan(terraform(ENDPOINT, ["delete", "create"], state, {**state, "tags": {"a": "b"}})).code == 0
    assert guard_plan(terraform(ENDPOINT, ["create", "delete"], state, {**state, "tags": {"a": "b"}})).code == 3
    plan = read_planned_calls(terraform(ENDPOINT, ["delete", "create"], state, state), "us-east-1", None, {})

    def only_config(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return config if operation == "describe_endpoint_config" else not_described(operation, params)

    needs = judge_plan(plan, only_config)
    assert [need.count for need in needs.needs] == [4]
    assert any("could not be read" in note for note in needs.notes)


def test_a_tuning_costs_an_hour_what_its_parallel_jobs_cost() -> None:
    request = {
        "HyperParameterTuningJobName": "t",
        "HyperParameterTuningJobConfig": {
            "ResourceLimits": {"MaxParallelTrainingJobs": 3, "MaxNumberOfTrainingJobs": 30}
        },
        "TrainingJobDefinition": {
            "ResourceConfig": {"InstanceType": M4, "InstanceCount": 2, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
    }
    (need,) = judge_request("CreateHyperParameterTuningJob", request, not_described, bool).needs
    assert (need.count, need.billed_count, need.hourly_count) == (6, 60, 6)
    few = {"ResourceLimits": {"MaxParallelTrainingJobs": 3, "MaxNumberOfTrainingJobs": 2}}
    (need,) = judge_request(
        "CreateHyperParameterTuningJob", {**request, "HyperParameterTuningJobConfig": few}, not_described, bool
    ).needs
    assert (need.billed_count, need.hourly_count) == (4, 4)
