"""constraints.txt gives everyone the same versions, from whichever index their machine is set up to use."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from opskit import DISTRIBUTION

ROOT = Path(__file__).parents[2]
EXACT = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.+]*( ; [^/@]+)?")


def constraint_lines() -> list[str]:
    return (ROOT / "constraints.txt").read_text().splitlines()


def asked_for() -> list[Requirement]:
    """All that pyproject.toml names: to build, to run, every extra, and the groups of developers' tools."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = [text for texts in table["project"]["optional-dependencies"].values() for text in texts]
    texts = table["build-system"]["requires"] + table["project"]["dependencies"] + extras
    groups = [text for group in table["dependency-groups"].values() for text in group if isinstance(text, str)]
    requirements = [Requirement(text) for text in texts + groups]
    return [requirement for requirement in requirements if requirement.name != DISTRIBUTION]


def test_every_line_is_one_exact_version_and_no_address() -> None:
    assert [line for line in constraint_lines() if not EXACT.fullmatch(line)] == []


def test_no_package_has_two_versions() -> None:
    names = [line.split("==")[0] for line in constraint_lines()]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("requirement", asked_for(), ids=str)
def test_what_the_project_asks_for_has_a_version_that_fits(requirement: Requirement) -> None:
    # What builds the site has a lock of its own.
    site = [line for line in (ROOT / "locks/docs.txt").read_text().splitlines() if re.match(r"[a-z0-9]", line)]
    lines = [*site, *constraint_lines()]
    chosen = {line.split("==")[0]: re.split(r"[ ;]", line.split("==")[1])[0] for line in lines}
    assert requirement.specifier.contains(chosen[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("heavy", ["torch", "tensorflow", "nvidia-nccl-cu12"])
def test_nothing_that_weighs_gigabytes_slips_in(heavy: str) -> None:
    assert not any(line.startswith(f"{heavy}==") for line in constraint_lines())
