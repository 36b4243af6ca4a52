"""The base install runs from cron and in a Lambda: it must stay small."""

from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from opskit import DISTRIBUTION

MAX_BYTES = 60 * 1000 * 1000


def runtime_requirements(name: str) -> set[str]:
    """What a package needs on this machine when it is installed without extras."""
    requirements = [Requirement(text) for text in metadata.requires(name) or []]
    wanted = [one for one in requirements if one.marker is None or one.marker.evaluate({"extra": ""})]
    return {canonicalize_name(one.name) for one in wanted}


def with_all_it_needs(name: str) -> set[str]:
    found: set[str] = set()
    waiting = {name}
    while waiting:
        found |= waiting
        waiting = {needed for one in waiting for needed in runtime_requirements(one)} - found
    return found


def installed_bytes(name: str) -> int:
    """The size of a package's files as installed, without the bytecode Python makes later."""
    paths = [Path(str(file.locate())) for file in metadata.files(name) or [] if file.suffix != ".pyc"]
    return sum(path.stat().st_size for path in paths if path.is_file())


@pytest.fixture(scope="module")
def base_requirements() -> set[str]:
    return with_all_it_needs(DISTRIBUTION)


def test_the_base_install_is_at_most_60_megabytes(base_requirements: set[str]) -> None:
    package = Path(__file__).parents[2] / "opskit"
    own = sum(path.stat().st_size for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc")
    sizes = {name: installed_bytes(name) for name in base_requirements - {DISTRIBUTION}} | {"opskit": own}
    assert all(sizes.values()), sizes
    assert sum(sizes.values()) <= MAX_BYTES, sizes


def test_the_base_install_needs_nothing_of_the_extras(base_requirements: set[str]) -> None:
    assert {"boto3", "botocore", "requests", "rich", "tabulate", "typer"} <= base_requirements
    assert base_requirements.isdisjoint(
        {"moto", "numpy", "pandas", "pydantic", "sagemaker", "scikit-learn", "xgboost-cpu"}
    )
