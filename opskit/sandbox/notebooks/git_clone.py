"""Cloning a notebook's repositories onto its volume, with the git that is installed here."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from opskit.sandbox.state import SandboxState

# A clone that takes longer hangs.
_TIMEOUT_SECONDS = 300.0
_POLL_SECONDS = 0.05
# What git needs to reach a server; nothing that leads to the user's configuration or credentials.
_INHERITED_VARIABLES = ("PATH", "LANG", "SSL_CERT_FILE", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY")
# A question for a password would hang for ever: nobody is there to answer it.
_NO_PROMPTS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class CloneFailed(Exception):
    """A repository could not be cloned; the text is what a notebook's FailureReason says."""


@dataclass(frozen=True)
class GitRepository:
    """A Git repository at a URL, and the ``branch`` to take; None: its own choice."""

    url: str
    branch: str | None = None

    @property
    def folder(self) -> str:
        """The folder git clones it into."""
        return urlsplit(self.url).path.rstrip("/").rpartition("/")[2].removesuffix(".git")


def clone_repository(state: SandboxState, repository: GitRepository, volume: Path, log: Path) -> None:
    """Clone into ``volume``, once: what stands there already is the user's. ``log`` takes what git says.

    Raises:
        CloneFailed: git could not, or is not installed.
    """
    if not repository.folder or (volume / repository.folder).exists():
        return
    if shutil.which("git") is None:
        raise CloneFailed(f"{repository.url} cannot be cloned: git is not installed beside the sandbox.")
    volume.mkdir(parents=True, exist_ok=True)
    branch = ("--branch", repository.branch) if repository.branch else ()
    with log.open("wb") as output:
        process = state.processes.start(
            # The -- keeps a URL that begins with a dash from being an option.
            ["git", "clone", "--quiet", *branch, "--", repository.url, repository.folder],
            cwd=volume,
            env={**{name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}, **_NO_PROMPTS},
            output=output,
        )
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline and not state.closing.wait(_POLL_SECONDS):
        continue
    if state.processes.end(process):
        raise CloneFailed(f"{repository.url} could not be cloned: {_git_message(log)}")


def _git_message(log: Path) -> str:
    return " ".join(log.read_text(errors="replace").split()) or f"git took more than {_TIMEOUT_SECONDS:.0f} seconds."
