"""The address that opens a notebook's Jupyter without a password."""

from __future__ import annotations

from opskit.aws.client import AwsClient
from opskit.core.exceptions import GuardRefused
from opskit.notebooks.reads.notebooks import get_notebook, read_presigned_url

URL_VALID_SECONDS = 300
"""How long AWS lets the address open a session."""

_SESSION_SECONDS = 43_200
"""The longest session AWS allows, and its own default: a working day."""


def create_presigned_url(client: AwsClient, name: str) -> str:
    """A presigned URL: whoever has it is in. It is made for this one look and written down nowhere.

    Raises:
        UsageError: there is no such notebook.
        GuardRefused: it is not in service.
        AwsError: AWS gave none.
    """
    found = get_notebook(client, name)
    if not found.traits.is_in_service:
        hint = f"opskit notebook start {name} --region {client.region} --wait"
        hint = "Wait until it is in service: `opskit notebook list`." if found.traits.comes_up else hint
        raise GuardRefused("not-in-service", f"The notebook {name} is {found.status}, not InService.", hint)
    return read_presigned_url(client, name, _SESSION_SECONDS)
