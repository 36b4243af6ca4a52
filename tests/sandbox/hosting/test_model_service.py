"""Models, endpoint configurations, and the tags of everything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_model_is_what_was_made(lab: Any, trained: dict[str, Any]) -> None:
    data = trained["ModelArtifacts"]["S3ModelArtifacts"]
    name = lab.make_model(data)
    described = lab.sagemaker.describe_model(ModelName=name)
    assert described["PrimaryContainer"] == {"Image": lab.image, "ModelDataUrl": data}
    assert described["ModelArn"].endswith(f":model/{name}")
    assert "VpcConfig" not in described, "an empty one breaks strict clients"
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        lab.sagemaker.create_model(ModelName=name, PrimaryContainer=described["PrimaryContainer"])
    assert name in [model["ModelName"] for model in lab.sagemaker.list_models(NameContains=name)["Models"]]
    lab.sagemaker.delete_model(ModelName=name)
    for call in (lab.sagemaker.describe_model, lab.sagemaker.delete_model):
        with pytest.raises(ClientError, match=f'Could not find model "arn:.*:model/{name}"'):
            call(ModelName=name)


def test_bad_models_are_refused(lab: Any) -> None:
    create = lab.sagemaker.create_model
    here = f"s3://{lab.bucket}/not/there/model.tar.gz"
    container = {"Image": lab.image, "ModelDataUrl": here}
    with pytest.raises(ClientError, match=f"Could not find model data at {here}"):
        create(ModelName="bad", PrimaryContainer=container, ExecutionRoleArn=lab.role)
    with pytest.raises(ClientError, match="Could not assume role"):
        create(
            ModelName="bad",
            PrimaryContainer={"Image": lab.image},
            ExecutionRoleArn="arn:aws:iam::123456789012:role/nobody",
        )
    with pytest.raises(ClientError, match="Exactly one of"):
        create(ModelName="bad", ExecutionRoleArn=lab.role)


def test_a_service_linked_role_trusts_sagemaker_and_cannot_be_passed(lab: Any) -> None:
    roles = {role["RoleName"]: role for role in lab.account.client("iam").list_roles()["Roles"]}
    role = roles["AWSServiceRoleForAmazonSageMakerNotebooks"]
    assert role["Arn"].startswith("arn:aws:iam::123456789012:role/aws-service-role/sagemaker.amazonaws.com/")
    assert "sagemaker.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
    with pytest.raises(ClientError, match="Could not assume role"):
        lab.sagemaker.create_model(ModelName="bad", PrimaryContainer={"Image": lab.image}, ExecutionRoleArn=role["Arn"])


def test_a_configuration_is_what_was_made(lab: Any, model: str) -> None:
    name = lab.name("config")
    variant = {"VariantName": "A", "ModelName": model, "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 2}
    create = lab.sagemaker.create_endpoint_config
    create(EndpointConfigName=name, ProductionVariants=[variant])
    described = lab.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    assert described["ProductionVariants"] == [{**variant, "InitialVariantWeight": 1.0}]
    assert "DataCaptureConfig" not in described
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        create(EndpointConfigName=name, ProductionVariants=[variant])
    with pytest.raises(ClientError, match="Could not find model"):
        create(EndpointConfigName="bad", ProductionVariants=[{**variant, "ModelName": "no"}])
    with pytest.raises(ClientError, match="InstanceType"):
        create(EndpointConfigName="bad", ProductionVariants=[{"VariantName": "A", "ModelName": model}])
    found = lab.sagemaker.list_endpoint_configs(NameContains=name)["EndpointConfigs"]
    assert [config["EndpointConfigName"] for config in found] == [name]
    lab.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        lab.sagemaker.describe_endpoint_config(EndpointConfigName=name)


def test_tags_are_added_listed_and_taken_away(lab: Any, trained: dict[str, Any], model: str) -> None:
    model_arn = lab.sagemaker.describe_model(ModelName=model)["ModelArn"]
    for arn in (trained["TrainingJobArn"], model_arn):
        lab.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "why", "Value": "b"}])
        lab.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "c"}])
        lab.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["why"])
        assert lab.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "c"}]
    with pytest.raises(ClientError, match="aws: prefixed"):
        lab.sagemaker.add_tags(ResourceArn=model_arn, Tags=[{"Key": "aws:x", "Value": "1"}])
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    with pytest.raises(ClientError, match="tag quota"):
        lab.sagemaker.add_tags(ResourceArn=model_arn, Tags=many)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        lab.sagemaker.list_tags(ResourceArn=model_arn + "x")


def test_tags_of_notebooks_are_reached_too(full: Any) -> None:
    sagemaker = full.client("sagemaker")
    arn = sagemaker.describe_notebook_instance(NotebookInstanceName="team-a")["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "opskit:keep", "Value": "1"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "opskit:keep", "Value": "1"}]


def test_tags_of_other_resources_are_motos(lab: Any) -> None:
    tags = [{"Key": "a", "Value": "1"}]
    arn = lab.sagemaker.create_pipeline(
        PipelineName="other",
        PipelineDefinition='{"Version": "2020-12-01", "Steps": []}',
        ClientRequestToken="a" * 32,
        RoleArn=lab.role,
        Tags=tags,
    )["PipelineArn"]
    assert lab.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags


def test_members_that_the_model_does_not_have_are_passed_over(lab: Any, send: Any) -> None:
    name = lab.name("newer-client")
    request = {"ModelName": name, "PrimaryContainer": {"Image": lab.image, "Invented": {"Deep": 1}}, "Other": [1]}
    assert send(lab.account.sandbox.url, "SageMaker.CreateModel", json.dumps(request).encode()).status == 200
    assert lab.sagemaker.describe_model(ModelName=name)["PrimaryContainer"] == {"Image": lab.image}


def test_a_bucket_may_be_called_endpoints(lab: Any) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="endpoints")
    s3.put_object(Bucket="endpoints", Key="a/invocations", Body=b"x")
    assert s3.get_object(Bucket="endpoints", Key="a/invocations")["Body"].read() == b"x"
