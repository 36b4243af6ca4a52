"""The one way the algorithm says no: a sentence for the user, which ends up in FailureReason."""

from __future__ import annotations

from pathlib import Path

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
