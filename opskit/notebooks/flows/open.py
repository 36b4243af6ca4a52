"""The address that opens a notebook's Jupyter without a password."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError, GuardRefused
from opskit.core.model import Notebook
from opskit.notebooks.reads.notebooks import get_notebook, read_presigned_url

URL_VALID_SECONDS = 300
"""How long AWS lets the address open a session."""

# The longest session AWS allows, and its own default: a working day.
_SESSION_SECONDS = 43_200


def create_presigned_url(client: AwsClient, name: str) -> str:
    """A presigned URL: whoever has it is in. It is made for this one look and written down nowhere.

    Raises:
        UsageError: there is no such notebook.
        GuardRefused: it is not in service.
        AwsError: AWS gave none.
    """
    found = get_notebook(client, name)
    if not (found.traits.is_in_service or found.traits.is_maintained):
        raise _not_in_service_error(client, found)
    try:
        return read_presigned_url(client, name, _SESSION_SECONDS)
    except AwsError as failure:
        if found.traits.is_maintained and failure.aws_code == "ValidationException":
            raise _not_in_service_error(client, found) from failure
        raise


def _not_in_service_error(client: AwsClient, found: Notebook) -> GuardRefused:
    start = f"opskit notebook start {found.name} --region {client.region} --wait"
    hint = start if found.traits.can_start else ""
    if found.traits.comes_up:
        hint = "Wait until it is in service: `opskit notebook list`."
    if found.traits.becomes_stopped:
        hint = f"When it is Stopped: {start}"
    return GuardRefused("not-in-service", f"The notebook {found.name} is {found.status}, not InService.", hint)
