"""The classroom's notebooks, which the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opskit.sandbox.server import Sandbox
from tests.sandbox.notebooks.notebook_session import WEST, create
from tests.waiting import wait_until


@pytest.fixture(scope="session")
def east(classroom_sandbox: Sandbox, account_of: Callable[..., Any]) -> Any:
    """The classroom's SageMaker in its home Region, with every seeded notebook where it belongs."""
    client = account_of(classroom_sandbox).client("sagemaker")
    wait_until(lambda: not client.list_notebook_instances(StatusEquals="Pending")["NotebookInstances"])
    return client


@pytest.fixture(scope="session")
def west(classroom_sandbox: Sandbox, account_of: Callable[..., Any]) -> Any:
    return account_of(classroom_sandbox).client("sagemaker", WEST)


@pytest.fixture(scope="session")
def workbench(west: Any) -> Any:
    """A notebook somebody made and works in, called ``workbench``."""
    create(west, "workbench", Tags=[{"Key": "team", "Value": "blue"}], VolumeSizeInGB=10)
    return west
