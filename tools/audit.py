"""Holds what is installed against what was locked, and asks a database of advisories about it.

Without that database the first part is done all the same, and it is said that the second was not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

# The advisories of PyPI's packages (PYSEC, GHSA) in one place, without a key.
ADVISORIES = "https://api.osv.dev/v1/querybatch"
_TIMEOUT_SECONDS = 30
_LONGEST_ANSWER = 32_000_000
# What makes an environment, and the project itself.
_NOT_LOCKED = {"pip", "setuptools", "wheel", "sagemaker-opskit"}

Ask = Callable[[Mapping[str, str]], Mapping[str, list[str]]]


def locked_versions(text: str) -> dict[str, set[str]]:
    """The versions of each package in a lock file; several where they depend on the system."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE):
        versions.setdefault(_normal_name(name), set()).add(version)
    return versions


def unlike_lock(installed: Mapping[str, str], locked: Mapping[str, set[str]]) -> Iterator[str]:
    """Each installed package that was not locked, or not with this version."""
    for name, version in sorted(installed.items()):
        if name not in _NOT_LOCKED and version not in locked.get(name, set()):
            yield f"{name} {version} is installed; locked is {', '.join(sorted(locked.get(name, ()))) or 'none'}"


def changed_files(distribution: Distribution) -> Iterator[str]:
    """Each file of a package that is not as it was when it was installed."""
    for file in distribution.files or ():
        path = Path(str(distribution.locate_file(file)))
        if file.hash is None or file.hash.mode != "sha256" or not path.is_file():
            continue
        digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()
        if digest != file.hash.value:
            yield f"{file} of {distribution.name} is not as it was installed"


def ask_advisories(installed: Mapping[str, str]) -> Mapping[str, list[str]]:
    """The advisories about each package, by name.

    Raises:
        OSError, ValueError: the database cannot be reached, or its answer cannot be read.
    """
    names = sorted(installed)
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": installed[name]} for name in names]
    request = urllib.request.Request(ADVISORIES, json.dumps({"queries": queries}).encode(), {"User-Agent": "opskit"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
        results: list[dict[str, Any]] = json.loads(answer.read(_LONGEST_ANSWER))["results"]
    return {
        name: [str(each["id"]) for each in result.get("vulns", ())] for name, result in zip(names, results, strict=True)
    }


def audit(lock: str, found: list[Distribution], ask: Ask) -> tuple[list[str], list[str]]:
    """What is wrong, and what is to be said besides."""
    installed = {_normal_name(each.name): each.version for each in found}
    wrong = [*unlike_lock(installed, locked_versions(lock)), *(line for each in found for line in changed_files(each))]
    said = [f"{len(installed)} packages are held against the lock and against their own lists of files."]
    asked_about = {name: version for name, version in installed.items() if name not in _NOT_LOCKED}
    try:
        advisories = ask(asked_about)
    except (OSError, ValueError, LookupError) as error:
        text = "Known vulnerabilities were NOT looked for: the database of advisories cannot be used"
        return wrong, [*said, f"{text} ({type(error).__name__})."]
    wrong += [f"{name} {installed[name]}: {', '.join(ids)}" for name, ids in sorted(advisories.items()) if ids]
    return wrong, [*said, f"{len(asked_about)} packages were looked up in the database of advisories."]


def _normal_name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """Audit this environment against a lock file; 1 where something is wrong."""
    wrong, said = audit(Path(arguments[0]).read_text(encoding="utf-8"), list(distributions()), ask_advisories)
    for line in [*wrong, *said]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
