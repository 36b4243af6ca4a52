"""Every operation of SageMaker's API that is no read is judged, free, or refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest

from opskit.guards.rules.operations import (
    FREE_OPERATIONS,
    JUDGES,
    REFUSED_OPERATIONS,
    is_plain_read,
    judge_request,
    starts_nothing,
)
from opskit.guards.rules.request_model import NotDescribed, RequestNeeds

MODEL = botocore.session.Session().get_service_model("sagemaker")
WRITES = [name for name in MODEL.operation_names if not is_plain_read(name)]


def no_description(operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    raise NotDescribed(f"{operation} was not to be called")


def judge(operation: str, request: Mapping[str, Any], *, reaches: bool = False) -> RequestNeeds:
    return judge_request(operation, request, no_description, lambda: reaches)


def test_the_model_has_as_many_operations_as_it_should() -> None:
    assert len(WRITES) > 200


@pytest.mark.parametrize("operation", WRITES)
def test_each_operation_is_in_exactly_one_table(operation: str) -> None:
    assert [operation in JUDGES, operation in REFUSED_OPERATIONS, starts_nothing(operation)].count(True) == 1


def test_no_table_has_an_operation_that_is_a_read() -> None:
    assert not [name for name in (*JUDGES, *REFUSED_OPERATIONS, *FREE_OPERATIONS) if is_plain_read(name)]


@pytest.mark.parametrize("operation", [name for name in WRITES if starts_nothing(name)])
def test_what_is_free_has_no_running_instances_in_its_input(operation: str) -> None:
    """A free operation may name instance types in definitions and defaults, and groups that are there, but no more."""
    shape = MODEL.operation_model(operation).input_shape
    named = set(shape.members) if shape else set()
    runs = {"ResourceConfig", "ProcessingResources", "TransformResources", "InstanceGroups", "NodesToAdd"}
    assert not named & runs - ({"InstanceGroups"} if operation == "UpdateClusterSoftware" else set())


@pytest.mark.parametrize("operation", sorted(REFUSED_OPERATIONS))
def test_what_is_refused_says_why(operation: str) -> None:
    needs = judge(operation, {})
    assert [unknown.source for unknown in needs.unknowns] == [operation]
    assert needs.unknowns[0].reason


@pytest.mark.parametrize("operation", sorted(JUDGES))
def test_an_empty_request_raises_nothing(operation: str) -> None:
    needs = judge(operation, {})
    assert isinstance(needs, RequestNeeds)
    assert not needs.needs


@pytest.mark.parametrize("operation", sorted(JUDGES))
@pytest.mark.parametrize("odd", [None, "x", 7, [7], {"a": None}, [{}], [{"InstanceType": {"Ref": "Type"}}]])
def test_a_request_of_another_form_raises_nothing(operation: str, odd: object) -> None:
    shape = MODEL.operation_model(operation).input_shape
    assert not judge(operation, dict.fromkeys(shape.members, odd)).needs


def test_an_operation_newer_than_the_table_is_refused_where_it_reaches_instances() -> None:
    assert judge("CreateQuantumJob", {}, reaches=True).unknowns
    let_through = judge("CreateQuantumNote", {}, reaches=False)
    assert not let_through.unknowns
    assert "CreateQuantumNote" in let_through.notes[0]


def test_an_endpoint_of_which_aws_tells_no_variants_may_have_scaled_out() -> None:
    config = {"ProductionVariants": [{"VariantName": "a", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}]}
    described: dict[str, dict[str, Any]] = {"describe_endpoint": {}, "describe_endpoint_config": config}
    request = {"EndpointName": "e", "EndpointConfigName": "c", "RetainAllVariantProperties": True}
    needs = judge_request("UpdateEndpoint", request, lambda operation, params: described[operation], lambda: False)
    assert (needs.needs, [unknown.source for unknown in needs.unknowns]) == ((), ["endpoint e"])


def judge_endpoint(operation: str, request: Mapping[str, Any], variant: Mapping[str, Any]) -> RequestNeeds:
    described: dict[str, dict[str, Any]] = {
        "describe_endpoint_config": {"ProductionVariants": [{"VariantName": "a", **variant}]},
        "describe_endpoint": {
            "EndpointConfigName": "c",
            "ProductionVariants": [{"VariantName": "a", "CurrentInstanceCount": 1}],
        },
    }
    return judge_request(operation, request, lambda operation, params: described[operation], lambda: False)


GROWING = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}


@pytest.mark.parametrize("scaling", [{"Status": "ENABLED"}, {"Status": "ENABLED", "MinInstanceCount": 1}])
@pytest.mark.parametrize("operation", ["CreateEndpoint", "CreateInferenceComponent", "UpdateInferenceComponent"])
def test_a_variant_that_scales_without_a_told_end_is_unknown(operation: str, scaling: Mapping[str, Any]) -> None:
    request = {"EndpointName": "e", "EndpointConfigName": "c"}
    needs = judge_endpoint(operation, request, {**GROWING, "ManagedInstanceScaling": scaling})
    assert [unknown.reason for unknown in needs.unknowns] == ["AWS scales the variant, to how many is not given"]


@pytest.mark.parametrize("scaling", [{"Status": "DISABLED"}, {}, {"Status": "ENABLED", "MaxInstanceCount": 1}])
def test_a_variant_that_does_not_scale_or_has_an_end_needs_no_more(scaling: Mapping[str, Any]) -> None:
    needs = judge_endpoint(
        "CreateEndpoint", {"EndpointConfigName": "c"}, {**GROWING, "ManagedInstanceScaling": scaling}
    )
    assert ([(need.count, need.billed_count) for need in needs.needs], needs.unknowns) == ([(1, 1)], ())


def test_a_variant_of_which_the_number_is_not_told_is_unknown() -> None:
    """Not one: the configuration may be of a dozen."""
    needs = judge_endpoint("CreateEndpoint", {"EndpointConfigName": "c"}, {"InstanceType": "ml.m5.xlarge"})
    assert (needs.needs, [unknown.reason for unknown in needs.unknowns]) == ((), ["the number is not given"])


def test_a_cluster_of_which_aws_tells_no_groups_does_not_begin_with_none() -> None:
    group = {"InstanceGroupName": "g", "InstanceType": "ml.m5.xlarge", "InstanceCount": 2}

    def judge_update(cluster: Mapping[str, Any]) -> RequestNeeds:
        request = {"ClusterName": "c", "InstanceGroups": [group]}
        return judge_request("UpdateCluster", request, lambda operation, params: cluster, lambda: False)

    untold, empty = judge_update({}), judge_update({"InstanceGroups": []})
    assert (untold.needs, [unknown.source for unknown in untold.unknowns]) == ((), ["cluster c"])
    assert [need.count for need in empty.needs] == [2]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("CreateCluster", {"InstanceGroups": [{"InstanceGroupName": "g", "InstanceType": "ml.m5.xlarge"}]}),
        (
            "CreateInferenceExperiment",
            {
                "ModelVariants": [
                    {"InfrastructureConfig": {"RealTimeInferenceConfig": {"InstanceType": "ml.m5.xlarge"}}}
                ]
            },
        ),
    ],
)
def test_a_number_that_a_request_has_to_name_is_unknown_where_it_does_not(
    operation: str, request_: Mapping[str, Any]
) -> None:
    """Neither none, as of a cluster's group, nor one, as of an experiment's variant."""
    needs = judge(operation, request_)
    assert (needs.needs, [unknown.reason for unknown in needs.unknowns]) == ((), ["the number is not given"])
