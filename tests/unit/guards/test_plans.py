"""What plans start: each kind of file, the places in it, and what only applying it will tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from opskit.aws.api_members import operations_taking
from opskit.core.exceptions import UsageError
from opskit.guards.reads.plan_files import read_plan_file
from opskit.guards.rules.operations import judge_request
from opskit.guards.rules.planned_calls import PlanKind, check_operation, plan_kind_of, plan_request
from opskit.guards.rules.request_model import RequestNeeds
from tests.fakes.judged_plans import M4, cluster, judged, needs_of, unknowns_of

DATA = Path(__file__).parent / "data"


TRAINING = {
    "TrainingJobName": "job",
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "OutputDataConfig": {"S3OutputPath": "s3://b"},
    **cluster(),
}


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (TRAINING, PlanKind.REQUEST),
        ([TRAINING], PlanKind.REQUEST),
        ({"Version": "2020-12-01", "Steps": []}, PlanKind.PIPELINE),
        ({"StartAt": "a", "States": {}}, PlanKind.STATE_MACHINE),
        ({"format_version": "1.2", "resource_changes": []}, PlanKind.TERRAFORM),
        ({"Resources": {"A": {"Type": "AWS::S3::Bucket"}}}, PlanKind.TEMPLATE),
    ],
)
def test_plan_kind_is_known_by_its_content(document: Any, kind: PlanKind) -> None:
    assert plan_kind_of(document) is kind


@pytest.mark.parametrize(
    "document", [7, "text", None, {"format_version": "1.0", "terraform_version": "1", "values": {}}]
)
def test_a_document_that_is_no_plan_is_refused(document: Any) -> None:
    with pytest.raises(UsageError):
        plan_kind_of(document)


def test_a_request_is_told_by_its_members() -> None:
    assert needs_of(judged(TRAINING)) == [("ResourceConfig", M4, "training", 1)]


def test_a_request_may_be_named() -> None:
    processing = {"ProcessingResources": {"ClusterConfig": {"InstanceType": M4, "InstanceCount": 2}}}
    needs = judged([{"CreateTrainingJob": TRAINING}, {"CreateProcessingJob": processing}])
    assert needs_of(needs) == [
        ("[0]CreateTrainingJob: ResourceConfig", M4, "training", 1),
        ("[1]CreateProcessingJob: ProcessingResources.ClusterConfig", M4, "processing", 2),
    ]
    assert needs_of(judged(cluster(), "CreateTrainingJob")) == [("ResourceConfig", M4, "training", 1)]


@pytest.mark.parametrize(
    "written", ["create-training-job", "CreateTrainingJob", "create_training_job", "createtrainingjob"]
)
def test_operations_are_written_in_many_ways(written: str) -> None:
    assert check_operation(written) == "CreateTrainingJob"


@pytest.mark.parametrize("written", ["describe-training-job", "run-instances", ""])
def test_what_starts_nothing_is_no_operation(written: str) -> None:
    with pytest.raises(UsageError):
        check_operation(written)


@pytest.mark.parametrize("request_", [{"a": 1}, {"Tags": []}, {}])
def test_a_request_that_may_be_for_anything_is_asked_about(request_: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="request"):
        plan_request(request_, None, partial(operations_taking, "sagemaker"))


def pipeline(*steps: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {"Name": "Type", "Type": "String", "DefaultValue": M4},
        {"Name": "Count", "Type": "Integer"},
    ]
    return {"Version": "2020-12-01", "Parameters": parameters, "Steps": list(steps)}


def step(name: str, arguments: dict[str, Any], kind: str = "Training", after: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments, "DependsOn": list(after)}


TYPE, COUNT = {"Get": "Parameters.Type"}, {"Get": "Parameters.Count"}


def test_a_pipelines_steps_with_its_parameters() -> None:
    needs = judged(pipeline(step("A", cluster(TYPE, 2)), step("B", cluster(TYPE, COUNT))), Count="3")
    assert needs_of(needs) == [
        ("Steps[A]: ResourceConfig", M4, "training", 2),
        ("Steps[B]: ResourceConfig", M4, "training", 3),
    ]
    assert unknowns_of(judged(pipeline(step("B", cluster(TYPE, COUNT))))) == [
        ("Steps[B]: Parameters.Count", "the parameter has no default")
    ]


def moments(needs: RequestNeeds) -> list[int]:
    return [sum(need.count for need in moment) for moment in needs.needs_by_moment()]


def test_steps_that_may_run_at_once_count_together() -> None:
    flow = pipeline(
        step("A", cluster(count=1)),
        step("B", cluster(count=2), after=("A",)),
        step("C", {**cluster(count=4), "InputDataConfig": [{"Uri": {"Get": "Steps.A.ModelArtifacts"}}]}),
        step("D", cluster(count=8), after=("B", "C")),
    )
    assert moments(judged(flow)) == [1, 6, 6, 8]


def test_a_conditions_steps_come_after_it() -> None:
    branches = {"IfSteps": [step("B", cluster(count=2))], "ElseSteps": [step("C", cluster(count=4))]}
    condition = {"Name": "If", "Type": "Condition", "Arguments": {"Conditions": [], **branches}, "DependsOn": ["A"]}
    needs = judged(pipeline(step("A", cluster(count=1)), condition))
    assert [source for source, *_ in needs_of(needs)] == [f"Steps[{name}]: ResourceConfig" for name in "ABC"]
    assert moments(needs)[0] == 1


def test_what_a_step_computes_and_what_is_not_sagemakers_is_unknown() -> None:
    flow = pipeline(step("A", cluster(count={"Get": "Steps.Z.Count"})), step("E", {}, "EMR"))
    assert unknowns_of(judged(flow)) == [
        ("Steps[E]", "the EMR cluster that the step runs on is not judged"),
        ("Steps[A].ResourceConfig.InstanceCount", "Steps.Z.Count is known only when the pipeline runs"),
    ]


def task(operation: str, parameters: dict[str, Any], sync: str = ".sync", **more: Any) -> dict[str, Any]:
    resource = f"arn:aws:states:::sagemaker:{operation}{sync}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, **more}


def machine(**states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def test_states_follow_one_another_unless_nobody_waits() -> None:
    one, two = task("createTrainingJob", cluster(count=1)), task("createTrainingJob", cluster(count=2))
    assert moments(judged(machine(A=one, B=two))) == [1, 2]
    goes_on = task("createTrainingJob", cluster(count=1), sync="")
    assert moments(judged(machine(A=goes_on, B=two))) == [1, 3]


def test_branches_run_at_once() -> None:
    branches = [machine(X=task("createTrainingJob", cluster(count=count))) for count in (1, 2)]
    flow = machine(P={"Type": "Parallel", "Branches": branches}, Z=task("createTrainingJob", cluster(count=1)))
    needs = judged(flow)
    assert moments(needs) == [3, 3, 1]
    assert needs_of(needs)[1][0] == "States.P.Branches[1].States.X: ResourceConfig"


def test_iterations_of_a_map_are_counted_as_often_as_may_run_and_how_many_there_are_is_unknown() -> None:
    inner = machine(X=task("createTrainingJob", cluster(count=2)))
    needs = judged(machine(M={"Type": "Map", "MaxConcurrency": 3, "ItemProcessor": inner}))
    assert moments(needs) == [6, 6, 6]
    assert [source for source, _ in unknowns_of(needs)] == ["States.M"]


def test_what_the_input_decides_is_unknown_and_no_sign_that_it_is_set() -> None:
    by_path = {"ResourceConfig": {"InstanceType.$": "$.type", "InstanceCount": 1}}
    spot = {**cluster(), "EnableManagedSpotTraining.$": "$.spot"}
    expression = cluster("{% $type %}")
    for parameters, place in (
        (by_path, "ResourceConfig.InstanceType"),
        (spot, "EnableManagedSpotTraining"),
        (expression, "ResourceConfig.InstanceType"),
    ):
        needs = judged(machine(A=task("createTrainingJob", parameters)))
        assert needs.needs == ()
        assert unknowns_of(needs) == [(f"States.A.Parameters.{place}", "the input of the state decides it")]


def test_other_services_and_reads_start_nothing() -> None:
    states = {
        "A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}},
        "B": task("describeTrainingJob", {"TrainingJobName": "x"}, sync=""),
        "C": {"Type": "Pass"},
    }
    assert judged(machine(**states)).is_free


@pytest.mark.parametrize(
    "document",
    [
        {"Version": "1", "Steps": [7]},
        {"StartAt": "a", "States": {"a": 7}},
        {"resource_changes": [7]},
        {"resource_changes": {"a": 1}},
    ],
)
def test_a_plan_of_another_form_is_refused_in_a_sentence(document: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="another form"):
        judged(document)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"{", "not JSON"), (b"PK\x03\x04\xff", "UTF-8"), (b"Resources:\n  a: [", "YAML"), (b"", "JSON")],
)
def test_files_that_are_no_plan(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "plan"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=says):
        read_plan_file(str(file))
    with pytest.raises(UsageError, match="Could not read"):
        read_plan_file(str(tmp_path / "nothing"))


def test_an_execution_of_a_pipeline_needs_what_its_steps_need() -> None:
    definition = json.dumps(pipeline(step("A", cluster(TYPE, COUNT)), step("B", cluster(TYPE, 1), after=("A",))))

    def describe(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        needs_of: dict[str, dict[str, Any]] = {
            "describe_pipeline": {"PipelineDefinition": definition},
            "describe_pipeline_definition_for_execution": {"PipelineDefinition": definition},
            "describe_pipeline_execution": {},
            "list_pipeline_parameters_for_execution": {"PipelineParameters": [{"Name": "Count", "Value": "2"}]},
        }
        return needs_of[operation]

    started = {"PipelineName": "p", "PipelineParameters": [{"Name": "Count", "Value": "5"}]}
    needs = judge_request("StartPipelineExecution", started, describe, bool)
    assert moments(needs) == [5, 1]
    retried = judge_request("RetryPipelineExecution", {"PipelineExecutionArn": "arn"}, describe, bool)
    assert moments(retried) == [2, 1]


@pytest.mark.parametrize(("last_token", "needed"), [(None, [2, 1]), ("again", [0])])
def test_an_execution_that_is_retried_has_the_values_of_all_pages(last_token: str | None, needed: list[int]) -> None:
    """A value that is on the second page is not the default; one on a page that never comes is not known."""
    definition = json.dumps(pipeline(step("A", cluster(TYPE, COUNT)), step("B", cluster(TYPE, 1), after=("A",))))
    pages: dict[str | None, dict[str, Any]] = {
        None: {"PipelineParameters": [{"Name": "Other", "Value": "9"}], "NextToken": "again"},
        "again": {"PipelineParameters": [{"Name": "Count", "Value": "2"}], "NextToken": last_token},
    }

    def describe(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        if operation == "list_pipeline_parameters_for_execution":
            return pages[params.get("NextToken")]
        return {"PipelineDefinition": definition} if "definition" in operation else {}

    retried = judge_request("RetryPipelineExecution", {"PipelineExecutionArn": "arn"}, describe, bool)
    assert moments(retried) == needed
    assert bool(retried.unknowns) is (last_token is not None)
