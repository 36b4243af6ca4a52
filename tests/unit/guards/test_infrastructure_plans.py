"""Plans of Terraform and templates of CloudFormation: what they need, and what they do not tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.core.exceptions import UsageError
from opskit.guards.reads.plan_files import read_plan_file
from opskit.guards.rules.request_model import RequestNeeds
from tests.fakes.judged_plans import M4, M5, judged, needs_of, unknowns_of

DATA = Path(__file__).parent / "data"


def test_a_plan_of_terraforms_own() -> None:
    """Printed by Terraform 1.11.4 with the AWS provider 5.100.0 for data/terraform_plan.tf."""
    needs = judged(json.loads((DATA / "terraform_plan.json").read_text()))
    config = "endpoint configuration aws_sagemaker_endpoint_configuration.c.ProductionVariants[0]"
    assert sorted(needs_of(needs)) == [
        (f"aws_sagemaker_endpoint.e: {config}", M4, "endpoint", 2),
        ("aws_sagemaker_notebook_instance.n[0]: InstanceType", "ml.t2.medium", "notebook", 1),
        ("aws_sagemaker_notebook_instance.n[1]: InstanceType", "ml.t2.medium", "notebook", 1),
    ]
    assert sorted(unknowns_of(needs)) == [
        ('aws_sagemaker_endpoint.other["x"]', "given-elsewhere is not there"),
        ("aws_sagemaker_mlflow_tracking_server.t", "the price of a tracking server is not known"),
    ]


def terraform(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"format_version": "1.2", "resource_changes": list(changes)}


def change(kind: str, actions: list[str], after: dict[str, Any] | None, before: Any = None, unknown: Any = None) -> Any:
    planned = {"actions": actions, "before": before, "after": after, "after_unknown": unknown or {}}
    return {"address": f"{kind}.x", "mode": "managed", "type": kind, "name": "x", "change": planned}


NOTEBOOK = "aws_sagemaker_notebook_instance"


@pytest.mark.parametrize(
    ("actions", "before", "count"),
    [
        (["create"], None, 1),
        (["no-op"], {"instance_type": M4}, 0),
        (["delete"], {"instance_type": M4}, 0),
        (["update"], {"instance_type": M4}, 0),
        (["update"], {"instance_type": "ml.t2.medium"}, 1),
        (["delete", "create"], {"instance_type": M4}, 1),
        (["create", "delete"], {"instance_type": M4}, 1),
    ],
)
def test_needs_by_the_actions_of_a_terraform_plan(actions: list[str], before: Any, count: int) -> None:
    needs = judged(terraform(change(NOTEBOOK, actions, {"instance_type": M4}, before)))
    assert len(needs.needs) == count
    assert needs.unknowns == ()


def test_what_terraform_learns_only_when_it_applies_is_unknown() -> None:
    needs = judged(terraform(change(NOTEBOOK, ["create"], {}, unknown={"instance_type": True})))
    assert unknowns_of(needs) == [(f"{NOTEBOOK}.x.instance_type", "known only after the plan is applied")]


def test_a_resource_of_sagemakers_that_is_newer_is_unknown_and_others_are_not_looked_at() -> None:
    needs = judged(terraform(change("aws_sagemaker_quantum", ["create"], {}), change("aws_instance", ["create"], {})))
    assert unknowns_of(needs) == [("aws_sagemaker_quantum.x", "the resource type is newer than this opskit")]


def test_autoscaling_is_said() -> None:
    target = {"service_namespace": "sagemaker", "max_capacity": 9}
    assert "9 instances" in judged(terraform(change("aws_appautoscaling_target", ["create"], target))).notes[0]


def template(**values: str) -> RequestNeeds:
    return judged(read_plan_file(str(DATA / "template.yaml")), **values)


def test_autoscaling_of_a_template_is_said() -> None:
    def target(namespace: str, most: Any) -> dict[str, Any]:
        properties = {"ServiceNamespace": namespace, "MaxCapacity": most}
        return {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": properties}

    resources = {"A": target("sagemaker", 4), "B": target("ecs", 9), "C": target("sagemaker", {"Ref": "Later"})}
    notes = judged({"Parameters": {"Later": {"Type": "Number"}}, "Resources": resources}).notes
    assert notes == (
        "A may scale an endpoint's variant to 4 instances, which is not judged.",
        "C may scale an endpoint's variant to more instances, which is not judged.",
    )


def test_a_template_with_the_defaults_of_its_parameters() -> None:
    needs = template()
    assert needs_of(needs) == [
        ("Ep: endpoint configuration Conf.ProductionVariants[0]", M5, "endpoint", 3),
        ("Nb: InstanceType", "ml.prod.large", "notebook", 1),
    ]
    assert needs.unknowns == ()


def test_a_template_with_other_values() -> None:
    assert needs_of(template(Env="dev", Type="ml.g5.xlarge")) == [("Nb: InstanceType", "ml.dev.large", "notebook", 1)]


def test_what_a_template_learns_only_when_it_is_made_is_unknown() -> None:
    resource = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": {"Fn::ImportValue": "type"}}}
    by_parameter = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": {"Ref": "T"}}}
    needs = judged({"Parameters": {"T": {"Type": "String"}}, "Resources": {"A": resource, "B": by_parameter}})
    assert unknowns_of(needs) == [
        ("A.InstanceType", "known only when the stack is made"),
        ("B.InstanceType", "the parameter T has no default (--parameter T=…)"),
    ]


def test_a_parameter_that_a_template_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="Nope"):
        template(Nope="1")


def test_the_stacks_of_a_cloud_assembly_count_together(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no templates of CDK"):
        read_plan_file(str(tmp_path))
    notebook = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": {"Ref": "T"}}}
    for stack, instance_type in (("One", M4), ("Two", M5)):
        content = {"Parameters": {"T": {"Type": "String", "Default": instance_type}}, "Resources": {"N": notebook}}
        (tmp_path / f"{stack}.template.json").write_text(json.dumps(content))
    assert needs_of(judged(read_plan_file(str(tmp_path)))) == [
        ("One/N: InstanceType", M4, "notebook", 1),
        ("Two/N: InstanceType", M5, "notebook", 1),
    ]
