"""Every cell of the data is read, and what a job would fail on is named with its column, line and value."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.training.rules.findings import Finding
from opskit.training.rules.model import Task
from opskit.training.rules.table_check import TableReport, check_table, split_sizes
from opskit.training.workflow import find_workflow, load_verified_data

BOSTON = find_workflow("boston")
MINE = replace(BOSTON, target="y", skip_lines=0, data_file="d.csv")
CLASSES = replace(MINE, task=Task.BINARY)
GOOD = "".join(
    f"{at},{at * 7 % 5}\n" for at in (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4)
)
"""24 rows of y and a."""


def look(text: str, **changes: object) -> TableReport:
    return check_table(replace(MINE, **changes), text.encode())  # type: ignore[arg-type]


def finding(text: str, **changes: object) -> Finding:
    (found,) = look(text, **changes).findings
    return found


@pytest.mark.parametrize(
    "text",
    [
        f"y,a\n{GOOD}",
        f"y,a\n{GOOD}".replace("\n", "\r\n"),  # as Windows writes it
        f"\ufeffy,a\n{GOOD}",
        f"y,a\n2,\n1,NaN\n3,null\n{GOOD}",  # features may be missing
        f'y,a\n"1","2"\n\n3, 4 \n{GOOD}',
        f"y,a\n1,-4.5e-10\n2,+.5\n{GOOD}",
    ],
)
def test_numbers_are_taken_as_they_are_written(text: str) -> None:
    assert look(text).findings == ()


@pytest.mark.parametrize("name", ["boston", "breast-cancer", "wine"])
def test_the_shipped_data_are_taken(name: str) -> None:
    shipped = find_workflow(name)
    assert check_table(shipped, load_verified_data(shipped)).findings == ()


@pytest.mark.parametrize(
    ("text", "code", "place", "line", "value"),
    [
        (f"y,job\n{GOOD}1,admin\n2,clerk\n", "data-not-numeric", "job", 26, "admin"),
        (f"y,a\n{GOOD}yes,1\n", "data-not-numeric", "y", 26, "yes"),
        (f"y,a\n{GOOD},1\n", "data-missing-label", "y", 26, ""),
        (f"y,a\nNaN,1\n{GOOD}", "data-missing-label", "y", 2, "NaN"),
        (f"y,a\n{GOOD}1,inf\n", "data-infinite", "a", 26, "inf"),
        (f"y,a\n{GOOD}1,1e300\n", "data-infinite", "a", 26, "1e300"),
        (f"y,a\n{GOOD}1,1_000\n", "data-not-numeric", "a", 26, "1_000"),
        (f"y,when\n{GOOD}1,2024-02-29\n", "data-date", "when", 26, "2024-02-29"),
        (f"y,when\n{GOOD}1,3/4/21\n", "data-date", "when", 26, "3/4/21"),
        (f"y,a\n{GOOD}1,True\n", "data-mixed-column", "a", 26, "True"),
        (f"y,a\n{GOOD}1,2,3\n", "data-ragged", None, 26, None),
        (f"y,a,a\n{GOOD.replace(',', ',1,')}", "data-duplicate-column", "a", 1, "a"),
        (f"y,a,b\n{GOOD}", "data-empty-column", "b", 2, ""),
        (f"y,a,\n{GOOD}", "data-empty-column", "Unnamed: 2", 2, ""),
        (GOOD, "data-no-header", None, 1, "3"),
        (f"x,a\n{GOOD}", "target-missing", "y", 1, None),
        (f"y\n{GOOD}".replace(",", ""), "data-no-features", None, 1, None),
        ("y,a\n" + "7,1\n7,2\n7,4\n" * 8, "data-constant-target", "y", 2, "7"),
        ("y,a\n1,1\n2,5\n", "data-too-small", None, 3, None),
        ("y,a\n", "data-too-small", None, 1, None),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    text: str, code: str, place: str | None, line: int, value: str | None
) -> None:
    found = finding(text)
    assert (found.code, found.file, found.place, found.line, found.value) == (code, "d.csv", place, line, value)
    assert found.message.endswith(".")


def test_words_in_the_target_lead_to_a_classifier_and_words_elsewhere_to_numbers() -> None:
    assert 'task = "binary"' in finding(f"y,a\n{GOOD}yes,1\n").hint
    assert "get_dummies" in finding(f"y,job\n{GOOD}1,admin\n").hint


def test_an_index_column_is_left_out_or_kept_by_name() -> None:
    rows = "".join(f"{at},{line}\n" for at, line in enumerate(GOOD.splitlines()))
    for header in (",y,a", "id,y,a"):
        name = header.partition(",")[0] or "Unnamed: 0"
        found = finding(f"{header}\n{rows}")
        assert (found.code, found.place, found.line, found.value) == ("data-index-column", name, 2, "0")
        assert look(f"{header}\n{rows}", ignore=(name,)).findings == ()
    assert look(f"id,y,a\n{rows}", keep=("id",)).findings == ()
    assert finding(f"id,y,a\n{rows}", ignore=("ident", "id")).code == "column-missing"


def test_true_and_false_are_one_and_zero_and_said() -> None:
    rows = "".join(f"{line},{at % 2 == 0},{at % 3 and 'FALSE'}\n" for at, line in enumerate(GOOD.splitlines()))
    report = look(f"y,a,married,owner\n{rows}")
    assert report.findings == ()
    assert report.notes == ("True and False are taken as 1 and 0 in married, owner.",)


def test_a_target_of_two_values_is_said_to_look_like_classes() -> None:
    report = look("y,a\n" + "1,3\n0,4\n1,9\n" * 8)
    assert report.findings == ()
    assert any('set task = "binary"' in note for note in report.notes)


@pytest.mark.parametrize(
    ("objective", "label", "fits"),
    [
        ("reg:logistic", "1.5", False),
        ("count:poisson", "-1", False),
        ("reg:gamma", "0", False),
        ("reg:gamma", "2", True),
    ],
)
def test_labels_that_the_objective_cannot_learn_from(objective: str, label: str, fits: bool) -> None:
    rows = "".join(f"{0.5 + at % 2 / 4},{at * 7 % 5}\n" for at in range(24))
    found = look(f"y,a\n{rows}{label},1\n", hyperparameters=(("objective", objective),)).findings
    assert [(each.code, each.line, each.value) for each in found] == ([] if fits else [("data-label-range", 26, label)])


def classes(*labels: str, repeat: int = 12, positive: str | None = None, task: Task = Task.BINARY) -> TableReport:
    rows = [f"{label},{at * 7 % 5}\n" for at, label in enumerate(labels * repeat)]
    return check_table(replace(CLASSES, positive=positive, task=task), f"y,a\n{''.join(rows)}".encode())


def test_classes_in_words_numbers_or_booleans_are_numbered_and_said() -> None:
    assert classes("yes", "no").classes == ("no", "yes")
    assert classes("yes", "no", positive="no").classes == ("yes", "no")
    assert classes("2", "10").classes == ("2", "10")
    assert classes("1", "1.0", "0").classes == ("0", "1")
    assert classes("True", "FALSE", "true", "False").classes == ("False", "True")
    assert classes("yes", "no").notes == ("The classes of y are numbered: no is 0, yes is 1.",)
    assert classes("0", "1").notes == ()


@pytest.mark.parametrize(
    ("report", "code", "line", "value"),
    [
        (classes("yes", repeat=24), "data-one-class", 2, "yes"),
        (classes("a", "b", "c"), "data-class-count", 4, "c"),
        (classes("a", "b", positive="x"), "data-class-missing", None, None),
        (classes(*["a", "b"] * 12, "c", repeat=1, task=Task.MULTICLASS), "data-class-too-small", 26, "c"),
        (classes(*map(str, range(30)), repeat=1, task=Task.MULTICLASS), "data-class-too-small", 2, "0"),
    ],
)
def test_classes_that_cannot_be_told_apart(report: TableReport, code: str, line: int | None, value: str | None) -> None:
    (found,) = report.findings
    assert (found.code, found.line, found.value) == (code, line, value)


def test_lines_above_the_header_count() -> None:
    assert finding(f"Boston\nfrom 1978\ny,a\n{GOOD}1,x\n", skip_lines=2).line == 28
    assert finding(f"Boston\n\n\nb,a\n{GOOD}", skip_lines=1).line == 4


@pytest.mark.parametrize("more", ["", "1,2\n" * 60_000])
def test_a_quote_that_is_not_closed_is_told_where_it_opens(more: str) -> None:
    wrong = finding(f'y,a\n{GOOD}1,"2\n{GOOD}{more}')
    assert (wrong.code, wrong.value) == ("data-not-csv", None)
    assert "opens in line 26" in wrong.message
    assert look(f'y,a\n{GOOD}1,"\n2"\n').findings == ()


def test_text_in_another_encoding_is_named() -> None:
    (found,) = check_table(MINE, f"y,a\n{GOOD}".encode() + b"1,caf\xe9\n").findings
    assert (found.code, found.line, found.value) == ("data-not-utf8", 26, "0xe9")
    assert "iconv -f WINDOWS-1252" in found.hint


@pytest.mark.parametrize(("mark", "told"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_values_that_commas_do_not_separate_are_told_by_what_does(mark: str, told: str) -> None:
    (found,) = check_table(MINE, f"y,a\n{GOOD}".replace(",", mark).encode()).findings
    assert found.message.endswith(f"Its values seem to be separated by {told}, not by commas.")
    assert found.hint == "Save it with commas between the values, and numbers with a decimal point."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(b"y,a\n1,2\n", mtime=0), "compressed with gzip"),
        (b"PK\x03\x04more", "Excel"),
        ("y,a\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"PAR1more", "Parquet"),
        (b"", "it is empty"),
        (b"\xef\xbb\xbf", "it is empty"),
        (b"\n\n", "it is empty"),
        (b"<!DOCTYPE html>\n", "looks like HTML"),
        (b'[{"y": 1}]\n', "looks like JSON"),
    ],
)
def test_what_is_no_csv_is_called_what_it_is(content: bytes, says: str) -> None:
    (found,) = check_table(MINE, content).findings
    assert says in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ('"1,234.5"', "thousands separators"),
        ('"1.234,5"', "decimal point"),
        ("1\u00a0234", "thousands separators"),
        ("$12", "currencies"),
        ("12 €", "currencies"),
        ("7%", "percent"),
        ("?", "empty"),
        ("Unknown", "empty"),
        ("red", "get_dummies"),
        ("12km", "get_dummies"),
        ("2024-02-29", "days since"),
    ],
)
def test_the_hint_is_for_what_is_in_the_cell(cell: str, says: str) -> None:
    assert says in finding(f"y,a\n{GOOD}1,{cell}\n").hint


def test_a_title_above_the_header_is_told_how_to_skip() -> None:
    found = finding(f"# made by R\n\ny,a\n{GOOD}")
    assert (found.code, found.hint.split(":")[0]) == ("target-missing", "Line 3 has it")
    assert "--skip-lines 2" in found.hint
    assert look(f"# made by R\n\ny,a\n{GOOD}", skip_lines=2).findings == ()


@pytest.mark.parametrize("order", [list(range(24)), list(range(123, 99, -1)), [at * 7 % 24 + 5 for at in range(24)]])
def test_an_index_is_found_in_any_order(order: list[int]) -> None:
    rows = zip(order, GOOD.splitlines(), strict=True)
    found = finding("y,a,row\n" + "".join(f"{row},{number}\n" for number, row in rows))
    assert (found.code, found.place, found.line) == ("data-index-column", "row", 2)


def test_what_may_only_name_the_rows_is_said() -> None:
    rows = list(zip([at * 7 % 97 for at in range(24)], GOOD.splitlines(), strict=True))
    for name, is_told in (
        ("id", True),
        ("customer_id", True),
        ("CustomerID", True),
        ("height", False),
        ("paid", False),
    ):
        report = look(f"y,a,{name}\n" + "".join(f"{row},{number}\n" for number, row in rows))
        assert report.findings == ()
        assert any("only names the rows" in note for note in report.notes) is is_told, name
    assert look("y,a,id\n" + "".join(f"{row},{at}\n" for at, row in rows), keep=("id",)).notes == ()


def test_a_positive_class_without_two_classes_is_refused() -> None:
    assert finding(f"y,a\n{GOOD}", positive="1").code == "data-positive-unused"


@given(st.binary(max_size=200))
def test_no_data_are_too_odd(content: bytes) -> None:
    for workflow in (MINE, CLASSES):
        assert all(found.file == "d.csv" for found in check_table(workflow, b"y,a\n" + content).findings)


@given(st.integers(20, 5000), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_the_sizes_of_the_parts_add_up(rows: int, test: float, validation: float) -> None:
    split = replace(MINE.split, test=test, validation=validation)
    assert sum(split_sizes(rows, replace(MINE, split=split))) == rows
