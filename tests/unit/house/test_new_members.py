"""A member that is added to an enumeration makes lint or a unit test fail wherever something would be done with it.

In a copy of the package each enumeration gets one more member. Then mypy and the check of tables are run on the copy,
as lint and the unit tests run them, and everything that chooses among members has to be named.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.enumerations import Enumeration, find_enumerations, statements
from tools.whole_tables import find_modules, find_tables, own_namespaces

ROOT = Path(__file__).parents[3]
NEW = "NEW_MEMBER"
NEW_LAST = rf"(?:.*, )?{NEW}"
"""The new member where a table lacks it, after others that it may lack too."""
CHOSEN_BY_NOBODY = {
    "IdleRule": "told to people and programs as it is",
    "InstanceClass": "types of one class are alike, whichever it is",
    "PriceComponent": "the word that the price list is searched for",
    "StoragePrice": "the same, of a volume",
    "Shell": "Typer completes in each; a test runs them all",
    "ScenarioName": "the words of a flag; a test holds them against the scenarios",
    "LagChoice": "the words of a flag; a test holds them against the sandbox's",
    "RateChoice": "the words of a flag; a test holds them against the sandbox's",
}
"""Enumerations over whose members nothing is chosen, so that a new one does no harm, and why."""


UNIONS = {
    "NotebookActivity": (
        "opskit/notebooks/rules/evidence.py",
        {
            *("opskit/notebooks/rules/evidence.py", "opskit/notebooks/rules/idleness.py"),
            "opskit/notebooks/render/stop.py",
        },
    ),
    "IncreaseStep": (
        "opskit/increases/rules/increase.py",
        {"opskit/increases/flows/submit.py", "opskit/increases/rules/increase.py"},
    ),
    "QuotaLookup": (
        "opskit/core/model.py",
        {
            *("opskit/core/model.py", "opskit/guards/rules/call_verdict.py", "opskit/increases/rules/plan.py"),
            *("opskit/increases/rules/waiting.py", "opskit/quotas/rules/headroom.py"),
        },
    ),
    "JobAction": (
        "opskit/training/rules/job_names.py",
        {
            *("opskit/training/flows/plan.py", "opskit/training/flows/train.py"),
            *("opskit/training/render/progress.py", "opskit/training/render/train.py"),
        },
    ),
    "RunEvent": ("opskit/training/events.py", {"opskit/training/events.py", "opskit/training/render/progress.py"}),
    "SeenNotebook": ("opskit/history/rules.py", {"opskit/history/rules.py"}),
    "BilledPart": (
        "opskit/inventory/rules/running_resource.py",
        {"opskit/inventory/rules/running_resource.py", "opskit/inventory/rules/prices.py"},
    ),
    "InsideEvidence": ("opskit/notebooks/rules/evidence.py", {"opskit/notebooks/rules/inside_verdict.py"}),
    "Seed": ("opskit/sandbox/scenarios.py", {"opskit/sandbox/scenarios.py"}),
}
"""Unions of classes, each with the module it is in and where its classes are told apart."""


@dataclass(frozen=True)
class Choice:
    """A ``match`` over members of an enumeration."""

    path: str
    first_line: int
    last_line: int
    enumeration: str


@dataclass(frozen=True)
class ChangedHouse:
    """The copy with one more member everywhere, and what is said of it."""

    root: Path
    enumerations: list[Enumeration]
    choices: list[Choice]
    mypy: str
    tables: str

    def refused_lines(self, path: str) -> list[int]:
        """The lines of a file for which mypy says that the new member is not handled."""
        found = re.findall(rf"^{re.escape(path)}:(\d+): error: .*{NEW}", self.mypy, re.MULTILINE)
        return [int(line) for line in found]


@pytest.fixture(scope="module")
def changed_house(tmp_path_factory: pytest.TempPathFactory) -> ChangedHouse:
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "opskit", root / "opskit")  # with what is compiled, which stays true of what is not changed
    # The other modules have no enumeration and choose nothing; to parse all of opskit takes most of a second.
    texts = {path: path.read_text(encoding="utf-8") for path in sorted((root / "opskit").rglob("*.py"))}
    sources = {path: ast.parse(text) for path, text in texts.items() if re.search(r"Enum\b|^\s*match ", text, re.M)}
    enumerations = find_enumerations(sources)
    for path in {each.path for each in enumerations}:
        add_members(path, sources[path], {each.name for each in enumerations if each.path == path})
    for union, (file, _) in UNIONS.items():
        add_class(root / file, union)
    for path in {each.path for each in enumerations}.union(root / file for file, _ in UNIONS.values()):
        sources[path] = ast.parse(path.read_text())
    names = {enumeration.name for enumeration in enumerations}
    choices = [
        Choice(path.relative_to(root).as_posix(), node.lineno, node.end_lineno or node.lineno, chosen)
        for path, tree in sources.items()
        for node in statements(tree)
        if isinstance(node, ast.Match) and (chosen := next(named_enumerations(node, names), None))
    ]
    # Without what others' packages say of their types this takes a quarter of the time, and finds the same. So does a
    # look at the modules that choose: of the others mypy only reads what they declare. What it finds out is kept,
    # for a next run to look at what has changed, in one second instead of five.
    options = [
        "--config-file=",
        "--python-version=3.11",
        "--enable-error-code=exhaustive-match",
        "--check-untyped-defs",
    ]
    options += ["--no-site-packages", "--ignore-missing-imports", "--follow-imports=silent"]
    chosen_from = {choice.path for choice in choices}.union(*(places for _, places in UNIONS.values()))
    return ChangedHouse(
        root,
        enumerations,
        choices,
        run_in(root, "mypy", f"--cache-dir={ROOT}/.mypy_cache/new_members", *options, *sorted(chosen_from)),
        run_in(root, "tools.whole_tables", *modules_with_tables()),
    )


def modules_with_tables() -> list[str]:
    """The modules that have tables keyed by an enumeration; the others load much, and are asked for nothing."""
    return sorted({table.name.rpartition(".")[0] for table in find_tables(own_namespaces(find_modules()))})


def add_members(path: Path, tree: ast.Module, names: set[str]) -> None:
    """Write one more member behind the last one of each of these enumerations, with a value like its own."""
    lines = path.read_text().splitlines(keepends=True)
    last = [
        [each for each in node.body if isinstance(each, ast.Assign)][-1]
        for node in statements(tree)
        if isinstance(node, ast.ClassDef) and node.name in names
    ]
    assert len(last) == len(names)
    for member in reversed(last):  # so that the lines of those before stay theirs
        value = ast.unparse(_NewValue().visit(member.value))
        lines.insert(member.end_lineno or 0, f"    {NEW} = {value}\n")
    path.write_text("".join(lines))


def add_class(file: Path, union: str) -> None:
    """Add one more class, which has nothing, to a union of classes."""
    source = file.read_text()
    (line,) = re.findall(rf"^{union} = .*$", source, re.MULTILINE)
    new = f"{NEW}_{union}"
    file.write_text(source.replace(line, f"class {new}:\n    pass\n\n\n{line} | {new}"))


class _NewValue(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("new-member" if isinstance(node.value, str) else 199)


def run_in(root: Path, module: str, *words: str) -> str:
    """What a module of ours or of the developers' tools says of the copy, which has to be something."""
    environment = {**os.environ, "PYTHONPATH": f"{root}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", module, *words]
    ran = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return ran.stdout


def named_enumerations(node: ast.AST, names: set[str]) -> Iterator[str]:
    """The enumerations of which ``node``, a ``match``, names members in its cases."""
    patterns = [case.pattern for case in node.cases] if isinstance(node, ast.Match) else []
    for inner in (inner for pattern in patterns for inner in ast.walk(pattern)):
        if isinstance(inner, ast.MatchValue) and isinstance(inner.value, ast.Attribute):
            owner = ast.unparse(inner.value.value).rpartition(".")[2]
            yield from {owner} & names


def test_every_choice_refuses_a_new_member_in_its_place(changed_house: ChangedHouse) -> None:
    silent = [
        choice
        for choice in changed_house.choices
        if not any(choice.first_line <= line <= choice.last_line for line in changed_house.refused_lines(choice.path))
    ]
    assert silent == [], "name each member in these, without `case _`; mypy has to refuse a new one there"
    assert len(changed_house.choices) > 50


def test_every_table_misses_its_new_row(changed_house: ChangedHouse) -> None:
    named = set(re.findall(rf" has no row for {NEW_LAST} of (\w+)$", changed_house.tables, re.MULTILINE))
    in_tables = {"Verdict", "NotebookStatus", "EndpointStatus", "ExitCode", "IncreaseOutcome", "NotebookVerdict"}
    assert in_tables <= named, f"tools/whole_tables.py finds no table of {in_tables - named}:\n{changed_house.tables}"


def test_every_enumeration_is_chosen_from_by_something_that_fails_or_by_nobody(changed_house: ChangedHouse) -> None:
    in_tables = set(re.findall(rf" has no row for {NEW_LAST} of (\w+)$", changed_house.tables, re.MULTILINE))
    failing = {choice.enumeration for choice in changed_house.choices} | in_tables
    ignored = {enumeration.name for enumeration in changed_house.enumerations} - failing
    step = "choose by a `match` or a table of all members, or add it to CHOSEN_BY_NOBODY in this file, with the reason"
    assert ignored - CHOSEN_BY_NOBODY.keys() == set(), f"a new member of these is noticed by nothing: {step}"
    assert CHOSEN_BY_NOBODY.keys() - ignored == set(), "these are chosen from: take them out of CHOSEN_BY_NOBODY"


@pytest.mark.parametrize(
    ("enumeration", "places"),
    [
        ("Channel", {"opskit/increases/rules/plan.py", "opskit/increases/rules/channel.py"}),
        (
            "EvidenceSource",
            {
                *("opskit/notebooks/flows/inspect.py", "opskit/notebooks/flows/recheck.py"),
                "opskit/notebooks/rules/enums.py",
            },
        ),
        ("NotebookStatus", {"opskit/notebooks/rules/idleness.py"}),
    ],
)
def test_what_once_did_the_wrong_thing_in_silence_fails(
    changed_house: ChangedHouse, enumeration: str, places: set[str]
) -> None:
    """A new way to ask filed a real request, a new evidence read the log, and a new status was taken for none."""
    refused = set(re.findall(rf"^(\S+?):\d+: error: .*{enumeration}\.{NEW}", changed_house.mypy, re.MULTILINE))
    assert places <= refused, f"mypy refuses no new {enumeration} in {places - refused}"


def test_every_union_of_three_classes_or_more_is_in_the_table() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "opskit").rglob("*.py")]
    unions = {name for text in texts for name in re.findall(r"^(\w+) =(?: \|? ?[A-Z]\w*[a-z]\w*){3,}$", text, re.M)}
    assert unions - UNIONS.keys() == set(), "add to UNIONS in this file where the classes of each are told apart"
    assert len(unions) > 5


@pytest.mark.parametrize("union", UNIONS)
def test_a_new_kind_of_value_is_refused_where_kinds_are_told_apart(changed_house: ChangedHouse, union: str) -> None:
    refused = set(re.findall(rf"^(\S+?):\d+: error: .*\"{NEW}_{union}\"", changed_house.mypy, re.MULTILINE))
    assert UNIONS[union][1] <= refused, f"mypy refuses no new class of {union} in {UNIONS[union][1] - refused}"


@pytest.mark.parametrize("enumeration", ["Channel", "EvidenceSource", "UsageCounter"])
def test_the_calls_of_a_new_member_are_asked_for(changed_house: ChangedHouse, enumeration: str) -> None:
    """A policy without them would be wrong in silence: nothing but a member's own row says what it calls."""
    asked = re.findall(rf"^(\S+) has no row for {NEW_LAST} of {enumeration}$", changed_house.tables, re.MULTILINE)
    advice = f"opskit/access/rules/call_sets.py needs a table by {enumeration} of what each member calls"
    assert any(name.startswith("opskit.access.rules.call_sets.") for name in asked), f"{advice}; found: {asked}"
