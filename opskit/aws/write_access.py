"""Who may write to an account: only a feature's ``changes``; and ``opskit.state`` the items of opskit's own table.
Looked up when a write is made, on the stack, because no reading of the source sees a writer that was handed on.
"""

from __future__ import annotations

import re
import sys

_MAY_WRITE = re.compile(r"opskit\.\w+\.changes(\.|$)")
_KEEPS_STATE = re.compile(r"opskit\.state\.\w+$")
_ITEM_WRITES = frozenset({"batch_write_item", "delete_item", "put_item", "transact_write_items", "update_item"})


def check_write_access(operation: str) -> None:
    """Pass if the nearest caller outside of ``opskit.aws`` and the standard library is a feature's ``changes``, or is
    no module of opskit's, such as a test.

    Raises:
        PermissionError: it is another module of opskit's, or none, as in a thread that was given a bare writer.
    """
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        module = str(frame.f_globals.get("__name__", ""))
        # Of the standard library: a context manager, a partial or a pool of threads may stand between.
        if module.startswith("opskit.aws.") or module.partition(".")[0] in sys.stdlib_module_names:
            continue
        if operation in _ITEM_WRITES and _KEEPS_STATE.match(module):
            return
        if module.startswith("opskit.") and not _MAY_WRITE.match(module):
            raise PermissionError(f"{module} may not call {operation}: only a feature's changes write to an account")
        return
    # The stack has ended: a thread whose target is a writer's method itself.
    raise PermissionError(f"nobody may call {operation} by itself: only a feature's changes write to an account")
