"""PyPI's `opskit` is another project with the same command and package folder. Both are really installed here, in both
orders, and taken out again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

import opskit
from opskit.core import package_files
from opskit.core.exceptions import extra_hint

ROOT = Path(__file__).parents[2]
UV = str(Path(sysconfig.get_path("scripts")) / "uv")

# The files of opskit 0.1.9 whose paths are ours too, or whose names are our packages', and one of its own.
THEIRS = {
    "opskit/__init__.py": '__version__ = "0.1.9"\n',
    "opskit/__main__.py": "from opskit.cli import main\n\nif __name__ == '__main__':\n    main()\n",
    "opskit/cli.py": "def main():\n    print('DNS, TLS and network')\n",
    "opskit/core/__init__.py": "",
    "opskit/core/errors.py": "class OpskitError(Exception): ...\n",
    "opskit/dns/__init__.py": "",
    "opskit-0.1.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: opskit\nVersion: 0.1.9\n",
    "opskit-0.1.9.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "opskit-0.1.9.dist-info/entry_points.txt": "[console_scripts]\nopskit = opskit.cli:main\n",
}


@pytest.fixture(scope="module")
def our_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def other_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("theirs") / "opskit-0.1.9-py3-none-any.whl"
    record = ["opskit-0.1.9.dist-info/RECORD,,"]
    with zipfile.ZipFile(built, "w") as archive:
        for name, text in THEIRS.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(text)}")
        archive.writestr("opskit-0.1.9.dist-info/RECORD", "\n".join(record) + "\n")
    return built


class Venv:
    """A virtual environment of its own, which finds what opskit needs where the tests find it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([UV, "venv", "-q", "--python", sys.executable, str(folder)], check=True)

    @property
    def package(self) -> Path:
        (site,) = self.folder.glob("lib/python*/site-packages")
        return site / "opskit"

    def pip(self, *words: str) -> None:
        quiet = [UV, "pip", words[0], "-q", "--python", str(self.folder / "bin/python")]
        offline = ["--offline", "--no-deps", "--reinstall"] if words[0] == "install" else []
        subprocess.run([*quiet, *offline, *words[1:]], check=True, capture_output=True)

    def run(self, *words: str, program: tuple[str, ...] = ("opskit",)) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {"PYTHONPATH": sysconfig.get_path("purelib"), "AWS_CONFIG_FILE": os.devnull}
        environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        command = [str(self.folder / "bin" / program[0]), *program[1:], *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture
def empty_venv(tmp_path: Path) -> Venv:
    return Venv(tmp_path / "venv")


def package_check(venv: Venv) -> dict[str, str] | None:
    """What doctor says of the package's files, None where it has nothing to say."""
    checks = json.loads(venv.run("doctor", "-o", "json").stdout)["data"]["checks"]
    found: dict[str, str] | None = next((each for each in checks if each["what"] == "package"), None)
    return found


def test_alone_it_has_nothing_to_say(empty_venv: Venv, our_wheel: Path) -> None:
    empty_venv.pip("install", str(our_wheel))
    assert package_check(empty_venv) is None
    assert empty_venv.run("--version").stdout == f"opskit {opskit.__version__}\n"


def test_installed_over_the_other_it_works_and_doctor_says_what_to_do(
    empty_venv: Venv, our_wheel: Path, other_wheel: Path
) -> None:
    empty_venv.pip("install", str(other_wheel))
    empty_venv.pip("install", str(our_wheel))
    assert empty_venv.run("--version").stdout == f"opskit {opskit.__version__}\n"
    check = package_check(empty_venv)
    assert check is not None
    assert check["state"] == "wrong"
    assert "opskit 0.1.9" in check["says"]
    assert ".." not in empty_venv.run("doctor").stderr
    assert check["hint"].startswith("pip uninstall opskit, then in the clone of opskit: pip install")
    assert json.loads(empty_venv.run("doctor", "-o", "json").stdout)["data"]["versions"]["opskit"] == opskit.__version__


@pytest.mark.parametrize("program", [("opskit",), ("python", "-m", "opskit")])
def test_the_other_installed_over_it_is_one_sentence_at_the_start(
    empty_venv: Venv, our_wheel: Path, other_wheel: Path, program: tuple[str, ...]
) -> None:
    empty_venv.pip("install", str(our_wheel))
    empty_venv.pip("install", str(other_wheel))
    told = empty_venv.run("quotas", "check", program=program)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.splitlines() == [
        "opskit: Another project, opskit 0.1.9, is installed here with the same package folder and command as opskit.",
        "        pip uninstall opskit, then in the clone of opskit: pip install .",
    ]
    envelope = json.loads(empty_venv.run("quotas", "check", "-o", "json", program=program).stdout)
    assert (envelope["exit"], envelope["errors"][0]["code"]) == (2, "mixed-install")


def test_after_the_other_was_taken_out_the_hint_is_to_install_anew(
    empty_venv: Venv, our_wheel: Path, other_wheel: Path
) -> None:
    empty_venv.pip("install", str(our_wheel))
    empty_venv.pip("install", str(other_wheel))
    empty_venv.pip("uninstall", "opskit")
    assert not (empty_venv.folder / "bin/opskit").exists()
    start = ("python", "-c", "from opskit.cli import main; main()")
    told = empty_venv.run("doctor", program=start)
    assert told.returncode == 2
    assert told.stderr.splitlines() == [
        "opskit: 3 of opskit's files are missing or not its own, such as opskit/__init__.py.",
        "        Install it anew, in the clone of opskit: pip install .",
    ]
    empty_venv.pip("install", str(our_wheel))
    assert package_check(empty_venv) is None


@pytest.mark.parametrize(
    "theirs_now",
    ["output/screen.py", "core/exceptions.py", "access/flows/doctor.py", "core/settings.py", "cli/command_tree.py"],
)
def test_whichever_file_is_the_others_it_is_one_sentence(empty_venv: Venv, our_wheel: Path, theirs_now: str) -> None:
    empty_venv.pip("install", str(our_wheel))
    (empty_venv.package / theirs_now).write_text("# nothing of what opskit expects here\n")
    told = empty_venv.run("doctor", "-o", "json")
    assert "Traceback" not in told.stderr
    assert told.returncode == 2
    assert f"1 of opskit's files are missing or not its own, such as opskit/{theirs_now}." in told.stdout + told.stderr


def test_a_missing_dependency_is_not_blamed_on_another_project(empty_venv: Venv, our_wheel: Path) -> None:
    empty_venv.pip("install", str(our_wheel))
    start = ("python", "-c", "import sys; sys.modules['platformdirs'] = None; from opskit.cli import main; main()")
    told = empty_venv.run("doctor", program=start)
    assert "another" not in (told.stdout + told.stderr).lower()
    assert "platformdirs" in told.stderr


def test_the_distribution_has_one_name() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["name"]
    assert {named, opskit.DISTRIBUTION, package_files._DISTRIBUTION} == {"sagemaker-opskit"}


WRONG_INSTALL = re.compile(r"""\b(pip|pipx|uv|uvx)\s+(add\s+|install\s+|run\s+)+(-\S+\s+)*['"]?opskit\b""")


def user_texts() -> dict[str, str]:
    """All that a user may read: the pages, the program, the workflows, what stands at the root."""
    tops = [path for path in ROOT.iterdir() if path.is_file()]
    inside = [path for name in ("docs", "opskit", "workflows") for path in (ROOT / name).rglob("*") if path.is_file()]
    kept = [path for path in tops + inside if "__pycache__" not in path.parts]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in kept}


@pytest.mark.parametrize("text", ["pip install opskit", "pip install -U 'opskit[train]'", "uv pip install opskit"])
def test_what_installs_the_other_project_is_known(text: str) -> None:
    assert WRONG_INSTALL.search(text)


def test_nothing_tells_to_install_the_other_project() -> None:
    read = user_texts()
    assert {"README.md", "docs/sandbox.md", "opskit/core/exceptions.py"} <= read.keys()
    assert {name: WRONG_INSTALL.findall(text) for name, text in read.items() if WRONG_INSTALL.search(text)} == {}


def test_a_hint_installs_from_the_clone() -> None:
    assert extra_hint("train").endswith("pip install '.[train]'")
