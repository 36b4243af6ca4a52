"""One answer of AWS for each kind of thing that a reader reads, as small as it may be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.fakes.billed_account import billed_answers
from tests.unit.quotas.test_garbled_responses_cli import TYPE

THEN = 1.7e9
NOW = datetime(2026, 5, 1, tzinfo=UTC)
CODE, NAME = "L-A373146E", f"{TYPE} for training job usage"
SOURCE = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in.csv"}}}
SUMMARY = {"CreationTime": THEN}
REQUEST = {"Id": "r", "QuotaCode": CODE, "QuotaName": NAME, "DesiredValue": 4.0, "Status": "PENDING", "Created": THEN}
ACCOUNTS = {"Accounts": [{"Id": "123456789012", "Name": "a", "Status": "ACTIVE"}]}
ORGANIZATION: dict[str, Any] = {
    "ListRoots": {"Roots": [{"Id": "r-1"}]},
    "ListOrganizationalUnitsForParent": lambda asked: {
        "OrganizationalUnits": [{"Id": "ou-1", "Name": "u"}] if asked["ParentId"] == "r-1" else []
    },
    "ListAccountsForParent": ACCOUNTS,
    "ListAccounts": ACCOUNTS,
}
CASE = {"caseId": "c", "subject": "a quota", "status": "opened", "recentCommunications": {"communications": [{}]}}
SERVICE = {"code": "s", "name": "S", "categories": [{"code": "c", "name": "C"}]}
NOTEBOOK = {
    "NotebookInstanceName": "n",
    "NotebookInstanceArn": "arn:n",
    "NotebookInstanceStatus": "InService",
    "InstanceType": TYPE,
    "LastModifiedTime": THEN,
    "CreationTime": THEN,
}
SPACE = {
    "SpaceName": "s",
    "DomainId": "d",
    "SpaceSettingsSummary": {"SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}},
}
TRANSFORM = {
    "TransformJobName": "t",
    "TransformJobStatus": "Completed",
    "TransformInput": SOURCE,
    "TransformOutput": {"S3OutputPath": "s3://b/out"},
}
TRAINING = {
    "TrainingJobName": "b",
    "TrainingJobStatus": "Completed",
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
}
ENDPOINT = {"EndpointName": "e", "EndpointStatus": "InService", "EndpointConfigName": "c"}
VARIANT = {"VariantName": "v", "ModelName": "m", "InstanceType": TYPE, "InitialInstanceCount": 1}
MODEL = {
    "ModelName": "m",
    "ModelArn": "arn:m",
    "PrimaryContainer": {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m"}}},
    "Containers": [{"ModelDataUrl": "s3://b/n"}],
}
HOSTED = {
    **ENDPOINT,
    "EndpointArn": "arn:aws:sagemaker:us-east-1:1:endpoint/e",
    "CreationTime": THEN,
    "LastModifiedTime": THEN,
    "ProductionVariants": [{"VariantName": "v", "DesiredInstanceCount": 1, "DesiredWeight": 1.0}],
    "ShadowProductionVariants": [{"VariantName": "s", "DesiredServerlessConfig": {"ProvisionedConcurrency": 1}}],
    "LastDeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
    "DataCaptureConfig": {"EnableCapture": True, "CaptureStatus": "Started", "CurrentSamplingPercentage": 5},
}
HOSTED_CONFIG = {"EndpointConfigName": "c", "EndpointConfigArn": "arn:c", "ProductionVariants": [VARIANT]}
METRIC_DATA = {
    "MetricDataResults": [{"Id": "m0", "Timestamps": [THEN], "Values": [1.0], "StatusCode": "Complete"}],
    "Messages": [],
}
ATTACHED = {
    "GetEndpointPolicy": {"ResourcePolicy": "{}"},
    "ListMonitoringSchedules": {"MonitoringScheduleSummaries": [{"MonitoringScheduleName": "m"}]},
    "ListInferenceComponents": {"InferenceComponents": [{"InferenceComponentName": "i", "EndpointName": "e"}]},
    "ListInferenceExperiments": {"InferenceExperiments": [{"Name": "x", "Status": "Running"}]},
    "DescribeInferenceExperiment": {"EndpointMetadata": {"EndpointName": "e"}},
}
SCALABLE = {"ResourceId": "endpoint/e/variant/v", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
SCALED = {
    "DescribeScalableTargets": {"ScalableTargets": [{**SCALABLE, "MinCapacity": 1, "MaxCapacity": 2}]},
    "DescribeScalingPolicies": {
        "ScalingPolicies": [
            {**SCALABLE, "PolicyName": "p", "PolicyType": "StepScaling", "Alarms": [{"AlarmName": "a"}]}
        ]
    },
    "DescribeScheduledActions": {
        "ScheduledActions": [{**SCALABLE, "ScheduledActionName": "s", "Schedule": "rate(1h)"}]
    },
}
STOPPED_TAGS = [{"Key": "opskit:stopped-endpoint", "Value": "e stopped at 2026-01-01T00:00:00+00:00 in 1 pieces 0"}]
EVENTS = {"events": [{"message": "a line", "timestamp": 1}], "nextForwardToken": "f", "nextBackwardToken": "b"}
REPORT = {
    "Status": "COMPLETED",
    "GeneratedAt": THEN,
    "Quotas": [{"ServiceCode": "sagemaker", "QuotaCode": CODE, "Utilization": 50.0, "AppliedValue": 4.0}],
}
PRODUCT = {
    "product": {"attributes": {"component": "Training"}},
    "terms": {"OnDemand": {"t": {"priceDimensions": {"d": {"pricePerUnit": {"USD": "0.1"}}}}}},
}


def listed_as(kind: str, **more: Any) -> dict[str, Any]:
    return {f"{kind}Name": "b", f"{kind}Arn": "arn:b", f"{kind}Status": "InService", **SUMMARY, **more}


BILLED = billed_answers()
CONFIG = {"ProductionVariants": [VARIANT], "ShadowProductionVariants": [VARIANT]}
COMPONENTS = {
    "ListInferenceComponents": {
        "InferenceComponents": [
            {
                "InferenceComponentName": "i",
                "InferenceComponentArn": "arn:i",
                "InferenceComponentStatus": "InService",
                "EndpointName": "e",
                "EndpointArn": "arn:e",
                "VariantName": "v",
                "CreationTime": 1700000000,
                "LastModifiedTime": 1700000000,
            }
        ]
    },
    "DescribeInferenceComponent": {
        "InferenceComponentName": "i",
        "InferenceComponentArn": "arn:i",
        "InferenceComponentStatus": "InService",
        "EndpointName": "e",
        "EndpointArn": "arn:e",
        "CreationTime": 1700000000,
        "LastModifiedTime": 1700000000,
        "Specification": {
            "ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1}
        },
        "RuntimeConfig": {"DesiredCopyCount": 1, "CurrentCopyCount": 1},
    },
}
