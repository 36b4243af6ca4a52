"""The split is the notebook's and comes back the same; the scores are scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.core.exceptions import UsageError
from opskit.training.metrics import score_predictions, split_rows
from opskit.training.rules.model import SplitRatios
from opskit.training.workflow import feature_names, find_workflow, load_verified_data

BOSTON = find_workflow("boston")
CONTENT = load_verified_data(BOSTON)


def parse_rows(content: bytes) -> list[list[float]]:
    return [[float(cell) for cell in line.split(",")] for line in content.decode().splitlines()]


def test_the_notebooks_sizes_label_first_and_no_header() -> None:
    sets = split_rows(BOSTON, CONTENT)
    assert sets.rows == (227, 112, 167)
    whole = parse_rows(sets.train) + parse_rows(sets.validation)
    assert [len(row) for row in whole] == [14] * 339
    assert [len(row) for row in parse_rows(sets.test)] == [13] * 167
    assert len(feature_names(BOSTON, CONTENT)) == 13


def test_every_row_is_in_one_set() -> None:
    sets = split_rows(BOSTON, CONTENT)
    tests = [[truth, *row] for truth, row in zip(sets.truth, parse_rows(sets.test), strict=True)]
    lines = CONTENT.decode().splitlines()[2:]
    given = [[float(cell) for cell in line.split(",")] for line in lines]
    assert sorted(parse_rows(sets.train) + parse_rows(sets.validation) + tests) == sorted(
        [row[-1], *row[:-1]] for row in given
    )


def test_the_seed_decides() -> None:
    other = replace(BOSTON, split=SplitRatios(0.33, 0.33, 7))
    assert split_rows(BOSTON, CONTENT) == split_rows(BOSTON, CONTENT)
    assert split_rows(other, CONTENT).test != split_rows(BOSTON, CONTENT).test


def test_data_that_cannot_be_used_is_said() -> None:
    with pytest.raises(UsageError, match="PRICE"):
        split_rows(replace(BOSTON, target="PRICE"), CONTENT)
    with pytest.raises(UsageError, match="PRICE"):
        feature_names(replace(BOSTON, target="PRICE"), CONTENT)
    with pytest.raises(UsageError, match="cannot be split"):
        split_rows(BOSTON, b"".join(CONTENT.splitlines(keepends=True)[:3]))


def test_the_scores() -> None:
    perfect = score_predictions([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (perfect.rmse, perfect.mae, perfect.r2) == (0, 0, 1)
    off = score_predictions([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    assert (off.rmse, off.mae, off.r2) == (1, 1, -0.5)
    with pytest.raises(ValueError, match="inconsistent"):
        score_predictions([1.0, 2.0], [1.0])
