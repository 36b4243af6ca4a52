"""Plots predictions against true values: a PNG file, and a small plot in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opskit.output.printing import visible_line

_WIDTH, _HEIGHT, _MARGIN = 48, 14, 10
_MIN_WIDTH = 16
# A braille character is a grid of 2 x 4 dots; these are the bits of its left and right column, from the top.
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BLANK = 0x2800


def save_plot(path: Path, title: str, target: str, truth: Sequence[float], predicted: Sequence[float]) -> None:
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
    shown = visible_line(target)
    axes.set_title(visible_line(title), parse_math=False)  # a $ in a name begins no formula
    axes.set_xlabel(f"{shown}, true", parse_math=False)
    axes.set_ylabel(f"{shown}, predicted", parse_math=False)
    axes.set_aspect("equal")
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=120)


def terminal_plot(target: str, truth: Sequence[float], predicted: Sequence[float], columns: int) -> str:
    """The same plot in braille dots, on a terminal of ``columns`` characters; empty if that is too narrow. A dot on the
    diagonal is a perfect prediction.
    """
    width = min(_WIDTH, columns - _MARGIN)
    if width < _MIN_WIDTH:
        return ""
    height = _HEIGHT * width // _WIDTH
    low, high = min(*truth, *predicted), max(*truth, *predicted)
    places = zip(
        _scale_positions(truth, low, high, width * 2), _scale_positions(predicted, low, high, height * 4), strict=True
    )
    dots = {(across, height * 4 - 1 - up) for across, up in places}
    rows = ["".join(_braille_character(dots, column, row) for column in range(width)) for row in range(height)]
    labels = [f"{high:8.1f}", *[" " * 8] * (height - 2), f"{low:8.1f}"]
    body = [f"{label} ┤{row}" for label, row in zip(labels, rows, strict=True)]
    foot = [f"{'':8} └{'─' * width}", f"{'':{_MARGIN}}{low:<{width - 8}.1f}{high:>8.1f}"]
    return "\n".join([f"{'':{_MARGIN}}{visible_line(target)}: predicted (up) over true (right)", *body, *foot])


def _scale_positions(values: Sequence[float], low: float, high: float, dots: int) -> list[int]:
    """The position of each value on a scale of ``dots`` dots that starts at ``low``."""
    span = (high - low) or 1.0
    return [round((value - low) / span * (dots - 1)) for value in values]


def _braille_character(dots: set[tuple[int, int]], column: int, row: int) -> str:
    bits = (_BITS[x][y] for x in range(2) for y in range(4) if (column * 2 + x, row * 4 + y) in dots)
    return chr(_BLANK + sum(bits))
