"""What is installed is what was locked, by hash; an audit says what it could not look for."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

import pytest

from tools.audit import audit, locked_versions

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_each_package_is_locked_with_its_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[A-Za-z0-9._-]+(\[[^\]]*\])?==\S+", entry), entry
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}", entry), entry


def test_the_locks_are_of_the_versions_that_were_chosen() -> None:
    chosen = locked_versions((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert locked_versions((ROOT / "locks" / "dev.txt").read_text(encoding="utf-8")) == chosen
    # What only the site needs is chosen with the rest, so that both can be installed together.
    chosen = {**locked_versions((ROOT / "locks" / "docs.txt").read_text(encoding="utf-8")), **chosen}
    for lock in LOCKS:
        for name, versions in locked_versions(lock.read_text(encoding="utf-8")).items():
            assert versions <= chosen[name], (lock.name, name)


def test_make_installs_by_hash_alone_and_the_project_without_dependencies() -> None:
    installs = [
        line for line in MAKEFILE.splitlines() if re.search(r"pip install|\$\((UV|LOCKED)\)|-m pip .*install", line)
    ]
    assert len(installs) >= 6
    for line in installs:
        is_by_hash = "--require-hashes" in line or "$(LOCKED)" in line
        is_definition = line.startswith(("UV ", "LOCKED "))
        is_project = "--no-deps --no-build-isolation --editable ." in line
        is_hint = "apt install" in line
        assert is_by_hash or is_definition or is_project or is_hint, line


def installed_package(folder: Path, content: bytes) -> Distribution:
    info = folder / "thing-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "thing.py").write_bytes(b"print('as it came')\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (info / "RECORD").write_text(f"thing.py,sha256={digest},20\n")
    return PathDistribution(info)


def no_network(_: Mapping[str, str]) -> Mapping[str, list[str]]:
    raise OSError("no route")


def test_without_a_database_the_audit_says_so_and_does_the_rest(tmp_path: Path) -> None:
    whole = installed_package(tmp_path / "a", b"print('as it came')\n")
    assert audit("thing==1.0 \\\n    --hash=sha256:00\n", [whole], no_network) == (
        [],
        [
            "1 packages are held against the lock and against their own lists of files.",
            "Known vulnerabilities were NOT looked for: the database of advisories cannot be used (OSError).",
        ],
    )


def test_what_is_not_as_it_was_locked_or_installed_is_found(tmp_path: Path) -> None:
    changed = installed_package(tmp_path / "a", b"print('otherwise')\n")
    wrong, _ = audit("thing==2.0\n", [changed], lambda asked: {"thing": ["GHSA-1"]})
    assert wrong == [
        "thing 1.0 is installed; locked is 2.0",
        "thing.py of thing is not as it was installed",
        "thing 1.0: GHSA-1",
    ]
