"""What the role for notebooks may do: enough to train, nothing in S3 but the account's own SageMaker buckets."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase

import pytest

from opskit.core.model import NOTEBOOK_ROLE_NAME
from opskit.notebooks.rules.role import notebook_role_policy

ACCOUNT = "123456789012"
STATEMENTS = notebook_role_policy(ACCOUNT, "aws")["Statement"]
BUCKET = f"arn:aws:s3:::sagemaker-eu-west-1-{ACCOUNT}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"


def allowed(action: str, resource: str) -> bool:
    return any(
        any(fnmatchcase(action, each) for each in statement["Action"]) and fnmatchcase(resource, statement["Resource"])
        for statement in STATEMENTS
    )


@pytest.mark.parametrize(
    ("action", "resource", "may"),
    [
        ("sagemaker:CreateTrainingJob", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:training-job/x", True),
        ("sagemaker:CreateTransformJob", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:transform-job/x", True),
        ("sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:endpoint/x", True),
        ("sagemaker:CreateTrainingJob", "arn:aws:sagemaker:eu-west-1:999999999999:training-job/x", False),
        ("sagemaker:CreateNotebookInstance", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:notebook-instance/x", False),
        ("sagemaker:DeleteNotebookInstance", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:notebook-instance/x", False),
        ("s3:CreateBucket", BUCKET, True),
        ("s3:PutObject", f"{BUCKET}/boston/train.csv", True),
        ("s3:GetObject", "arn:aws:s3:::my-sagemaker-data/train.csv", False),
        ("s3:ListBucket", "arn:aws:s3:::sagemaker-eu-west-1-999999999999", False),
        ("s3:GetObject", "arn:aws:s3:::company-payroll/all.csv", False),
        ("s3:DeleteBucket", BUCKET, False),
        ("s3:ListAllMyBuckets", "*", False),
        ("iam:PassRole", f"{ROLE}/{NOTEBOOK_ROLE_NAME}", True),
        ("iam:PassRole", f"{ROLE}/admin", False),
        ("iam:PutRolePolicy", f"{ROLE}/{NOTEBOOK_ROLE_NAME}", False),
        ("logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs:x", True),
        ("logs:GetLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/x", False),
        ("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-xgboost", True),
        ("ecr:PutImage", "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-xgboost", False),
    ],
)
def test_actions_that_the_notebook_role_allows(action: str, resource: str, may: bool) -> None:
    assert allowed(action, resource) is may


def test_a_role_is_passed_to_sagemaker_alone() -> None:
    [passes] = [statement for statement in STATEMENTS if "iam:PassRole" in statement["Action"]]
    assert passes["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_the_policy_fits_into_a_role() -> None:
    assert (
        len(json.dumps(notebook_role_policy(ACCOUNT, "aws-us-gov"))) < 10_240
    )  # IAM's most for a role's inline policies
