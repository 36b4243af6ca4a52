"""What AWS may ask for beside a policy, by what an account has set up. No policy of opskit's holds it: most accounts
need none of it, and each of it is a power of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class ConditionalPermission:
    """Actions that AWS asks for ``when`` something is set up, beside any of the actions ``beside``."""

    actions: tuple[str, ...]
    when: str
    beside: tuple[str, ...]


CONDITIONAL_PERMISSIONS = (
    ConditionalPermission(
        ("iam:CreateServiceLinkedRole on AWSServiceRoleForServiceQuotas",),
        "the first increase of an account, where Service Quotas has no service-linked role yet",
        ("servicequotas:RequestServiceQuotaIncrease",),
    ),
    ConditionalPermission(
        ("kms:CreateGrant", "kms:DescribeKey", "kms:Decrypt", "kms:GenerateDataKey"),
        "a customer managed key encrypts the bucket, or the workflow names one",
        ("s3:PutObject", "s3:GetObject", "sagemaker:CreateTrainingJob", "sagemaker:CreateEndpointConfig"),
    ),
    ConditionalPermission(
        ("ec2:CreateNetworkInterface", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"),
        "the workflow names subnets; the execution role needs it, and some organisations ask it of the caller",
        ("sagemaker:CreateTrainingJob", "sagemaker:CreateModel"),
    ),
    ConditionalPermission(
        ("kms:GenerateDataKey", "kms:Decrypt"),
        "a customer managed key encrypts the topic",
        ("sns:Publish",),
    ),
    ConditionalPermission(
        ("sts:AssumeRole on the role",),
        "--role-arn, or a profile with role_arn: the policy above is then the role's",
        (),
    ),
)
"""Everything that is known of, in the order in which a run meets it."""


def conditional_permissions(actions: Collection[str]) -> tuple[ConditionalPermission, ...]:
    """What AWS may ask for beside these actions; nothing where there are none."""
    return tuple(
        each for each in CONDITIONAL_PERMISSIONS if actions and (not each.beside or set(each.beside) & set(actions))
    )
