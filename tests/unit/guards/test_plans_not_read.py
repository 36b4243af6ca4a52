"""What a plan holds and opskit does not read is unknown: it never fits in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.core.exceptions import UsageError
from opskit.guards.reads.plan_files import read_plan_file
from opskit.guards.rules.request_model import RequestNeeds
from tests.fakes.judged_plans import M4, cluster, judged, needs_of, unknowns_of
from tests.unit.guards.test_infrastructure_plans import NOTEBOOK, change, terraform
from tests.unit.guards.test_plans import machine, task


def test_a_request_for_several_operations_is_never_taken_for_one_that_starts_nothing() -> None:
    """All members that UpdateTrainingJob and UpdateNotebookInstance require are here too."""
    for request, named in (
        ({"TrainingJobName": "a", **cluster("ml.p5.48xlarge", 16)}, "training-job"),
        ({"NotebookInstanceName": "n", "InstanceType": "ml.p3.16xlarge"}, "notebook-instance"),
        ({"NotebookInstanceName": "n", "InstanceType": M4, "RoleArn": "arn"}, "notebook-instance"),
    ):
        with pytest.raises(UsageError) as caught:
            judged(request)
        assert caught.value.problem.code == "which-operation"
        hint = caught.value.problem.hint
        assert hint == f"Name it: --operation create-{named} or --operation update-{named}."
        assert needs_of(judged(request, f"Create{''.join(map(str.capitalize, named.split('-')))}"))


def test_a_whole_request_of_one_operation_that_starts_something_is_told_from_partial_ones() -> None:
    request = {"NotebookInstanceName": "n", "InstanceType": M4, "RoleArn": "arn", "SubnetId": "subnet"}
    assert needs_of(judged(request)) == [("InstanceType", M4, "notebook", 1)]


def test_an_operation_that_is_newer_is_unknown() -> None:
    """Here nothing tells what its input holds, as botocore's model does of a call."""
    needs = judged(machine(A=task("createQuantumJob", {"InstanceCount": 9})))
    assert unknowns_of(needs) == [("States.A", "the operation is newer than this opskit")]


def test_the_concurrency_of_serverless_variants_is_bounded_by_what_all_of_them_take() -> None:
    variant = {"VariantName": "a", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 200}}
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}}
    endpoint = {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": {"Ref": "C"}}}
    needs = judged({"Resources": {"C": config, "E": endpoint}})
    source = "E: endpoint configuration C.ProductionVariants[0].ServerlessConfig.MaxConcurrency"
    assert [(limit.value, limit.shared) for limit in needs.limits if limit.source == source] == [(200, True)]
    assert unknowns_of(needs) == []


CUSTOM = {"Type": "Custom::Trainer", "Properties": {"ServiceToken": "arn:aws:lambda:us-east-1:1:function:f"}}
NOTEBOOK_RESOURCE = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": M4}}


@pytest.mark.parametrize(
    ("resources", "place", "says"),
    [
        ({"Fn::ForEach::Books": ["N", ["a", "b"], {"Nb${N}": NOTEBOOK_RESOURCE}]}, "Fn::ForEach::Books", "loop"),
        ({"S": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x"}}}, "S", "nested"),
        ({"S": {"Type": "AWS::Serverless::Application", "Properties": {"Location": "x"}}}, "S", "nested"),
        ({"M": {"Type": "My::Books::Many::MODULE"}}, "M", "module"),
        ({"C": CUSTOM}, "C", "custom resource"),
        ({"C": {**CUSTOM, "Type": "AWS::CloudFormation::CustomResource"}}, "C", "custom resource"),
        ({"T": {"Type": "Org::Books::Notebook"}}, "T", "Org::Books::Notebook"),
        ({"Fn::Transform": {"Name": "Books"}}, "Fn::Transform", "macro"),
        ({"B": {"Type": "AWS::S3::Bucket", "Fn::Transform": {"Name": "Books"}}}, "B", "macro"),
        (
            {"E": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"Fn::Transform": {"Name": "Books"}}}},
            "E.Fn::Transform",
            "macro",
        ),
    ],
)
def test_what_a_template_makes_by_other_means_is_unknown(resources: dict[str, Any], place: str, says: str) -> None:
    needs = judged({"Transform": "AWS::LanguageExtensions", "Resources": resources})
    [[source, reason]] = unknowns_of(needs)
    assert (source, says in reason) == (place, True), reason
    beside = judged({"Resources": {**resources, "N": NOTEBOOK_RESOURCE}})
    assert needs_of(beside) == [("N: InstanceType", M4, "notebook", 1)]
    assert beside.unknowns == needs.unknowns


def test_what_no_condition_lets_be_made_is_not_unknown() -> None:
    document = {
        "Parameters": {"Env": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]}},
        "Conditions": {"InProd": {"Fn::Equals": [{"Ref": "Env"}, "prod"]}},
        "Resources": {"C": {**CUSTOM, "Condition": "InProd"}},
    }
    assert judged(document).is_free
    assert [source for source, _ in unknowns_of(judged(document, Env="prod"))] == ["C"]


@pytest.mark.parametrize(
    ("transform", "places"),
    [
        ("AWS::Serverless-2016-10-31", []),
        (["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"], []),
        ("Books", ["Transform"]),
        (["AWS::Serverless-2016-10-31", "Books"], ["Transform"]),
        ({"Name": "AWS::Include", "Parameters": {"Location": "s3://b/x"}}, ["Transform"]),
        ([{"Name": "AWS::Include", "Parameters": {"Location": "s3://b/x"}}], ["Transform"]),
    ],
)
def test_macros_of_a_whole_template(transform: Any, places: list[str]) -> None:
    needs = judged({"Transform": transform, "Resources": {"B": {"Type": "AWS::S3::Bucket"}}})
    assert [source for source, _ in unknowns_of(needs)] == places


def test_nested_stacks_of_a_cloud_assembly_are_read_where_their_templates_are_there(tmp_path: Path) -> None:
    def nested(file: str, **values: str) -> dict[str, Any]:
        properties = {"TemplateURL": "https://x", "Parameters": values}
        return {"Type": "AWS::CloudFormation::Stack", "Metadata": {"aws:asset:path": file}, "Properties": properties}

    inner = {"Parameters": {"T": {"Type": "String", "Default": M4}}, "Resources": {"N": NOTEBOOK_RESOURCE}}
    (tmp_path / "Inner.nested.template.json").write_text(json.dumps(inner))
    file = "Inner.nested.template.json"
    outer = {"A": nested(file), "B": nested("Gone.nested.template.json"), "C": nested(file, T="ml.p3.16xlarge")}
    (tmp_path / "Outer.template.json").write_text(json.dumps({"Resources": outer}))
    needs = judged(read_plan_file(str(tmp_path)))
    assert needs_of(needs) == [("Inner.nested/N: InstanceType", M4, "notebook", 1)]
    assert [source for source, _ in unknowns_of(needs)] == ["Outer/B", "Outer/C"]


def test_tasks_that_start_what_is_not_read_are_unknown() -> None:
    for resource in (
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::aws-sdk:sfn:startExecution",
        "arn:aws:states:::batch:submitServiceJob.sync",
        "arn:aws:states:::aws-sdk:batch:submitJob",
        "arn:aws:states:::aws-sdk:cloudformation:createStack",
        "arn:aws:states:::sagemaker:createTrainingJob.later",
        "${TrainingTask}",
        {"Ref": "TrainingTask"},
        None,
    ):
        state = {"Type": "Task", "Resource": resource, "Parameters": {}}
        [[source, reason]] = unknowns_of(judged(machine(A=state)))
        assert source == "States.A", resource
        assert "is not read" in reason or "is not known" in reason
    assert unknowns_of(judged(machine(A={"Type": {"Ref": "Kind"}}))) == [("States.A", "the kind of state is not known")]


def test_a_partition_may_be_filled_in() -> None:
    state = task("createTrainingJob", cluster(count=2))
    resource = state["Resource"].replace("arn:aws:", "arn:${AWS::Partition}:")
    assert needs_of(judged(machine(A={**state, "Resource": resource})))[0][3] == 2


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:states:us-east-1:123456789012:activity:f",
        "arn:aws:states:::ecs:runTask.sync",
    ],
)
def test_programs_that_a_state_machine_runs_are_named_as_not_covered(resource: str) -> None:
    needs = judged(machine(A={"Type": "Task", "Resource": resource}))
    assert needs.is_free
    assert needs.notes == ("States.A runs a program; what that starts is not covered",)
    assert judged(machine(A={"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem"})) == RequestNeeds()


def test_what_starts_in_a_loop_is_unknown_however_it_comes_round() -> None:
    start = task("createTrainingJob", cluster(count=1), sync="", Next="Wait")
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 9, "Next": "A"}], "Default": "End"}
    end = {"Type": "Succeed"}
    flow = machine(A=start, Wait={"Type": "Wait", "Seconds": 1, "Next": "More"}, More=choice, End=end)
    assert [source for source, _ in unknowns_of(judged(flow))] == ["States.A"]
    retried = {**start, "Next": "End", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A"}]}
    assert [source for source, _ in unknowns_of(judged(machine(A=retried, End=end)))] == ["States.A"]
    inner = machine(X={**start, "Next": "E"}, E=end)
    around = machine(A={"Type": "Parallel", "Branches": [inner], "Next": "More"}, More=choice, End=end)
    assert [source for source, _ in unknowns_of(judged(around))] == ["States.A.Branches[0].States.X"]
    once = machine(A={**start, "Next": "End"}, End=end)
    assert judged(once).unknowns == ()


def test_what_terraform_defers_or_makes_by_other_means_is_unknown() -> None:
    later = {"reason": "instance_count_unknown", "resource_change": change(NOTEBOOK, ["create"], {"instance_type": M4})}
    other = {"reason": "resource_config_unknown", "resource_change": change("aws_instance", ["create"], {})}
    needs = judged({**terraform(), "deferred_changes": [later, other, {"reason": "deferred_prereq"}]})
    assert unknowns_of(needs) == [
        (f"{NOTEBOOK}.x", "Terraform defers the change (instance_count_unknown)"),
        ("deferred_changes[2]", "Terraform defers the change (deferred_prereq)"),
    ]
    stack = "aws_cloudformation_stack"
    assert unknowns_of(judged(terraform(change(stack, ["create"], {}), change(stack, ["delete"], None)))) == [
        (f"{stack}.x", "what the template of the stack makes is not read")
    ]
    control = change("aws_cloudcontrolapi_resource", ["create"], {"type_name": "AWS::SageMaker::NotebookInstance"})
    assert [source for source, _ in unknowns_of(judged(terraform(control)))] == ["aws_cloudcontrolapi_resource.x"]
    failed = judged({**terraform(), "errored": True})
    assert unknowns_of(failed) == [("errored", "the plan is incomplete: Terraform ended with an error")]
