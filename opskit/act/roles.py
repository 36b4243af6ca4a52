"""The one role that opskit makes: the one for notebooks. Nothing here widens a role that somebody else made."""

from __future__ import annotations

import json

from opskit.aws import Door
from opskit.decide.notebook_role import ROLE_NAME, TRUST, policy
from opskit.state.journal import record

MAKE, PERMIT = "create role", "put role policy"
"""What the journal calls them."""

_WHAT_FOR = "Notebook instances made by opskit: train and deploy, S3 only in the account's own SageMaker buckets"


def make_role(door: Door, because: str) -> None:
    """Make the role, as yet without any permission.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with record(door, MAKE, ROLE_NAME, because):
        door.write(
            "iam",
            "create_role",
            RoleName=ROLE_NAME,
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Description=_WHAT_FOR,
        )


def permit(door: Door, account: str, partition: str, because: str) -> None:
    """Give the role its permissions. Doing so again changes nothing.

    Raises:
        AwsFailure: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with record(door, PERMIT, ROLE_NAME, because):
        document = json.dumps(policy(account, partition))
        door.write("iam", "put_role_policy", RoleName=ROLE_NAME, PolicyName=ROLE_NAME, PolicyDocument=document)
