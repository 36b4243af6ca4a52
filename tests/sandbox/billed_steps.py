"""Steps through what bills besides jobs and endpoints: made, listed, described, ended."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/x"
SPACE = {"DomainId": "d-1", "SpaceName": "ada"}
APP = {**SPACE, "AppType": "JupyterLab", "AppName": "default"}
STORAGE = {"AppType": "JupyterLab", "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 20}}}
LABELING = {
    "LabelingJobName": "label",
    "LabelAttributeName": "class",
    "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://b/m"}}},
    "OutputConfig": {"S3OutputPath": "s3://b/out"},
    "RoleArn": ROLE,
    "HumanTaskConfig": {
        "WorkteamArn": "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/w",
        "UiConfig": {"UiTemplateS3Uri": "s3://b/ui"},
        "PreHumanTaskLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "TaskTitle": "t",
        "TaskDescription": "d",
        "NumberOfHumanWorkersPerDataObject": 1,
        "TaskTimeLimitInSeconds": 60,
        "AnnotationConsolidationConfig": {
            "AnnotationConsolidationLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:f"
        },
    },
}


def error_code(call: Any) -> str:
    with pytest.raises(ClientError) as failure:
        call()
    return str(failure.value.response["Error"]["Code"])


def use_spaces_and_apps(account: Any) -> None:
    client = account.client("sagemaker")
    client.create_space(**SPACE, SpaceSettings=STORAGE, Tags=[{"Key": "team", "Value": "a"}])
    (space,) = client.list_spaces()["Spaces"]
    assert space["SpaceSettingsSummary"]["SpaceStorageSettings"]["EbsStorageSettings"]["EbsVolumeSizeInGb"] == 20
    arn = client.describe_space(**SPACE)["SpaceArn"]
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    client.create_app(**APP)
    assert client.list_apps()["Apps"][0]["ResourceSpec"]["InstanceType"] == "ml.t3.medium"
    assert error_code(lambda: client.create_app(**APP)) == "ResourceInUse"
    assert error_code(lambda: client.delete_space(**SPACE)) == "ResourceInUse"
    client.delete_app(**APP)
    assert [app["Status"] for app in client.list_apps()["Apps"]] == ["Deleted"]  # for a day
    assert client.describe_app(**APP)["Status"] == "Deleted"
    client.delete_space(**SPACE)
    assert client.list_spaces()["Spaces"] == []
    assert error_code(lambda: client.describe_app(**{**APP, "AppName": "other"})) == "ResourceNotFound"


def use_service_records(account: Any) -> None:
    client = account.client("sagemaker")
    client.create_mlflow_tracking_server(TrackingServerName="ml", ArtifactStoreUri="s3://b", RoleArn=ROLE)
    assert client.list_mlflow_tracking_servers()["TrackingServerSummaries"][0]["IsActive"] == "Active"
    client.stop_mlflow_tracking_server(TrackingServerName="ml")
    assert client.describe_mlflow_tracking_server(TrackingServerName="ml")["IsActive"] == "Inactive"
    arn = client.create_mlflow_app(Name="app", ArtifactStoreUri="s3://b", RoleArn=ROLE)["Arn"]
    assert client.list_mlflow_apps()["Summaries"][0]["Status"] == "Created"
    client.delete_mlflow_app(Arn=arn)
    assert client.list_mlflow_apps()["Summaries"][0]["Status"] == "Deleted"
    partner = {"Type": "comet", "ExecutionRoleArn": ROLE, "Tier": "t", "AuthType": "IAM"}
    arn = client.create_partner_app(Name="comet", **partner)["Arn"]
    assert client.list_partner_apps()["Summaries"][0]["Status"] == "Available"
    client.delete_partner_app(Arn=arn)
    client.create_labeling_job(**LABELING)
    assert client.list_labeling_jobs()["LabelingJobSummaryList"][0]["LabelingJobStatus"] == "InProgress"
    client.stop_labeling_job(LabelingJobName="label")
    assert client.describe_labeling_job(LabelingJobName="label")["LabelingJobStatus"] == "Stopped"
    assert client.list_training_plans()["TrainingPlanSummaries"] == []
    assert error_code(lambda: client.stop_labeling_job(LabelingJobName="none")) == "ResourceNotFound"
