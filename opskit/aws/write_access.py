"""Who may write to an account: only a feature's ``changes``; and ``opskit.state`` the items of opskit's own table.
Looked up when a write is made, on the stack, because no reading of the source sees a writer that was handed on. Each of
opskit's own boto3 clients looks too, since a client that got out would need no writer.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from opskit.aws.read_operations import is_read

# What stands between a change and its client: botocore itself, and the SDK that a change lends clients to.
_CLIENT_PACKAGES = ("botocore", "boto3", "s3transfer", "sagemaker", "pydantic")
_MAY_WRITE = re.compile(r"opskit\.\w+\.changes(\.|$)")
_KEEPS_STATE = re.compile(r"opskit\.state\.\w+$")
_ITEM_WRITES = frozenset({"batch_write_item", "delete_item", "put_item", "transact_write_items", "update_item"})


def check_client_call(model: Any, **_: Any) -> None:
    """Pass if a client's call only reads, or may write: botocore's ``before-call``, of each of opskit's own clients.

    Raises:
        PermissionError: as ``check_write_access``.
    """
    from botocore import xform_name

    operation = xform_name(model.name)
    if not is_read(operation):
        check_write_access(operation, through=_CLIENT_PACKAGES)


def check_write_access(operation: str, *, through: tuple[str, ...] = ()) -> None:
    """Pass if the nearest caller outside of ``opskit.aws``, the standard library and the packages ``through`` is a
    feature's ``changes``, or is no module of opskit's, such as a test.

    Raises:
        PermissionError: it is another module of opskit's, or none, as in a thread that was given a bare writer.
    """
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        module = str(frame.f_globals.get("__name__", ""))
        # Of the standard library: a context manager, a partial or a pool of threads may stand between.
        package = module.partition(".")[0]
        if module.startswith("opskit.aws.") or package in sys.stdlib_module_names or package in through:
            continue
        if operation in _ITEM_WRITES and _KEEPS_STATE.match(module):
            return
        if module.startswith("opskit.") and not _MAY_WRITE.match(module):
            raise PermissionError(f"{module} may not call {operation}: only a feature's changes write to an account")
        return
    # The stack has ended: a thread whose target is a writer's method itself.
    raise PermissionError(f"nobody may call {operation} by itself: only a feature's changes write to an account")
