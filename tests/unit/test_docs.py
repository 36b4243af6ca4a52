"""The pages that the code writes say what it says now, and leave nothing out; and what the pages that people write name
is there: files, links, and commands that parse.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from opskit.access.rules.permissions import API_CALLS
from opskit.cli.command_tree import load_all
from opskit.core.settings import load_settings
from opskit.increases.rules.channel import Channel
from opskit.notebooks.rules.enums import EvidenceSource

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = runpy.run_path(str(DOCS / "generate.py"))
PAGES: dict[str, str] = GENERATED["pages"]()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_the_code_writes_it(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "Run `make docs`."


@pytest.mark.parametrize("command", API_CALLS)
@pytest.mark.parametrize("page", ["commands.md", "iam.md"])
def test_every_command_has_its_place(page: str, command: str) -> None:
    place = PAGES[page].partition(f"## opskit {command}\n")[2].partition("\n## ")[0]
    assert place.strip()


def test_every_flag_says_what_it_is_for() -> None:
    rows = [line for line in PAGES["commands.md"].splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |") and "--" in row] == []


def test_the_example_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / "opskit.toml"
    file.write_text(GENERATED["_EXAMPLE"])
    assert len(load_settings({}, file, {}).get("watch")) == 2


def test_every_command_has_a_man_page() -> None:
    names = {name.removeprefix("man/") for name in PAGES if name.startswith("man/")}
    assert names == {"opskit.1", *(f"opskit-{command.replace(' ', '-')}.1" for command in API_CALLS)}
    assert {path.name for path in (DOCS / "man").iterdir()} == names  # none of a command that is gone


@pytest.mark.skipif(shutil.which("groff") is None, reason="there is no groff")
def test_groff_finds_nothing_wrong_with_a_man_page(tmp_path: Path) -> None:
    pages = [str(path) for path in sorted((DOCS / "man").iterdir())]
    ran = subprocess.run(["groff", "-man", "-Tascii", "-ww", *pages], capture_output=True, text=True, check=True)
    assert not ran.stderr
    assert "opskit quotas check" in ran.stdout


READ_BY_PEOPLE = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])
# Versions say what there was, also of files and commands that are gone.
OF_TODAY = [name for name in READ_BY_PEOPLE if name != "CHANGELOG.md"]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_SOURCE_FILE = re.compile(r"[\w.*-]+\.(py|md|csv|svg|toml|ya?ml|json|txt)")
_OF_USERS = {"opskit/opskit.toml"}
"""A path of the users' files that begins like one of this repository."""


def page_text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fenced_blocks(text: str) -> Iterator[tuple[str, str]]:
    """The language and the text of each fenced or indented block."""
    for match in _FENCE.finditer(text):
        yield match[2], match[3]
    for line in re.findall(r"^    (opskit .*)$", _FENCE.sub("", text), re.MULTILINE):
        yield "", line


def code_spans(text: str) -> list[str]:
    """What stands between backquotes in the text outside blocks, also where a line ends in it."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", _FENCE.sub("", text))]


def heading_anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def repository_paths() -> set[str]:
    """Every file and folder of the checkout, by its path from the root, folders with a slash at the end."""
    found: set[str] = set()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith((".venv", ".git", "__pycache__", ".mypy"))]
        at = Path(folder).relative_to(ROOT)
        found |= {(at / name).as_posix() for name in files} | {f"{(at / name).as_posix()}/" for name in folders}
    return found


PATHS = repository_paths()
_TOP_FOLDERS = {path.partition("/")[0] for path in PATHS if "/" in path}


def is_path(span: str) -> bool:
    """Whether a code span names a file or folder of this repository: it begins with one of its folders, or it is a
    source file's name. Words in capitals are placeholders.
    """
    if not re.fullmatch(r"\.?[\w*][\w.*/-]*", span) or re.search(r"\b[A-Z]+(/|$)", span) or span in _OF_USERS:
        return False
    first, slash, rest = span.partition("/")
    return bool(slash and first in _TOP_FOLDERS) or bool(
        _SOURCE_FILE.fullmatch(span.rpartition("/")[2]) and (rest or span.endswith(".py"))
    )


def is_there(span: str) -> bool:
    """Whether a path, from the root or from any folder, is there. A star stands for any text."""
    wanted = re.escape(span.rstrip("/")).replace(r"\*", "[^/]*")
    pattern = re.compile(f"(.*/)?{wanted}/?")
    return any(pattern.fullmatch(path) for path in PATHS)


@pytest.mark.parametrize("page", OF_TODAY)
def test_a_file_that_a_page_names_is_there(page: str) -> None:
    assert [span for span in code_spans(page_text(page)) if is_path(span) and not is_there(span)] == []


def test_a_file_that_is_not_there_is_noticed() -> None:
    spans = code_spans("In `opskit/core/workload.py` or `rules/plam.py`, not `NAME/cli.py`, `a/b` or `houses.csv`.")
    assert [span for span in spans if is_path(span)] == ["opskit/core/workload.py", "rules/plam.py"]
    assert not any(is_there(span) for span in spans)
    assert is_there("core/workloads.py")
    assert is_there("tests/unit/*/test_command_tree.py")


@pytest.mark.parametrize("page", READ_BY_PEOPLE)
def test_a_link_leads_somewhere(page: str) -> None:
    text = page_text(page)
    for link in re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        assert not anchor or anchor in heading_anchors(target.read_text(encoding="utf-8")), link


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, new = set(), {"README.md"}
    while new:
        reached |= new
        links = {
            os.path.normpath(Path(page).parent / link.partition("#")[0])
            for page in new
            for link in re.findall(r"\]\(([^)\s:#]+\.md[^)\s]*)\)", page_text(page))
        }
        new = links - reached
    assert set(READ_BY_PEOPLE) - reached <= {"CHANGELOG.md"}


def list_items(text: str) -> list[str]:
    """The items of a page's lists, each with the lines that belong to it."""
    return re.findall(r"^(?:\d+\.|-) .*\n(?: +.*\n)*", _FENCE.sub("", text), re.MULTILINE)


def unknown_names(item: str) -> list[str]:
    """The names of Python's that an item of a list names and that are in none of the modules it names with them."""
    spans = code_spans(item)
    modules = [ROOT / span for span in spans if span.endswith(".py") and (ROOT / span).is_file()]
    sources = [module.read_text(encoding="utf-8") for module in modules]
    names = [span for span in spans if re.fullmatch(r"_?[A-Z]+(_[A-Z]+)+|_?[a-z]+(_[a-z]+)+|([A-Z][a-z]+){2,}", span)]
    return [name for name in names if sources and not any(re.search(rf"\b{name}\b", text) for text in sources)]


def test_what_contributing_tells_to_change_is_in_the_file_it_names() -> None:
    items = list_items(page_text("CONTRIBUTING.md"))
    assert [name for item in items for name in unknown_names(item)] == []
    assert sum(".py" in item for item in items) > 20


def test_a_name_that_is_not_in_the_file_is_noticed() -> None:
    (item,) = list_items("1. Add it to `WORKLOAD_TABLE`,\n   after `WorkloadSpec`, in `opskit/core/workloads.py`.\n")
    assert unknown_names(item) == ["WORKLOAD_TABLE"]


def _commands() -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}

    def walk(command: Any, path: tuple[str, ...]) -> None:
        found[path] = command
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*path, name))

    walk(typer.main.get_command(load_all()), ())
    return found


COMMANDS = _commands()


def opskit_lines(text: str) -> Iterator[list[str]]:
    """The words behind each ``opskit`` in shell text, up to the end of that command. Where a command stands for any, as
    three dots say, it is no command line.
    """
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if "opskit " not in line:
            continue
        lexer = shlex.shlex(re.sub(r"\d>(&\d)?", ">", line), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # an apostrophe in what a command prints
            words = line.split()
        for start, word in enumerate(words):
            is_value = words[start - 1 : start] == ["-t"]  # the name of an image, for docker
            if not is_value and (word == "opskit" or word.endswith("/bin/opskit")):
                rest = words[start + 1 :]
                end = next((at for at, each in enumerate(rest) if re.fullmatch(r"[|>&;()<]+", each)), len(rest))
                if rest[:end] and not {"…", "..."} & set(rest[:end]):
                    yield rest[:end]


def refusal(words: list[str], *, whole: bool) -> str:
    """Why a command line does not parse; nothing if it does. One that is not ``whole`` may lack arguments."""
    path = next((tuple(words[:count]) for count in (2, 1) if tuple(words[:count]) in COMMANDS), ())
    if not path:
        return "" if words[0] in ("--version", "--help", "-V", "-h") else f"there is no command {words[0]}"
    rest = words[len(path) :]
    if hasattr(COMMANDS[path], "commands"):
        return f"a command of {path[0]} is missing" if whole or rest else ""
    try:
        COMMANDS[path].make_context(" ".join(path), [re.sub(r"^N$", "1", word) for word in rest])
    except Exception as error:
        return "" if type(error).__name__ == "MissingParameter" and not whole else repr(error)
    return ""


@pytest.mark.parametrize("page", OF_TODAY)
def test_a_command_line_in_a_block_parses(page: str) -> None:
    for language, block in fenced_blocks(page_text(page)):
        if language not in ("toml", "json", "python", "jsonc"):
            for words in opskit_lines(block):
                assert not refusal(words, whole=True), " ".join(words)


@pytest.mark.parametrize("page", OF_TODAY)
def test_a_command_that_the_text_names_is_there(page: str) -> None:
    for span in code_spans(page_text(page)):
        for words in opskit_lines(span) if span.startswith("opskit ") else ():
            assert not refusal(words, whole=False), span


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("opskit train boston 2>&1 | opskit quotas explain -", ""),
        ("$ opskit sandbox run --port 5000 -- opskit quotas check --need 2  # twice", ""),
        ("opskit quotas chek", "a command of quotas is missing"),
        ("opskit train boston --max-eur 1", "NoSuchOption"),
        ("opskit sandbox run -- opskit quotas check --need two", "BadParameter"),
        ("opskit keep", "there is no command keep"),
        ("opskit predict", "MissingParameter"),
    ],
)
def test_a_command_line_that_does_not_parse_is_noticed(line: str, told: str) -> None:
    refused = [text for words in opskit_lines(line) if (text := refusal(words, whole=True))]
    assert [text.partition("(")[0] for text in refused] == [told] * bool(told)


@pytest.mark.parametrize(
    ("page", "row", "choices"),
    [
        ("quotas.md", "| `{}`", [*Channel]),
        ("notebooks.md", "--evidence {}", [each for each in EvidenceSource if each is not EvidenceSource.JUPYTER]),
    ],
    ids=["--via", "--evidence, but the default"],
)
def test_docs_say_of_every_choice_what_it_does(page: str, row: str, choices: Iterable[str]) -> None:
    """A channel or a source of evidence that is added is described where the others are."""
    text = (ROOT / "docs" / page).read_text()
    missing = [row.format(choice) for choice in choices if row.format(choice) not in text]
    assert missing == [], f"say in docs/{page} what each of them does"
