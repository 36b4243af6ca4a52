"""Notebook instances and their tags, as AWS lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from opskit.aws import Door
from opskit.aws_errors import is_gone
from opskit.errors import AwsFailure
from opskit.model import Notebook
from opskit.observe.bad_answers import understood

_PAGE = 100
_SESSION_SECONDS = 1800
"""The shortest session AWS allows."""


def notebooks(door: Door) -> Iterator[Notebook]:
    """Every notebook instance of a Region, by name.

    Raises:
        AwsFailure: a page could not be read.
    """
    for page in door.pages("sagemaker", "list_notebook_instances", MaxResults=_PAGE, SortBy="Name"):
        with understood(door, "sagemaker:ListNotebookInstances"):
            found = [_notebook(door.region, summary) for summary in page["NotebookInstances"]]
        yield from found


def notebook(door: Door, name: str) -> Notebook | None:
    """One notebook instance; None where the Region has none of this name.

    Raises:
        AwsFailure: it could not be read.
    """
    try:
        answer = door.read("sagemaker", "describe_notebook_instance", NotebookInstanceName=name)
    except AwsFailure as failure:
        if is_gone(failure):
            return None
        raise
    with understood(door, "sagemaker:DescribeNotebookInstance"):
        return _notebook(door.region, answer)


def tags(door: Door, arn: str) -> Mapping[str, str]:
    """The tags of a SageMaker resource.

    Raises:
        AwsFailure: they could not be read.
    """
    pages = list(door.pages("sagemaker", "list_tags", ResourceArn=arn, MaxResults=_PAGE))
    with understood(door, "sagemaker:ListTags"):
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def presigned_url(door: Door, name: str, session_seconds: int = _SESSION_SECONDS) -> str:
    """The URL that opens a notebook's Jupyter without a password for five minutes: a bearer key, never to be logged.

    Raises:
        AwsFailure: AWS gave none.
    """
    answer = door.read(
        "sagemaker",
        "create_presigned_notebook_instance_url",
        NotebookInstanceName=name,
        SessionExpirationDurationInSeconds=session_seconds,
    )
    with understood(door, "sagemaker:CreatePresignedNotebookInstanceUrl"):
        return str(answer["AuthorizedUrl"])


def _notebook(region: str, said: Mapping[str, Any]) -> Notebook:
    return Notebook(
        region=region,
        name=said["NotebookInstanceName"],
        arn=said["NotebookInstanceArn"],
        instance_type=said.get("InstanceType", ""),
        status=said["NotebookInstanceStatus"],
        since=(said.get("LastModifiedTime") or said["CreationTime"]).astimezone(UTC),
        failure=said.get("FailureReason") or None,
    )
