"""The one notebook instance that was named."""

from __future__ import annotations

from opskit.aws import Door
from opskit.errors import UsageProblem
from opskit.model import Notebook
from opskit.observe.notebooks import notebook


def the_notebook(door: Door, name: str) -> Notebook:
    """The notebook instance of this name.

    Raises:
        UsageProblem: the Region has none.
        AwsFailure: it could not be read.
    """
    found = notebook(door, name)
    if found is None:
        text = f"There is no notebook instance '{name}' in {door.region}."
        raise UsageProblem("no-notebook", text, "`opskit notebook list` shows them; --region looks elsewhere.")
    return found
