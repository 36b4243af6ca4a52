"""The role that opskit makes for notebooks: what a notebook needs to train, transform and deploy, and no more.

AWS's own managed policy (AmazonSageMakerFullAccess), which the console attaches even where it is told "no S3 bucket",
opens every bucket with "sagemaker" in its name, ECR, Lambda and more. This role opens the account's own SageMaker
buckets (``sagemaker-REGION-ACCOUNT``, the SageMaker SDK's default) and nothing else in S3.
Needed by the jobs: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from __future__ import annotations

from typing import Any

from opskit.core.aws_names import default_bucket
from opskit.core.model import NOTEBOOK_ROLE_NAME

TRUST_POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

_MADE_AND_ENDED = ("TrainingJob", "TransformJob", "ProcessingJob")
_MADE_AND_DELETED = ("Model", "EndpointConfig", "Endpoint")
_PULL_IMAGES = ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage", "GetAuthorizationToken")
_LOGS = ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogStreams", "GetLogEvents")
_OBJECTS = ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
_BUCKETS = ("ListBucket", "GetBucketLocation")


def describe_permissions(account: str) -> tuple[str, ...]:
    """What the role may do, for whoever is asked for consent."""
    return (
        "train, transform, process, and deploy in SageMaker, and pass itself to those jobs",
        "write and read the logs and metrics of SageMaker, and pull container images",
        f"use the S3 buckets sagemaker-REGION-{account}, and no other bucket",
    )


def notebook_role_policy(account: str, partition: str) -> dict[str, Any]:
    """The role's permissions, as IAM takes them."""
    own = f"arn:{partition}:sagemaker:*:{account}:*"
    role = f"arn:{partition}:iam::{account}:role/{NOTEBOOK_ROLE_NAME}"
    logs = f"arn:{partition}:logs:*:{account}:log-group:/aws/sagemaker/*"
    buckets = f"arn:{partition}:s3:::{default_bucket('*', account)}"
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    in_namespace = {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}}
    in_account = {"StringEquals": {"aws:ResourceAccount": account}}
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow_statement("Work", _workflow_actions(), own),
            _allow_statement("Look", ["sagemaker:List*", "sagemaker:Search"], "*"),
            _allow_statement("PassItself", ["iam:PassRole"], role, to_sagemaker),
            _allow_statement("KnowItself", ["iam:GetRole"], role),
            _allow_statement("Logs", [f"logs:{action}" for action in _LOGS], logs),
            _allow_statement("Metrics", ["cloudwatch:PutMetricData"], "*", in_namespace),
            _allow_statement("Images", [f"ecr:{action}" for action in _PULL_IMAGES], "*"),
            _allow_statement(
                "NewBucket", ["s3:CreateBucket"], buckets
            ),  # one that is yet to be has no account to ask for
            _allow_statement("Buckets", [f"s3:{action}" for action in _BUCKETS], buckets, in_account),
            _allow_statement("Objects", [f"s3:{action}" for action in _OBJECTS], f"{buckets}/*", in_account),
        ],
    }


def _workflow_actions() -> list[str]:
    """The actions of SageMaker that a run takes, and those that end it."""
    ended = [f"sagemaker:{verb}{what}" for what in _MADE_AND_ENDED for verb in ("Create", "Describe", "Stop")]
    deleted = [f"sagemaker:{verb}{what}" for what in _MADE_AND_DELETED for verb in ("Create", "Describe", "Delete")]
    others = ("UpdateEndpoint", "InvokeEndpoint", "AddTags", "DescribeNotebookInstance")
    return [*ended, *deleted, *(f"sagemaker:{other}" for other in others)]


def _allow_statement(
    what: str, actions: list[str], resource: str, condition: dict[str, dict[str, Any]] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": what, "Effect": "Allow", "Action": actions, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement
