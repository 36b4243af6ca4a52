"""Data and hyperparameters that a job would fail on are refused before it is paid for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import ExitCode, UsageError
from opskit.training.rules.training_data import check_training_data
from opskit.training.rules.xgboost_parameters import check_hyperparameters
from opskit.training.workflow import find_workflow, load_verified_data

BOSTON = find_workflow("boston")
MINE = replace(BOSTON, target="y", skip_lines=0, data_file="d.csv")


def refusal(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        check_training_data(MINE, text.encode())
    assert caught.value.exit is ExitCode.USAGE
    return caught.value.problem.message


@pytest.mark.parametrize(
    "text",
    [
        "y,a\n1,2\n3,4\n",
        "y,a\r\n1,2\r\n3,4\r\n",  # as Windows writes it
        "\ufeffy,a\n1,2\n",
        "a,y\n,2\nNaN,-4.5e-10\nnull,+.5\n",  # features may be missing
        'y,a\n"1","2"\n\n3, 4 \n',
        "a,b\nx,y\n",  # no target: told by who splits
    ],
)
def test_numbers_are_taken_as_they_are_written(text: str) -> None:
    check_training_data(MINE, text.encode())


def test_the_shipped_data_are_taken() -> None:
    check_training_data(BOSTON, load_verified_data(BOSTON))
    check_hyperparameters(BOSTON)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y,married\n1,2\n1,False\n", "column 'married' holds 'False' (line 3)"),
        ("y,job\n1,admin\n", "column 'job' holds 'admin', which is not a number (line 2)"),
        ("y,a\nyes,1\n", "column 'y' holds 'yes'"),
        ("y,a\n1,1\n,1\n", "column 'y' is the target and has no value (line 3)"),
        ("y,a\nNaN,1\n", "column 'y' is the target and has no value"),
        ("a,y\n1\n", "column 'y' is the target and has no value"),
        ("y,a\n1,inf\n", "no finite number"),
        ("y,a\n1,1_000\n", "'1_000', which is not a number"),
        ("y,a\n1,'1\n", "not a number"),
    ],
)
def test_what_is_no_number_is_named_with_its_column_and_line(text: str, says: str) -> None:
    assert says in refusal(text)


def test_of_many_bad_columns_some_are_named_and_the_others_counted() -> None:
    columns = [f"c{at}" for at in range(9)]
    told = refusal(f"y,{','.join(columns)}\n1,{','.join('x' for _ in columns)}\n")
    assert "'c2'" in told
    assert "'c3'" not in told
    assert "and 6 more columns" in told


def test_lines_above_the_header_count() -> None:
    with pytest.raises(UsageError, match=r"\(line 4\)"):
        check_training_data(replace(MINE, skip_lines=2), b"Boston\nfrom 1978\ny,a\n1,x\n")


@given(st.binary(max_size=200))
def test_no_data_are_too_odd(content: bytes) -> None:
    try:
        check_training_data(MINE, b"y,a\n" + content)
    except UsageError as error:
        assert error.problem.code == "data-not-numeric"


def with_parameters(version: str = "1.7-1", **values: str) -> None:
    check_hyperparameters(replace(BOSTON, version=version, hyperparameters=tuple(values.items())))


@pytest.mark.parametrize(
    ("values", "says", "hint"),
    [
        ({"num_rounds": "5", "num_round": "5"}, "'num_rounds'", "'num_round'"),
        ({"num_round": "5", "max_dept": "3", "learning-rate": "1"}, "'max_dept', 'learning-rate'", "'max_depth'"),
        ({"eta": "1"}, "needs the hyperparameter 'num_round'", "num_round"),
        ({"num_round": "5", "objective": "multi:softprob", "num_class": "3"}, "several numbers a row", "multi:softmax"),
        ({"num_round": "5", "objective": '"multi:softprob"'}, "several numbers a row", "multi:softmax"),
    ],
)
def test_hyperparameters_that_a_job_would_fail_on_are_refused(values: dict[str, str], says: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        with_parameters(**values)
    assert says in caught.value.problem.message
    assert hint in caught.value.problem.hint


def test_what_a_later_version_may_know_is_left_to_it_unless_it_looks_mistyped() -> None:
    with_parameters("3.0-5", num_round="5", device="cuda")
    with pytest.raises(UsageError, match="'num_rounds'"):
        with_parameters("3.0-5", num_rounds="5")
    with_parameters(num_round="5", sagemaker_program="x", _tuning_objective_metric="y")
    check_hyperparameters(replace(BOSTON, framework="linear-learner", hyperparameters=(("any", "1"),)))
