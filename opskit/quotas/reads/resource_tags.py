"""Reads whose a SageMaker resource is."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.aws.unusable_responses import parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.owners import owner_from_tags

_PAGE = 100


def read_owner(client: AwsClient, arn: str) -> str | None:
    """The owner that a resource's tags name; None if they name none, or could not be read."""
    try:
        pages = list(client.paginate("sagemaker", "list_tags", ResourceArn=arn, MaxResults=_PAGE))
        with parse_errors_as_aws(client, "sagemaker:ListTags"):
            return owner_from_tags(
                {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}, client.owner_keys
            )
    except AwsError:  # whose it is, is additional information
        return None
