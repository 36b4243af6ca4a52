"""What a plan holds and opskit does not read is unknown: it never fits in silence."""

from __future__ import annotations

import pytest

from opskit.core.exceptions import UsageError
from tests.unit.guards.test_plans import M4, cluster, judged, machine, task, told, unknown


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
        assert told(judged(request, f"Create{''.join(map(str.capitalize, named.split('-')))}"))


def test_a_whole_request_of_one_operation_that_starts_something_is_told_from_partial_ones() -> None:
    request = {"NotebookInstanceName": "n", "InstanceType": M4, "RoleArn": "arn", "SubnetId": "subnet"}
    assert told(judged(request)) == [("InstanceType", M4, "notebook", 1)]


def test_an_operation_that_is_newer_is_unknown() -> None:
    """Here nothing tells what its input holds, as botocore's model does of a call."""
    needs = judged(machine(A=task("createQuantumJob", {"InstanceCount": 9})))
    assert unknown(needs) == [("States.A", "the operation is newer than this opskit")]


def test_the_concurrency_of_serverless_variants_is_unknown() -> None:
    variant = {"VariantName": "a", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 200}}
    config = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}}
    endpoint = {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": {"Ref": "C"}}}
    [[source, reason]] = unknown(judged({"Resources": {"C": config, "E": endpoint}}))
    assert source == "E: endpoint configuration C.ProductionVariants[0].ServerlessConfig.MaxConcurrency"
    assert "concurrency" in reason
