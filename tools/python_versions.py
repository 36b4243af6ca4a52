"""Runs the unit tests with every Python that opskit supports: ``make pythons``. Each gets an environment of its own, of
the locked versions. One that is not on this machine is named and left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_CLASSIFIER = "Programming Language :: Python :: 3."


def supported_versions() -> list[str]:
    """The versions that pyproject.toml names, such as 3.11."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [each for each in project["classifiers"] if each.startswith(_CLASSIFIER)]
    return [name.rpartition(" ")[2] for name in names]


def find_interpreter(version: str) -> str | None:
    """The command of a Python version: what PYTHON3_13 and the like name, else this one, one on the PATH, or one of
    pyenv's. None: none of them runs.
    """
    named = os.environ.get(f"PYTHON{version.replace('.', '_')}")
    command = f"python{version}"
    if f"{sys.version_info.major}.{sys.version_info.minor}" == version:
        candidates = [sys.executable]
    else:
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        candidates = [shutil.which(command) or "", *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/{command}")))]
    return next((each for each in ([named] if named else candidates) if each and _runs(each, version)), None)


def _runs(interpreter: str, version: str) -> bool:
    """Whether it is of this version. pyenv puts commands on the PATH for versions that are not switched on."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        ended = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return ended.returncode == 0 and ended.stdout.strip() == version


def run_unit_tests(version: str, interpreter: str) -> int:
    """Install everything for an interpreter and run the unit tests. Returns make's exit code."""
    environment = f".venv-{version}"
    uv = str(Path(sys.executable).with_name("uv"))
    stamp = _ROOT / environment / ".uv-installed"
    if not stamp.exists() or stamp.stat().st_mtime < (_ROOT / "constraints.txt").stat().st_mtime:
        python = f"{environment}/bin/python"
        for words in (
            ["venv", "--quiet", "--clear", "--python", interpreter, environment],
            ["pip", "install", "--quiet", "--python", python, "--require-hashes", "--requirements", "locks/uv.txt"],
        ):
            ended = subprocess.run([uv, *words], cwd=_ROOT, check=False)
            if ended.returncode:
                return ended.returncode
        stamp.touch()
    return subprocess.run(["make", f"VENV={environment}", "unit"], cwd=_ROOT, check=False).returncode


def main() -> int:
    """Test with every version that is there; the exit code is 1 if one failed, or none is there."""
    outcomes: dict[str, str] = {}
    for version in supported_versions():
        interpreter = find_interpreter(version)
        if interpreter is None:
            outcomes[version] = (
                f"not tested: there is no python{version} here (PYTHON{version.replace('.', '_')} names one)"
            )
            continue
        print(f"Python {version} ({interpreter}):", flush=True)
        outcomes[version] = "failed" if run_unit_tests(version, interpreter) else "passed"
    for version, outcome in outcomes.items():
        print(f"Python {version}: {outcome}")
    return int("failed" in outcomes.values() or "passed" not in outcomes.values())


if __name__ == "__main__":
    sys.exit(main())
