"""What a cell of the target is called as a class."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.training.rules.table_cells import class_name


@pytest.mark.parametrize(
    ("cell", "name"),
    [("1", "1"), ("1.0", "1"), ("01", "1"), (" 1 ", "1"), ("-0", "0"), ("0.5", "0.5"), ("1234562", "1234562"),
     ("1700000759", "1700000759"), ("0.12345672", "0.12345672"), ("9007199254740993", "9007199254740993")],
)  # fmt: skip
def test_class_name_writes_a_number_in_full(cell: str, name: str) -> None:
    assert class_name(cell) == name


@given(st.integers(-(10**14), 10**14), st.integers(-(10**14), 10**14))
def test_class_name_keeps_numbers_apart(one: int, other: int) -> None:
    assert (class_name(str(one)) == class_name(f"{other}.0")) is (one == other)
