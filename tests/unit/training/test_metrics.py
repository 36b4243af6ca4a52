"""The split is the notebook's and comes back the same; the scores are scikit-learn's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opskit.core.exceptions import UsageError
from opskit.sandbox.container.tables import DataFormat, read_request_body
from opskit.training.flows.inspect_workflow import inspect_workflow
from opskit.training.metrics import DataSplits, score_outputs, split_rows
from opskit.training.rules.csv_rows import feature_rows
from opskit.training.rules.model import SplitRatios, Task
from opskit.training.rules.scores import Outputs, is_clearly_lower, parse_outputs
from opskit.training.rules.table_facts import feature_columns, read_facts
from opskit.training.workflow import find_workflow, load_verified_data

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
    assert len(feature_columns(BOSTON, read_facts(BOSTON, CONTENT.decode()).names)) == 13


def test_every_row_is_in_one_set() -> None:
    sets = split_rows(BOSTON, CONTENT)
    tests = [[truth, *row] for truth, row in zip(sets.truth, parse_rows(sets.test), strict=True)]
    lines = CONTENT.decode().splitlines()[2:]
    given = [[float(cell) for cell in line.split(",")] for line in lines]
    assert sorted(parse_rows(sets.train) + parse_rows(sets.validation) + tests) == sorted(
        [row[-1], *row[:-1]] for row in given
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.floats(-1e30, 1e30), min_size=24, max_size=60))
@example([-1e-05 * at for at in range(30)])
@example([None, 5.0] * 12)
def test_the_container_reads_as_many_rows_and_columns_as_were_written(values: list[float | None]) -> None:
    """With one feature alone a row may be empty, and a number may hold what looks like a separator."""
    content = "y,a\n" + "".join(f"{at},{'' if value is None else value}\n" for at, value in enumerate(values))
    workflow = replace(BOSTON, target="y", skip_lines=0)
    try:
        sets = split_rows(workflow, content.encode())
    except UsageError as error:
        assert error.problem.code == "data-empty-column"
        return
    read = read_request_body(sets.test.decode(), DataFormat.CSV, 1)
    assert read.shape == (sets.rows[2], 1)
    lines = [f"{'' if value is None else value}\n" for value in values]
    sent = "\n".join(
        row.text for row in feature_rows("f.csv", ["a\n", *(line for line in lines if line != "\n")], ["a"])
    )
    assert read_request_body(sent, DataFormat.CSV, 1).shape == (len([1 for line in lines if line != "\n"]), 1)


def test_a_last_feature_that_the_training_set_lacks_is_refused() -> None:
    rows = "".join(f"{at},{at * 7 % 5},{1 if at == 3 else ''}\n" for at in range(40))
    workflow = replace(BOSTON, target="y", skip_lines=0)
    seeds = [replace(workflow, split=SplitRatios(0.33, 0.33, seed)) for seed in range(40)]
    refused = 0
    for each in seeds:
        try:
            sets = split_rows(each, f"y,a,b\n{rows}".encode())
        except UsageError as error:
            assert "'b', the last column" in error.problem.message
            refused += 1
        else:
            assert any(not line.endswith(",") for line in sets.train.decode().splitlines())
    assert 0 < refused < len(seeds)


def test_split_rows_depends_on_the_seed() -> None:
    other = replace(BOSTON, split=SplitRatios(0.33, 0.33, 7))
    assert split_rows(BOSTON, CONTENT) == split_rows(BOSTON, CONTENT)
    assert split_rows(other, CONTENT).test != split_rows(BOSTON, CONTENT).test


@pytest.mark.parametrize(
    "odd",
    ['""\n', "\u00a0\n", "\x0c\n", "\n\n", '"",""'],
    ids=["quotes", "no-break space", "form feed", "empty lines", "empty cells"],
)
@pytest.mark.parametrize("by_class", [True, False])
def test_split_rows_reads_the_rows_that_the_check_reads(odd: str, by_class: bool) -> None:
    """What the check finds nothing wrong with is split, and no row has another number of cells."""
    rows = "".join(f"{number * 7 % 40 + 0.5},{number % 2}\n" for number in range(40))
    content = f"x,y\n{rows}{odd}".encode()
    workflow = replace(BOSTON, target="y", skip_lines=0, task=Task.BINARY if by_class else Task.REGRESSION)
    found = inspect_workflow(replace(workflow, hyperparameters=(("num_round", "5"),)), content).findings
    if odd == '"",""':  # a row, and one without its label
        assert "data-missing-label" in {finding.code for finding in found}
        return
    assert not [finding for finding in found if finding.code.startswith("data-")]
    sets = split_rows(workflow, content, ("0", "1") if by_class else ())
    assert sum(sets.rows) == 40
    assert {len(row) for row in parse_rows(sets.train)} == {2}


def test_data_that_cannot_be_used_is_said() -> None:
    with pytest.raises(UsageError, match="PRICE"):
        split_rows(replace(BOSTON, target="PRICE"), CONTENT)
    with pytest.raises(UsageError, match="cannot be split"):
        split_rows(BOSTON, b"".join(CONTENT.splitlines(keepends=True)[:3]))


def make_splits(truth: list[float], train_labels: list[float], *classes: str) -> DataSplits:
    return DataSplits(b"", b"", b"", tuple(truth), (0, 0, len(truth)), tuple(train_labels), classes)


def one_each(*numbers: float) -> Outputs:
    return tuple((number,) for number in numbers)


def test_the_scores_of_a_regression_and_its_baseline() -> None:
    sets = make_splits([1.0, 2.0, 3.0], [0.0, 4.0])
    perfect = score_outputs(Task.REGRESSION, sets, one_each(1.0, 2.0, 3.0))
    assert perfect.metrics == {"rmse": 0, "mae": 0, "r2": 1}
    off = score_outputs(Task.REGRESSION, sets, one_each(2.0, 3.0, 4.0))
    assert off.metrics == {"rmse": 1, "mae": 1, "r2": -0.5}
    assert off.baseline["mae"] == pytest.approx(2 / 3)  # the mean of the training set is 2
    assert not off.beats_baseline
    with pytest.raises(ValueError, match="1 predictions for 3 rows"):
        score_outputs(Task.REGRESSION, sets, one_each(1.0))


def test_the_scores_of_two_classes() -> None:
    sets = make_splits([0, 0, 1, 1], [0, 0, 0, 1], "no", "yes")
    scores = score_outputs(Task.BINARY, sets, one_each(0.1, 0.6, 0.7, 0.9))
    assert scores.confusion == ((1, 1), (0, 2))
    assert scores.metrics["auc"] == 1
    assert scores.metrics["accuracy"] == 0.75
    assert scores.metrics["precision"] == pytest.approx(2 / 3)
    assert scores.metrics["log_loss"] == pytest.approx(0.3709, abs=1e-4)
    assert (scores.baseline["auc"], scores.baseline["accuracy"], scores.baseline["recall"]) == (0.5, 0.5, 0)
    assert scores.baseline["log_loss"] == pytest.approx(0.8370, abs=1e-4)  # a quarter of the training set is "yes"
    assert [(each.name, each.rows) for each in scores.classes] == [("no", 2), ("yes", 2)]
    assert scores.classes[1].roc[0] == (0.0, 0.0)


def test_the_scores_of_three_classes() -> None:
    sets = make_splits([0, 1, 2, 2], [0, 1, 2, 2], "a", "b", "c")
    answer: Outputs = ((0.8, 0.1, 0.1), (0.2, 0.6, 0.2), (0.1, 0.2, 0.7), (0.5, 0.2, 0.3))
    scores = score_outputs(Task.MULTICLASS, sets, answer)
    assert scores.confusion == ((1, 0, 0), (0, 1, 0), (1, 0, 1))
    assert scores.metrics["accuracy"] == 0.75
    assert scores.metrics["auc"] == 1
    assert scores.classes[2].recall == 0.5
    alone = score_outputs(Task.MULTICLASS, sets, one_each(0, 1, 2, 0))  # multi:softmax gives the class alone
    assert (alone.metrics["auc"], alone.metrics["log_loss"], alone.metrics["accuracy"]) == (None, None, 0.75)
    assert alone.classes[0].roc == ()


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        (Task.BINARY, one_each(1.5, 0.5)),
        (Task.BINARY, one_each(-0.1, 0.5)),
        (Task.MULTICLASS, one_each(0, 7)),
        (Task.MULTICLASS, ((0.5, 0.5), (1.0, 0.0))),
    ],
)
def test_what_is_no_answer_of_a_classifier_is_not_scored(task: Task, answer: Outputs) -> None:
    with pytest.raises(ValueError, match=r"probabilities|class"):
        score_outputs(task, make_splits([0, 1], [0, 1], "a", "b", "c"[: 1 if task is Task.MULTICLASS else 0]), answer)


def test_chance_is_not_better_than_the_baseline() -> None:
    assert is_clearly_lower([0.1] * 20, [0.5] * 19 + [0.6])
    assert not is_clearly_lower([0.1, 0.9] * 10, [0.5] * 20)
    assert not is_clearly_lower([0.5] * 20, [0.5] * 20)


@pytest.mark.parametrize(
    ("text", "per_row", "expected"),
    [
        ("1.5\n2\n", 1, ((1.5,), (2.0,))),
        ("1.5,2", 1, ((1.5,), (2.0,))),
        ("[0.1, 0.9]\n[0.8, 0.2]\n", 2, ((0.1, 0.9), (0.8, 0.2))),
        ("[0.1, 0.9],[0.8, 0.2]", 2, ((0.1, 0.9), (0.8, 0.2))),
    ],
)
def test_the_forms_in_which_containers_answer(text: str, per_row: int, expected: Outputs) -> None:
    assert parse_outputs(text, 2, per_row) == expected


@pytest.mark.parametrize("text", ["", "1\n2\n3\n", "1\nnan\n", "1\nx\n", "1\ninf\n"])
def test_what_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_outputs(text, 2, 1)


def test_every_part_has_every_class_in_its_share() -> None:
    cancer = find_workflow("breast-cancer")
    sets = split_rows(cancer, load_verified_data(cancer), ("benign", "malignant"))
    for labels in (sets.truth, sets.train_labels):
        assert sum(labels) / len(labels) == pytest.approx(212 / 569, abs=0.01)
    wine = find_workflow("wine")
    assert set(split_rows(wine, load_verified_data(wine), ("1", "2", "3")).truth) == {0, 1, 2}


def test_booleans_words_and_columns_to_ignore() -> None:
    rows = "".join(f"{at},{'True' if at % 3 else 'False'}, {at}.5 ,{'yes' if at % 2 else 'no'}\r\n" for at in range(20))
    mine = replace(BOSTON, target="y", skip_lines=0, ignore=("id",), task=Task.BINARY)
    sets = split_rows(mine, f"id,b,c,y\r\n{rows}".encode(), ("no", "yes"))
    for line in (sets.train + sets.validation).decode().splitlines():
        label, boolean, number = line.split(",")
        at = int(float(number))
        assert (float(label), float(boolean)) == (at % 2, bool(at % 3))
