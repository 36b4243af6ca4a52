"""The one role that opskit makes: the one for notebooks. Nothing here widens a role that somebody else made."""

from __future__ import annotations

import json
from collections.abc import Mapping

from opskit.aws.client import AwsClient
from opskit.aws.tagged_create import create_with_tags
from opskit.aws.writer import AwsWriter
from opskit.core.model import NOTEBOOK_ROLE_NAME
from opskit.core.owners import Owner
from opskit.core.tags import MADE_BY
from opskit.notebooks.rules.enums import NotebookAction
from opskit.notebooks.rules.role import TRUST_POLICY, notebook_role_policy
from opskit.state.journal import journal_action

_MADE_BY = {MADE_BY: "opskit notebook create"}
_ROLE_DESCRIPTION = (
    "Notebook instances made by opskit: train and deploy, S3 only in the account's own SageMaker buckets"
)


def create_notebook_role(client: AwsClient, owner: Owner, boundary: str | None, reason: str) -> None:
    """Make the role, as yet without any permission, within the permissions boundary of this ARN. Whoever needs it first
    is the owner; all of the account may use it.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """

    def create(tags: Mapping[str, str]) -> None:
        tagged = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
        bounded = {"PermissionsBoundary": boundary} if boundary else {}
        with journal_action(client, NotebookAction.CREATE_ROLE, NOTEBOOK_ROLE_NAME, reason):
            AwsWriter(client).call(
                "iam",
                "create_role",
                RoleName=NOTEBOOK_ROLE_NAME,
                AssumeRolePolicyDocument=json.dumps(TRUST_POLICY),
                Description=_ROLE_DESCRIPTION,
                **tagged,
                **bounded,
            )

    create_with_tags(create, owner, _MADE_BY, {})


def attach_role_policy(client: AwsClient, account: str, partition: str, reason: str) -> None:
    """Give the role its permissions. Doing so again changes nothing.

    Raises:
        AwsError: AWS refused, or its answer was lost (OutcomeUnknown).
    """
    with journal_action(client, NotebookAction.PUT_ROLE_POLICY, NOTEBOOK_ROLE_NAME, reason):
        document = json.dumps(notebook_role_policy(account, partition))
        AwsWriter(client).call(
            "iam",
            "put_role_policy",
            RoleName=NOTEBOOK_ROLE_NAME,
            PolicyName=NOTEBOOK_ROLE_NAME,
            PolicyDocument=document,
        )
