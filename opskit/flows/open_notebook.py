"""The address that opens a notebook's Jupyter without a password."""

from __future__ import annotations

from opskit.aws import Door
from opskit.errors import Refused
from opskit.flows.one_notebook import the_notebook
from opskit.observe.notebooks import presigned_url

ADDRESS_SECONDS = 300
"""How long AWS lets the address open a session."""

_SESSION_SECONDS = 43_200
"""The longest session AWS allows, and its own default: a working day."""


def address_of(door: Door, name: str) -> str:
    """A presigned URL: whoever has it is in. It is made for this one look and written down nowhere.

    Raises:
        UsageProblem: there is no such notebook.
        Refused: it is not in service.
        AwsFailure: AWS gave none.
    """
    found = the_notebook(door, name)
    if found.status != "InService":
        hint = f"opskit notebook start {name} --region {door.region} --wait"
        hint = "Wait until it is in service: `opskit notebook list`." if found.status == "Pending" else hint
        raise Refused("not-in-service", f"The notebook {name} is {found.status}, not InService.", hint)
    return presigned_url(door, name, _SESSION_SECONDS)
