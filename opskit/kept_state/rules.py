"""The CloudFormation template of the table that several machines keep their state in."""

from __future__ import annotations

from typing import Any

TABLE_NAME = "opskit"
PARTITION_KEY, SORT_KEY, EXPIRY = "pk", "sk", "expires_at"


def table_template(name: str) -> dict[str, Any]:
    """The template as JSON. The table is paid by request, encrypted, kept if its stack is deleted, and can be restored
    to any second of the last 35 days.
    """
    keys = ((PARTITION_KEY, "HASH"), (SORT_KEY, "RANGE"))
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The journal of opskit, its queue of increases, its locks and what it remembers",
        "Resources": {
            "OpskitState": {
                "Type": "AWS::DynamoDB::Table",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {
                    "TableName": name,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
                    "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
                    "SSESpecification": {"SSEEnabled": True},
                    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                    # Only to tidy up: opskit reads nothing that has expired.
                    "TimeToLiveSpecification": {"AttributeName": EXPIRY, "Enabled": True},
                    "DeletionProtectionEnabled": True,
                },
            }
        },
        "Outputs": {
            "State": {
                "Description": "What --state, OPSKIT_STATE or the setting state takes",
                "Value": {"Fn::Sub": "dynamodb://${OpskitState}?region=${AWS::Region}"},
            }
        },
    }
