"""Text from outside inside of markdown and CSV, where a name could become a link, a picture, a tag of HTML, a heading,
or a formula that a spreadsheet computes.
"""

from __future__ import annotations

import re

from opskit.output.printing import visible_line, visible_text

# What begins or ends something inside a line: code, emphasis, links, pictures, HTML, entities, strikethrough, formulas
# (`$`, on GitHub) and, of backslashes, themselves.
_MARKUP = re.compile(r"[\\`*_\[\]<>&~$]")
# What makes a line a heading, a list, a rule or the underline of a heading. (> is escaped wherever it stands.)
_LINE_START = re.compile(r"^([-+=#]|\d{1,9}(?=[.)]))")
# Spreadsheets compute what begins with one of these. What begins with a tab or a carriage return never gets there: in a
# cell both are written as escapes.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def markdown_cell(text: str) -> str:
    """A text for a cell of a markdown table: rendered, it is the text and nothing else."""
    # GitHub takes a | for the end of a cell even behind a backslash in code, so it is written as its number.
    return _MARKUP.sub(r"\\\g<0>", visible_line(text)).replace("|", "&#124;")


def markdown_paragraph(text: str) -> str:
    """A text as a paragraph of its own; one of several lines as a block of code, in which nothing is markup."""
    if "\n" not in text:
        return _LINE_START.sub(_escape_line_start, markdown_cell(text).strip())
    shown = visible_text(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence}\n{shown.strip(chr(10))}\n{fence}"


def csv_cell(text: str) -> str:
    """A text for a cell of a CSV file. One that a spreadsheet would compute gets an apostrophe in front, as the
    spreadsheet itself shows text; numbers stay as they are.
    """
    shown = visible_line(text)
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown


def _escape_line_start(match: re.Match[str]) -> str:
    # Behind a number the mark is escaped: a backslash before a digit would be seen.
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"
