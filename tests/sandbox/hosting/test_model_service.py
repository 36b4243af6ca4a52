"""Models, endpoint configurations, and the tags of everything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError


def test_a_model_is_what_was_made(lab_account: Any, completed_job: dict[str, Any]) -> None:
    data = completed_job["ModelArtifacts"]["S3ModelArtifacts"]
    name = lab_account.make_model(data)
    described = lab_account.sagemaker.describe_model(ModelName=name)
    assert described["PrimaryContainer"] == {"Image": lab_account.image, "ModelDataUrl": data}
    assert described["ModelArn"].endswith(f":model/{name}")
    assert "VpcConfig" not in described, "an empty one breaks strict clients"
    with pytest.raises(ClientError, match="Cannot create already existing model"):
        lab_account.sagemaker.create_model(ModelName=name, PrimaryContainer=described["PrimaryContainer"])
    assert name in [
        model["ModelName"] for model in lab_account.sagemaker.list_models(NameContains=name, MaxResults=100)["Models"]
    ]
    lab_account.sagemaker.delete_model(ModelName=name)
    for call in (lab_account.sagemaker.describe_model, lab_account.sagemaker.delete_model):
        with pytest.raises(ClientError, match=f'Could not find model "arn:.*:model/{name}"'):
            call(ModelName=name)


def test_bad_models_are_refused(lab_account: Any) -> None:
    create = lab_account.sagemaker.create_model
    here = f"s3://{lab_account.bucket}/not/there/model.tar.gz"
    container = {"Image": lab_account.image, "ModelDataUrl": here}
    with pytest.raises(ClientError, match=f"Could not find model data at {here}"):
        create(ModelName="bad", PrimaryContainer=container, ExecutionRoleArn=lab_account.role)
    with pytest.raises(ClientError, match="Could not assume role"):
        create(
            ModelName="bad",
            PrimaryContainer={"Image": lab_account.image},
            ExecutionRoleArn="arn:aws:iam::123456789012:role/nobody",
        )
    with pytest.raises(ClientError, match="Exactly one of"):
        create(ModelName="bad", ExecutionRoleArn=lab_account.role)


def test_a_service_linked_role_trusts_sagemaker_and_cannot_be_passed(lab_account: Any) -> None:
    roles = {role["RoleName"]: role for role in lab_account.account.client("iam").list_roles()["Roles"]}
    role = roles["AWSServiceRoleForAmazonSageMakerNotebooks"]
    assert role["Arn"].startswith("arn:aws:iam::123456789012:role/aws-service-role/sagemaker.amazonaws.com/")
    assert "sagemaker.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
    with pytest.raises(ClientError, match="Could not assume role"):
        lab_account.sagemaker.create_model(
            ModelName="bad", PrimaryContainer={"Image": lab_account.image}, ExecutionRoleArn=role["Arn"]
        )


def test_a_configuration_is_what_was_made(lab_account: Any, model_name: str) -> None:
    name = lab_account.name("config")
    variant = {"VariantName": "A", "ModelName": model_name, "InstanceType": "ml.m4.xlarge", "InitialInstanceCount": 2}
    create = lab_account.sagemaker.create_endpoint_config
    create(EndpointConfigName=name, ProductionVariants=[variant])
    described = lab_account.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    assert described["ProductionVariants"] == [{**variant, "InitialVariantWeight": 1.0}]
    assert "DataCaptureConfig" not in described
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        create(EndpointConfigName=name, ProductionVariants=[variant])
    with pytest.raises(ClientError, match="Could not find model"):
        create(EndpointConfigName="bad", ProductionVariants=[{**variant, "ModelName": "no"}])
    with pytest.raises(ClientError, match="InstanceType"):
        create(EndpointConfigName="bad", ProductionVariants=[{"VariantName": "A", "ModelName": model_name}])
    found = lab_account.sagemaker.list_endpoint_configs(NameContains=name, MaxResults=100)["EndpointConfigs"]
    assert [config["EndpointConfigName"] for config in found] == [name]
    lab_account.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        lab_account.sagemaker.describe_endpoint_config(EndpointConfigName=name)


def test_tags_are_added_listed_and_taken_away(lab_account: Any, completed_job: dict[str, Any], model_name: str) -> None:
    model_arn = lab_account.sagemaker.describe_model(ModelName=model_name)["ModelArn"]
    for arn in (completed_job["TrainingJobArn"], model_arn):
        lab_account.sagemaker.add_tags(
            ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "why", "Value": "b"}]
        )
        lab_account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "c"}])
        lab_account.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["why"])
        assert lab_account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "c"}]
    with pytest.raises(ClientError, match="aws: prefixed"):
        lab_account.sagemaker.add_tags(ResourceArn=model_arn, Tags=[{"Key": "aws:x", "Value": "1"}])
    many = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    with pytest.raises(ClientError, match="tag quota"):
        lab_account.sagemaker.add_tags(ResourceArn=model_arn, Tags=many)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        lab_account.sagemaker.list_tags(ResourceArn=model_arn + "x")


def test_tags_of_notebooks_are_reached_too(full_account: Any) -> None:
    sagemaker = full_account.client("sagemaker")
    arn = sagemaker.describe_notebook_instance(NotebookInstanceName="team-a")["NotebookInstanceArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "opskit:keep", "Value": "1"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "opskit:keep", "Value": "1"}]


def test_tags_of_other_resources_are_motos(lab_account: Any) -> None:
    tags = [{"Key": "a", "Value": "1"}]
    arn = lab_account.sagemaker.create_pipeline(
        PipelineName="other",
        PipelineDefinition='{"Version": "2020-12-01", "Steps": []}',
        ClientRequestToken="a" * 32,
        RoleArn=lab_account.role,
        Tags=tags,
    )["PipelineArn"]
    assert lab_account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags


def test_members_that_the_model_does_not_have_are_passed_over(lab_account: Any, post_raw: Any) -> None:
    name = lab_account.name("newer-client")
    request = {
        "ModelName": name,
        "PrimaryContainer": {"Image": lab_account.image, "Invented": {"Deep": 1}},
        "Other": [1],
    }
    assert (
        post_raw(lab_account.account.sandbox.url, "SageMaker.CreateModel", json.dumps(request).encode()).status == 200
    )
    assert lab_account.sagemaker.describe_model(ModelName=name)["PrimaryContainer"] == {"Image": lab_account.image}


def test_a_bucket_may_be_called_endpoints(lab_account: Any) -> None:
    s3 = lab_account.client("s3")
    s3.create_bucket(Bucket="endpoints")
    s3.put_object(Bucket="endpoints", Key="a/invocations", Body=b"x")
    assert s3.get_object(Bucket="endpoints", Key="a/invocations")["Body"].read() == b"x"
