"""The rows a user wants predictions for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opskit.core.exceptions import UsageError
from opskit.training.rules.csv_rows import feature_rows, written_header

FEATURES = ("CRIM", "ZN", "RM")


def parse_rows(text: str) -> list[str]:
    """The rows as the model takes them."""
    return [row.text for row in feature_rows("f.csv", text.splitlines(keepends=True), FEATURES)]


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",
        "CRIM,ZN,RM\n1,2,3\n4,5,6",
        '"crim","zn","rm"\r\n"1"," 2 ","3"\r\n\r\n4,5,6\r\n',
        "\ufeffCRIM,ZN,RM\n1,2,3\n\n4,5,6\n",
        "rm,MEDV,crim,zn\n3,24,1,2\n6,,4,5\n",
    ],
)
def test_a_header_quotes_and_empty_lines_are_welcome(text: str) -> None:
    assert parse_rows(text) == ["1.0,2.0,3.0", "4.0,5.0,6.0"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no rows"),
        ("CRIM,ZN,RM\n", "has no rows"),
        ("1,2,3\n1,2\n", "line 2 has 2 values, not 3"),
        ("1,2,3,4\n", "line 1 has 4 values, not 3"),
        ("1,2,3\n\n1,x,3\n", "line 3, column 'ZN': 'x' is not a number"),
        ("1,inf,3\n", "line 1, column 'ZN': 'inf' is not a number"),
        ("1,2024-01-31,3\n", "'2024-01-31' is not a number"),
        ("A,B,C\n1,2,3\n", "line 1, column 'CRIM': 'A' is not a number"),
        ("CRIM,RM\n1,2\n", "a header, and no column ZN"),
        ("CRIM,ZN,RM,MEDV\n1,2,3\n", "line 2 has 3 values, not 4"),
        (f"1,2,{'3' * 200_000}\n", "is not CSV"),
    ],
)
def test_what_is_no_row_of_numbers_is_said_with_its_line(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rows(text)
    assert words in caught.value.problem.message
    assert "CRIM, ZN, RM" in caught.value.problem.hint or words == "is not CSV"


def test_feature_rows_takes_no_row_of_numbers_for_a_header_where_features_are_called_by_numbers() -> None:
    def parsed(text: str) -> list[str]:
        return [row.text for row in feature_rows("f.csv", text.splitlines(keepends=True), ("0", "1"))]

    assert parsed("1,0\n1,0\n0,1\n") == ["1.0,0.0", "1.0,0.0", "0.0,1.0"]
    assert parsed("0,7\n1,0\n") == ["0.0,7.0", "1.0,0.0"]
    assert parsed("0,1\n5,6\n") == ["5.0,6.0"]  # the header as it stands in the data


def test_feature_rows_matches_names_that_differ_in_case_alone_exactly() -> None:
    def parsed(text: str, features: tuple[str, ...]) -> list[str]:
        return [row.text for row in feature_rows("f.csv", text.splitlines(keepends=True), features)]

    assert parsed("a,A\n1,2\n", ("A", "a")) == ["2.0,1.0"]
    with pytest.raises(UsageError, match="several columns for a"):
        parsed("a,a,b\n1,2,3\n", ("a", "b"))


def test_what_training_takes_a_row_may_have() -> None:
    assert parse_rows("1,,True\nNaN,false,3\n") == ["1.0,,1.0", ",0.0,3.0"]
    assert parse_rows(",,\n1,2,3\n") == [",,", "1.0,2.0,3.0"]


def test_a_row_is_kept_as_it_is_written() -> None:
    lines = ["rm,MEDV,crim,zn\n", "3, 24 ,1,2\n"]
    assert [row.cells for row in feature_rows("f.csv", lines, FEATURES)] == [("3", " 24 ", "1", "2")]
    assert written_header("f.csv", lines, FEATURES) == ("rm", "MEDV", "crim", "zn")
    assert written_header("f.csv", ["1,2,3\n"], FEATURES) is None


def test_a_row_with_the_target_in_it_is_told_so() -> None:
    with pytest.raises(UsageError) as caught:
        parse_rows("24,1,2,3\n")
    assert "Leave out the target" in caught.value.problem.hint


@given(some.lists(some.tuples(*[some.floats(-3.4e38, 3.4e38)] * 3), min_size=1))
def test_parsed_csv_rows_keep_their_numbers(rows: list[tuple[float, float, float]]) -> None:
    text = "\n".join(",".join(map(repr, row)) for row in rows)
    read = [tuple(map(float, row.split(","))) for row in parse_rows(text)]
    assert read == rows
