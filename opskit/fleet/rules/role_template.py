"""The template of the role that opskit assumes in every account, for a CloudFormation StackSet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def role_template(role_name: str, trusted: str, external_id: str | None, policy: Mapping[str, Any]) -> dict[str, Any]:
    """The template as JSON. ``trusted`` is the account that may assume the role, ``policy`` what the role may do."""
    trust: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::{trusted}:root"}},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    if external_id:
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role with which opskit reads quotas, notebooks and costs of SageMaker in this account",
        "Resources": {
            "OpskitRole": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": role_name,
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                    "Policies": [{"PolicyName": "opskit", "PolicyDocument": dict(policy)}],
                },
            }
        },
    }
