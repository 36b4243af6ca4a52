"""The door to xgboost: quick to import, and one sentence where it is missing."""

from __future__ import annotations

import sys
from typing import Any, cast

from opskit.sandbox.container.failure import XGBOOST_MISSING, UserError

_HIDDEN_MODULES = ("sklearn", "pandas")


def load_xgboost() -> Any:
    """The xgboost module.

    It imports pandas and scikit-learn where they are installed, only to recognise their tables; hidden from it,
    its import takes half a second instead of three.

    Raises:
        UserError: xgboost is not installed.
    """
    modules = cast(dict[str, Any], sys.modules)
    for name in _HIDDEN_MODULES:
        modules.setdefault(name, None)
    try:
        import xgboost as module
    except ImportError as error:
        raise UserError(XGBOOST_MISSING) from error
    return module
