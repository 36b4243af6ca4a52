"""What a built-in algorithm cannot learn from, found in the data before anything is paid for."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.csv_rows import UTF8_HINT, first_foreign_byte, foreign_format
from opskit.training.rules.findings import Finding
from opskit.training.rules.model import Task, Workflow
from opskit.training.rules.table_cells import CellKind, class_name, classify_cell
from opskit.training.rules.table_facts import (
    ColumnFacts,
    FirstCell,
    TableFacts,
    feature_columns,
    ordered_classes,
    read_facts,
)

# With fewer rows than this the test set holds so few that its score says nothing.
_FEWEST_ROWS = 20
_SHOWN_CLASSES = 6
_NUMBERS_HINT = (
    "The built-in algorithms read numbers only: write words as numbers or one column each (pandas: get_dummies), a "
    "date as days since another, or leave the column out with data.ignore."
)
_MARKED_HINT = "Write numbers without thousands separators, signs of currencies or percent, and with a decimal point."
_UNKNOWN_HINT = "Leave a cell empty where the value is not known."
# 1,234.5 and 1 234,5 and $12 and 7 %; and what people write for no value.
_MARKED_NUMBER = re.compile(r"[-+]?\s*[^\w\s.,']?\s*[-+]?\d[\d.,'\s]*[^\w.,']?")
_NO_VALUE = ("?", "-", "--", "missing", "n/s", "nil", "unknown")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LABEL_HINT = "Leave out rows without a label."


@dataclass(frozen=True)
class TableReport:
    """What was found in the data: what is wrong, and what people should know (``notes``). ``facts`` None: it could not
    be read as a table. ``classes`` are in the order of their numbers; empty in a regression.
    """

    facts: TableFacts | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def check_table(workflow: Workflow, content: bytes) -> TableReport:
    """Read the whole table and report what is wrong with it. Missing features are allowed."""
    if foreign := foreign_format(content):
        return _refused(workflow, "data-not-csv", f"it is {foreign[0]}, not CSV.", foreign[1])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = first_foreign_byte(error)
        text = f"it is not UTF-8 text (byte {byte})."
        return _refused(workflow, "data-not-utf8", text, UTF8_HINT, line=line, value=byte)
    try:
        facts = read_facts(workflow, text)
    except csv.Error as error:
        return _refused(workflow, "data-not-csv", f"it is not CSV: {error}.")
    wrong = [*_check_shape(workflow, facts)]
    target = facts.column(workflow.target)
    if wrong or target is None:
        return TableReport(facts, tuple(wrong))
    found = [
        *(finding for column in facts.columns if column is not target for finding in _check_feature(workflow, column)),
        *_check_target(workflow, facts, target),
    ]
    found += _check_rows(workflow, facts)
    # A class is counted only where all labels are what they should be.
    found += [] if found or not workflow.task.has_classes else _check_class_sizes(workflow, facts, target)
    classes = ordered_classes(target.classes, workflow.positive) if workflow.task.has_classes else ()
    return TableReport(facts, tuple(found), tuple(_table_notes(workflow, facts, target, classes)), classes)


def _refused(
    workflow: Workflow, code: str, message: str, hint: str = "", *, line: int | None = None, value: str | None = None
) -> TableReport:
    return TableReport(findings=(Finding(code, workflow.data_file, message, hint, line=line, value=value),))


def _at(workflow: Workflow, code: str, column: str, seen: FirstCell | None, message: str, hint: str = "") -> Finding:
    """A finding in a column, at the first cell it holds for."""
    line, value = (seen.line, seen.value) if seen else (None, None)
    return Finding(code, workflow.data_file, message, hint, column, line, value)


def _check_shape(workflow: Workflow, facts: TableFacts) -> Iterator[Finding]:
    """Header, columns and the lengths of rows."""
    header_line = facts.header_line or workflow.skip_lines + 1
    if workflow.target not in facts.names:
        yield missing_target(workflow, facts, header_line)
        return
    if workflow.target in workflow.ignore:
        yield _at(workflow, "target-ignored", workflow.target, None, "it is the target, and in data.ignore.")
    for name, count in Counter(facts.names).items():
        if count > 1:
            seen = FirstCell(header_line, name)
            yield _at(workflow, "data-duplicate-column", name, seen, f"{count} columns have this name.", "Rename them.")
    for name in (*workflow.ignore, *workflow.keep):
        if name not in facts.names:
            text = "data.ignore or data.keep names it, and there is no such column."
            yield _at(workflow, "column-missing", name, None, text, f"It has: {', '.join(facts.names)}.")
    if not feature_columns(workflow, facts.names):
        yield Finding("data-no-features", workflow.data_file, "it has no column besides the target.", line=header_line)
    for row in facts.ragged[:1]:
        text = f"the row has {row.cells} values, the header {len(facts.names)}; {len(facts.ragged)} in all."
        yield Finding("data-ragged", workflow.data_file, text, "A text with a comma goes in quotes.", line=row.line)


def missing_target(workflow: Workflow, facts: TableFacts, line: int) -> Finding:
    """The finding about a table whose header, in this line, lacks the target, with what seems to be the reason."""
    if not facts.names:
        return Finding("data-too-small", workflow.data_file, "it is empty.", "Bring rows below a header.")
    if all(classify_cell(name).is_number for name in facts.names):
        text = f"it has no header: line {line} holds numbers only."
        hint = "Put the names of the columns above them; data.skip_lines skips what stands above the header."
        return Finding("data-no-header", workflow.data_file, text, hint, line=line, value=facts.names[0])
    text = f"it has no column '{workflow.target}'.{_suspected_format(facts)}"
    hint = f"It has: {', '.join(facts.names)}."
    if _foreign_separator(facts):
        hint = "Save it with commas between the values, and numbers with a decimal point."
    if facts.target_line:
        above = facts.target_line - 1
        hint = f"Line {facts.target_line} has it: data.skip_lines = {above} (--skip-lines {above}) skips what is above."
    return Finding("target-missing", workflow.data_file, text, hint, workflow.target, line)


def _suspected_format(facts: TableFacts) -> str:
    """What a header of one cell looks like, if not like CSV."""
    first = facts.names[0]
    if first.startswith("<"):
        return " It looks like HTML or XML."
    if first.startswith(("{", "[")):
        return " It looks like JSON."
    if separator := _foreign_separator(facts):
        return f" Its values seem to be separated by {separator}, not by commas."
    return ""


def _foreign_separator(facts: TableFacts) -> str:
    """What a header of one cell seems to be separated by instead of commas; empty: nothing."""
    first, *more = facts.names
    return "" if more else next((word for mark, word in _SEPARATORS.items() if mark in first), "")


def _check_feature(workflow: Workflow, column: ColumnFacts) -> Iterator[Finding]:
    yield from _check_numbers(workflow, column)
    if column.is_empty:
        text = "no row has a value in it, so there is nothing to learn from it."
        yield _at(
            workflow, "data-empty-column", column.name, column.first[CellKind.MISSING], text, _leave_out_hint(column)
        )
    elif column.is_index and column.name not in workflow.keep:
        text = "it numbers the rows, so it is an index and no feature."
        hint = (
            f"{_leave_out_hint(column)} In pandas: to_csv(index=False). If it is meant as a feature: "
            f"data.keep = ['{column.name}']."
        )
        yield _at(workflow, "data-index-column", column.name, column.first[CellKind.NUMBER], text, hint)
    elif column.name.startswith("Unnamed: "):
        seen = next(iter(column.first.values()), None)
        yield _at(workflow, "data-unnamed-column", column.name, seen, "the column has no name.", "Give it one.")


def _leave_out_hint(column: ColumnFacts) -> str:
    return f"Leave it out: data.ignore = ['{column.name}']."


def _check_numbers(workflow: Workflow, column: ColumnFacts) -> Iterator[Finding]:
    """What in a column is neither a number nor True and False."""
    for kind, told in _NOT_NUMBERS.items():
        if told and (seen := column.first.get(kind)):
            code, says = told
            text = f"it holds '{seen.value[:40]}', {says}.{_more_rows_text(column.counts[kind] - 1)}"
            yield _at(workflow, code, column.name, seen, text, _number_hint(seen.value))
    odd = column.odd_number
    if odd and (seen := column.first.get(CellKind.BOOLEAN)):
        text = f"it holds '{seen.value}' here and numbers such as {odd.value} elsewhere (line {odd.line})."
        yield _at(workflow, "data-mixed-column", column.name, seen, text, "Write one or the other.")


def _number_hint(value: str) -> str:
    """How a value becomes a number."""
    if value.lower() in _NO_VALUE:
        return _UNKNOWN_HINT
    return _MARKED_HINT if _MARKED_NUMBER.fullmatch(value) else _NUMBERS_HINT


# What is said of a cell among numbers, the first kind first; None: it may be there, or is told in a place of its own.
_NOT_NUMBERS: Mapping[CellKind, tuple[str, str] | None] = {
    CellKind.WORD: ("data-not-numeric", "which is not a number"),
    CellKind.DATE: ("data-date", "a date, which is not a number"),
    CellKind.INFINITE: ("data-infinite", "which is not a finite 32-bit number"),
    CellKind.NUMBER: None,
    CellKind.BOOLEAN: None,
    CellKind.MISSING: None,
}


def _more_rows_text(more: int) -> str:
    """In how many more rows it is so."""
    return f" {more} more {'row is' if more == 1 else 'rows are'} like it." if more else ""


def _check_target(workflow: Workflow, facts: TableFacts, target: ColumnFacts) -> Iterator[Finding]:
    if seen := target.first.get(CellKind.MISSING):
        text = f"it is the target and has no value.{_more_rows_text(target.counts[CellKind.MISSING] - 1)}"
        yield _at(workflow, "data-missing-label", target.name, seen, text, _LABEL_HINT)
    match workflow.task:
        case Task.REGRESSION:
            yield from _check_regression_target(workflow, facts, target)
            yield from _unused_positive(workflow)
        case Task.BINARY:
            yield from _check_classes(workflow, target)
            yield from _check_two_classes(workflow, target, ordered_classes(target.classes, workflow.positive))
        case Task.MULTICLASS:
            yield from _check_classes(workflow, target)
            yield from _unused_positive(workflow)


def _unused_positive(workflow: Workflow) -> Iterator[Finding]:
    if workflow.positive is not None:
        text = f"data.positive names the class that counts as 1, and task = '{workflow.task}' has none."
        yield _at(workflow, "data-positive-unused", workflow.target, None, text, "Leave data.positive out.")


def _check_regression_target(workflow: Workflow, facts: TableFacts, target: ColumnFacts) -> Iterator[Finding]:
    wrong = list(_check_numbers(workflow, target))
    for finding in wrong:
        hint = finding.hint
        if finding.code == "data-not-numeric" and hint == _NUMBERS_HINT:
            hint = 'A regression predicts numbers. Labels in words are classes: set task = "binary" or "multiclass".'
        yield Finding(finding.code, finding.file, finding.message, hint, finding.place, finding.line, finding.value)
    if wrong:
        return
    if len(target.classes) == 1 and facts.rows > 1:
        seen = next(iter(target.class_lines.values()))
        text = f"it is the target and holds {seen.value} in every row: there is nothing to learn."
        yield _at(workflow, "data-constant-target", target.name, seen, text)
    allowed = algorithm_of(workflow).label_range(workflow)
    for seen in {low.line: low for low in (target.low, target.high) if low}.values():
        if allowed is not None and float(seen.value) not in allowed:
            objective = dict(workflow.hyperparameters).get("objective", "")
            text = f"the label {seen.value} cannot be learnt with {objective}: labels are {allowed}."
            yield _at(workflow, "data-label-range", target.name, seen, text, "Choose another objective.")


def _check_classes(workflow: Workflow, target: ColumnFacts) -> Iterator[Finding]:
    for kind, told in _NOT_NUMBERS.items():
        if told and not kind.may_name_class and (seen := target.first.get(kind)):
            code, says = told
            yield _at(workflow, code, target.name, seen, f"it holds '{seen.value[:40]}', {says}, as a class.")
    names = ordered_classes(target.classes, workflow.positive)
    if len(names) == 1:
        seen = target.class_lines[names[0]]
        text = f"it is the target and holds one class, '{names[0]}': there is nothing to tell apart."
        yield _at(workflow, "data-one-class", target.name, seen, text)


def _check_two_classes(workflow: Workflow, target: ColumnFacts, names: tuple[str, ...]) -> Iterator[Finding]:
    if len(names) > 2:
        third = sorted(target.class_lines.values(), key=lambda seen: seen.line)[2]
        text = f"it holds {len(names)} classes ({_shown_classes(names)}), and task = 'binary' has two."
        settings = algorithm_of(workflow).objective_for[Task.MULTICLASS]
        chosen = ", ".join(f'{name} = "{value}"' for name, value in settings.items())
        hint = f'Set task = "multiclass", with {chosen} and the number of classes.'
        yield _at(workflow, "data-class-count", target.name, third, text, hint)
    if workflow.positive is not None and class_name(workflow.positive) not in names:
        text = f"data.positive is '{workflow.positive}', and no row has it. The classes are {_shown_classes(names)}."
        yield _at(workflow, "data-class-missing", target.name, None, text)


def _check_rows(workflow: Workflow, facts: TableFacts) -> Iterator[Finding]:
    """Whether there are enough rows to split."""
    last = FirstCell(facts.last_line, "")
    if facts.rows < _FEWEST_ROWS:
        text = f"it has {facts.rows} rows. With fewer than {_FEWEST_ROWS} the scores say nothing."
        yield Finding("data-too-small", workflow.data_file, text, "Bring more rows.", line=last.line or None)
        return
    parts = split_sizes(facts.rows, workflow)
    if min(parts) < 2:
        text = f"its {facts.rows} rows are split into {parts[0]}, {parts[1]} and {parts[2]}: each part needs two rows."
        yield Finding("data-too-small", workflow.data_file, text, "Change split.test and split.validation.")


def _check_class_sizes(workflow: Workflow, facts: TableFacts, target: ColumnFacts) -> Iterator[Finding]:
    small = [
        name
        for name in ordered_classes(target.classes, None)
        if not _is_in_each(target.classes[name], facts.rows, workflow)
    ]
    if small:
        name = small[0]
        count, seen = target.classes[name], target.class_lines[name]
        also = f" So is it with {len(small) - 1} more of {len(target.classes)} values." if len(small) > 1 else ""
        text = (
            f"the class '{name}' has {count} {'row' if count == 1 else 'rows'}, too few to be in the training, "
            f"validation and test set.{also}"
        )
        hint = "Bring more rows of it, or join rare classes. A target with very many values is a regression."
        yield _at(workflow, "data-class-too-small", target.name, seen, text, hint)


def split_sizes(rows: int, workflow: Workflow) -> tuple[int, int, int]:
    """The rows of the training, validation and test set, as scikit-learn rounds them."""
    test = math.ceil(rows * workflow.split.test)
    validation = math.ceil((rows - test) * workflow.split.validation)
    return rows - test - validation, validation, test


def _is_in_each(count: int, rows: int, workflow: Workflow) -> bool:
    """Whether a stratified split surely puts a row of a class into each part: it rounds each part's share of the class
    down or up.
    """
    train, validation, test = split_sizes(rows, workflow)
    rest = count - math.ceil(count * test / rows)
    share = rest / (rows - test)
    return count * test >= rows and rest > 0 and share * validation >= 1 and share * train >= 1


def _shown_classes(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN_CLASSES} more" if len(names) > _SHOWN_CLASSES else ""
    return ", ".join(names[:_SHOWN_CLASSES]) + more


def _table_notes(workflow: Workflow, facts: TableFacts, target: ColumnFacts, classes: tuple[str, ...]) -> Iterator[str]:
    features = [column for column in facts.columns if column is not target]
    booleans = [column.name for column in features if column.counts[CellKind.BOOLEAN]]
    if booleans:
        yield f"True and False are taken as 1 and 0 in {', '.join(booleans)}."
    for column in features:
        if column.may_be_identifier and column.name not in workflow.keep:
            yield f"Every row has another {column.name}. If it only names the rows, leave it out with data.ignore."
    if classes and list(classes) != [str(number) for number in range(len(classes))]:
        numbered = ", ".join(f"{name} is {number}" for number, name in enumerate(classes[:_SHOWN_CLASSES]))
        yield f"The classes of {target.name} are numbered: {numbered}{' …' if len(classes) > _SHOWN_CLASSES else ''}."
    if not workflow.task.has_classes:
        if target.counts[CellKind.BOOLEAN]:
            yield f"True and False are taken as 1 and 0 in {target.name}, which is the target."
        if len(target.classes) == 2:
            yield f'{target.name} has two values only. For a classifier set task = "binary".'
