"""The one way the algorithm says no: a sentence for the user, which ends up in FailureReason; and the door to xgboost,
quick to import, and one such sentence where it is missing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any, cast

XGBOOST_MISSING = (
    "The sandbox trains with the real xgboost, and it is not installed. "
    "Install it, in the clone of opskit: pip install '.[sandbox]'"
)


class UserError(Exception):
    """What the user asked for cannot be done: bad data, bad hyperparameters, a bad model."""


def write_failure(folder: Path, message: str) -> None:
    """Leave the reason where the platform looks for it: ``output/failure``."""
    output = folder / "output"
    output.mkdir(parents=True, exist_ok=True)
    (output / "failure").write_text(message)


def read_failure_file(folder: Path) -> str | None:
    """The reason a container left, None where it left none."""
    path = folder / "output" / "failure"
    return path.read_text(errors="replace") if path.exists() else None


# What xgboost loads to recognise tables, and to plot; it goes on without.
_HIDDEN_MODULES = ("sklearn", "pandas", "xgboost.plotting")


def load_xgboost() -> Any:
    """The xgboost module.

    It imports pandas and scikit-learn where they are installed, only to recognise their tables, and numpy's way to
    Fortran by way of scipy; hidden from it, its import takes a quarter of a second instead of three.

    Raises:
        UserError: xgboost is not installed.
    """
    modules = cast(dict[str, Any], sys.modules)
    for name in _HIDDEN_MODULES:
        modules.setdefault(name, None)
    try:
        import numpy

        # scipy loads whatever numpy has a name for, and numpy would load this when the name is asked for.
        numpy.f2py = modules.setdefault("numpy.f2py", ModuleType("numpy.f2py"))
        import xgboost as module
    except ImportError as error:
        raise UserError(XGBOOST_MISSING) from error
    return module
