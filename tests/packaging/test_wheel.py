"""What a user gets from an index: the wheel, installed beside other people's packages."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def files_of(folder: str) -> set[str]:
    """The files of a folder of the checkout, as paths from its root, without what Python leaves there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel_contents(built_wheel: Path) -> set[str]:
    with zipfile.ZipFile(built_wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def unpacked_wheel(built_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the unpacked wheel and nothing else, far from the checkout."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(built_wheel) as archive:
        archive.extractall(folder)
    return folder


def run_from(site: Path, *arguments: str) -> str:
    """Run Python outside the checkout, with the unpacked wheel found before anything else."""
    environment = os.environ | {"PYTHONPATH": str(site)}
    command = [sys.executable, "-P", *arguments]
    ran = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_the_wheel_claims_one_top_level_name(wheel_contents: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_contents}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {"opskit"}


def test_the_wheel_puts_the_man_pages_where_man_looks(wheel_contents: set[str]) -> None:
    pages = {name.partition(".data/data/")[2] for name in wheel_contents if ".data/" in name}
    assert pages == {f"share/man/man1/{path.name}" for path in (ROOT / "docs" / "man").iterdir()}


def test_the_wheel_says_that_it_is_typed(wheel_contents: set[str]) -> None:
    assert "opskit/py.typed" in wheel_contents


def test_the_wheel_holds_the_package_and_inside_it_the_workflows(wheel_contents: set[str]) -> None:
    package, workflows = files_of("opskit"), files_of("workflows")
    assert package
    assert workflows
    in_the_wheel = {name for name in wheel_contents if ".dist-info/" not in name and ".data/" not in name}
    assert in_the_wheel == package | {f"opskit/{name}" for name in workflows}


def test_the_wheel_runs_far_from_the_checkout(unpacked_wheel: Path) -> None:
    import opskit

    found = run_from(unpacked_wheel, "-c", "import opskit; print(opskit.__file__)")
    assert Path(found) == unpacked_wheel / "opskit" / "__init__.py"
    assert opskit.__version__ in run_from(unpacked_wheel, "-m", "opskit", "--version")
