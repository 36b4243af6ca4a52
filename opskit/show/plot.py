"""Predictions against the truth: a picture on disk, and a small one in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_WIDTH, _HEIGHT = 48, 14
# A braille character is a grid of 2 x 4 dots; these are the bits of its left and right column, from the top.
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800


def draw(path: Path, title: str, target: str, truth: Sequence[float], predicted: Sequence[float]) -> None:
    """Write the scatter plot as a PNG.

    Raises:
        OSError: it cannot be written.
    """
    from matplotlib.figure import Figure

    low, high = min(*truth, *predicted), max(*truth, *predicted)
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.plot([low, high], [low, high], color="0.6", linewidth=1, label="a perfect prediction")
    axes.scatter(truth, predicted, s=14, alpha=0.7)
    axes.set(title=title, xlabel=f"{target}, true", ylabel=f"{target}, predicted")
    axes.set_aspect("equal")
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=120)


def sketch(target: str, truth: Sequence[float], predicted: Sequence[float]) -> str:
    """The same in braille dots. A row on the diagonal is a perfect prediction."""
    low, high = min(*truth, *predicted), max(*truth, *predicted)
    dots = {_dot(x, y, low, high) for x, y in zip(truth, predicted, strict=True)}
    rows = ["".join(_braille(dots, column, row) for column in range(_WIDTH)) for row in range(_HEIGHT)]
    labels = [f"{high:8.1f}", *[" " * 8] * (_HEIGHT - 2), f"{low:8.1f}"]
    body = [f"{label} ┤{row}" for label, row in zip(labels, rows, strict=True)]
    foot = [f"{'':8} └{'─' * _WIDTH}", f"{'':10}{low:<{_WIDTH - 8}.1f}{high:>8.1f}"]
    return "\n".join([f"{'':10}{target}: predicted (up) over true (right)", *body, *foot])


def _dot(x: float, y: float, low: float, high: float) -> tuple[int, int]:
    """Where a point goes on the grid of dots, from the left and from the top."""
    span = (high - low) or 1.0
    across, up = (x - low) / span, (y - low) / span
    return round(across * (_WIDTH * 2 - 1)), round((1 - up) * (_HEIGHT * 4 - 1))


def _braille(dots: set[tuple[int, int]], column: int, row: int) -> str:
    bits = (_BITS[x][y] for x in range(2) for y in range(4) if (column * 2 + x, row * 4 + y) in dots)
    return chr(_BLANK + sum(bits))
