"""The small plot fits the terminal it is drawn on, and its dots are where they should be."""

from __future__ import annotations

import pytest

from opskit.training.render.plot import terminal_plot

TRUTH, PREDICTED = (5.0, 50.0, 27.5), (5.0, 50.0, 27.5)


@pytest.mark.parametrize("columns", [26, 40, 58, 80, 300])
def test_terminal_plot_fits_the_terminal(columns: int) -> None:
    lines = terminal_plot("MEDV", TRUTH, PREDICTED, columns).splitlines()
    assert max(len(line) for line in lines if "predicted" not in line) <= min(columns, 58)
    assert lines[1].startswith("    50.0 ┤")
    assert lines[-3].startswith("     5.0 ┤")
    assert lines[-1].split() == ["5.0", "50.0"]


def test_perfect_predictions_lie_on_the_diagonal() -> None:
    rows = [line.partition("┤")[2] for line in terminal_plot("MEDV", TRUTH, PREDICTED, 80).splitlines() if "┤" in line]
    dotted = [[at for at, cell in enumerate(row) if cell != "\u2800"] for row in rows]
    assert (dotted[0], dotted[-1]) == ([47], [0])
    assert sum(map(len, dotted)) == 3


def test_where_there_is_no_room_there_is_no_plot() -> None:
    assert terminal_plot("MEDV", TRUTH, PREDICTED, 25) == ""


def test_one_value_is_no_trouble() -> None:
    assert "┤" in terminal_plot("MEDV", (1.0, 1.0), (1.0, 1.0), 80)
