"""Predictions against the truth: a picture on disk, and a small one in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_WIDTH, _HEIGHT = 48, 16


def draw(path: Path, title: str, truth: Sequence[float], predicted: Sequence[float]) -> None:
    """Write the scatter plot as a PNG.

    Raises:
        OSError: it cannot be written.
    """
    from matplotlib.figure import Figure

    low, high = min(*truth, *predicted), max(*truth, *predicted)
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.subplots()
    axes.plot([low, high], [low, high], color="0.6", linewidth=1, label="as predicted")
    axes.scatter(truth, predicted, s=14, alpha=0.7)
    axes.set(title=title, xlabel="median value, thousand USD", ylabel="predicted, thousand USD")
    axes.set_aspect("equal")
    figure.savefig(path, dpi=120)


def sketch(truth: Sequence[float], predicted: Sequence[float], width: int = _WIDTH, height: int = _HEIGHT) -> str:
    """The same in characters: a dot is a house, the line is where a perfect prediction would be."""
    low, high = min(*truth, *predicted), max(*truth, *predicted)
    span = (high - low) or 1.0
    grid = [[" "] * width for _ in range(height)]
    for column in range(width):
        grid[height - 1 - int(column / (width - 1) * (height - 1))][column] = "·"
    for x, y in zip(truth, predicted, strict=True):
        column = round((x - low) / span * (width - 1))
        grid[height - 1 - round((y - low) / span * (height - 1))][column] = "●"
    lines = [f"{high:6.1f} ┤" if row == 0 else "       │" for row in range(height - 1)] + [f"{low:6.1f} ┤"]
    body = [line + "".join(cells).rstrip() for line, cells in zip(lines, grid, strict=True)]
    foot = "       └" + "─" * width
    caption = f"        predicted over true, {low:.1f} to {high:.1f}; dots on the line are right"
    return "\n".join([*body, foot, caption])
