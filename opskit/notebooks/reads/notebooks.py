"""Notebook instances and their tags, as AWS lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.aws.errors import is_not_found
from opskit.core.aws_names import is_possible_name
from opskit.core.exceptions import AwsError, UsageError
from opskit.core.model import Notebook
from opskit.notebooks.store import suggest_notebook_name

_PAGE = 100
# The shortest session AWS allows.
_SESSION_SECONDS = 1800


def list_notebooks(client: AwsClient) -> Iterator[Notebook]:
    """Every notebook instance of a Region, by name.

    Raises:
        AwsError: a page could not be read.
    """
    for page in client.paginate(
        "sagemaker", "list_notebook_instances", MaxResults=_PAGE, SortBy="Name", SortOrder="Ascending"
    ):
        with parse_errors_as_aws(client, "sagemaker:ListNotebookInstances"):
            found = [_parse_notebook(client.region, summary) for summary in page["NotebookInstances"]]
        yield from found


def read_notebook(client: AwsClient, name: str) -> Notebook | None:
    """One notebook instance; None where the Region has none of this name.

    Raises:
        AwsError: it could not be read.
    """
    try:
        answer = client.read("sagemaker", "describe_notebook_instance", NotebookInstanceName=name)
    except AwsError as failure:
        if is_not_found(failure):
            return None
        raise
    with parse_errors_as_aws(client, "sagemaker:DescribeNotebookInstance"):
        return _parse_notebook(client.region, answer)


def read_presigned_url(client: AwsClient, name: str, session_seconds: int = _SESSION_SECONDS) -> str:
    """The URL that opens a notebook's Jupyter without a password: a bearer key, never to be logged. AWS lets it be
    opened for five minutes; the session behind it lasts ``session_seconds``, by AWS's rule 1,800 to 43,200.

    Raises:
        AwsError: AWS gave none.
    """
    answer = client.read(
        "sagemaker",
        "create_presigned_notebook_instance_url",
        NotebookInstanceName=name,
        SessionExpirationDurationInSeconds=session_seconds,
    )
    with parse_errors_as_aws(client, "sagemaker:CreatePresignedNotebookInstanceUrl"):
        return str(answer["AuthorizedUrl"])


def _parse_notebook(region: str, said: Mapping[str, Any]) -> Notebook:
    return Notebook(
        region=region,
        name=said["NotebookInstanceName"],
        arn=said["NotebookInstanceArn"],
        instance_type=said.get("InstanceType", ""),
        status=said["NotebookInstanceStatus"],
        status_changed_at=(said.get("LastModifiedTime") or said["CreationTime"]).astimezone(UTC),
        failure=said.get("FailureReason") or None,
        lifecycle_config=said.get("NotebookInstanceLifecycleConfigName") or None,
        is_change_told=bool(said.get("LastModifiedTime")),
    )


def get_notebook(client: AwsClient, name: str) -> Notebook:
    """The notebook instance of this name.

    Raises:
        UsageError: the Region has none.
        AwsError: it could not be read.
    """
    # AWS refuses a description of what cannot be a name, in words about its pattern.
    found = read_notebook(client, name) if is_possible_name(name) else None
    if found is None:
        text = f"There is no notebook instance '{name}' in {client.region}."
        hint = f"{suggest_notebook_name(client, name)}`opskit notebook list` shows them; --region looks elsewhere."
        raise UsageError("no-notebook", text, hint)
    return found
