"""A file is read in one sitting, and is none for a dozen lines; a feature's tests are in a folder of its name."""

from __future__ import annotations

from pathlib import Path

HOME = Path(__file__).parents[3]
LENGTHS = {
    path.relative_to(HOME).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
    for folder in ("opskit", "tests", "tools", "benchmarks")
    for path in (HOME / folder).rglob("*.py")
}
TESTED_ELSEWHERE = {
    "demo": "tests/journeys",  # it is a walk through the commands
    "sandbox": "tests/sandbox",
}


def test_no_file_has_more_than_350_lines() -> None:
    long = {name: length for name, length in LENGTHS.items() if length > 350}
    assert long == {}, "move a part of each that can be read by itself to a module of its own"


def test_no_module_is_there_for_a_dozen_lines() -> None:
    """Such lines stand where one would look for them; but a package says in a line what is in it."""
    modules = {name: length for name, length in LENGTHS.items() if name.startswith("opskit") and "__.py" not in name}
    short = {name: length for name, length in modules.items() if length <= 12}
    assert short == {}, "move what is in each to the module that uses it, or has the same subject"
    assert len(modules) > 400


def test_each_folder_of_opskit_has_its_tests_in_one_of_the_same_name() -> None:
    folders = {name.split("/")[1] for name in LENGTHS if name.startswith("opskit/") and name.count("/") > 1}
    tested = {name.split("/")[2] for name in LENGTHS if name.startswith("tests/unit/") and "/test_" in name}
    untested = folders - tested
    assert untested - TESTED_ELSEWHERE.keys() == set(), "add a folder with tests of each to tests/unit"
    assert TESTED_ELSEWHERE.keys() - untested == set(), (
        "these have tests in tests/unit: take them out of TESTED_ELSEWHERE"
    )
