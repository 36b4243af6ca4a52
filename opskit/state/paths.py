"""Where opskit keeps its state, readable only by its user."""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from opskit.core.exceptions import STATE_NOT_KEPT, AccessDenied, AwsError, ExitCode, Problem, UsageError
from opskit.core.file_errors import file_error_text
from opskit.core.run_problems import report_run_problem
from opskit.state.damaged_files import damaged_files_hint
from opskit.state.records import StateUnreachable

if TYPE_CHECKING:
    from opskit.aws.client import AwsClient


# GitHub, GitLab, CircleCI, Travis and most others set the first.
_CI_VARIABLES = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "CODEBUILD_BUILD_ID",
    "TF_BUILD",
    "TEAMCITY_VERSION",
)


NO_TABLE_HINT = "`opskit state template` prints the CloudFormation template of the table; look at its Region, too."


class StateTableUnusable(UsageError):
    """The table that holds the state cannot be used. Ends as what AWS refuses does."""

    exit = ExitCode.AWS_ERROR

    def __init__(self, failure: AwsError, risk: str) -> None:
        problem = failure.problem
        text = f"opskit's state cannot be used: {problem.message}{_risk_text(risk)}"
        hint = NO_TABLE_HINT if failure.aws_code == "ResourceNotFoundException" else problem.hint
        super().__init__("state-unusable", text, hint, region=problem.region)
        self.failure = failure


DONE_TWICE = "two runs at once could make the same change"
_OTHER_FOLDER_HINT = "Set XDG_STATE_HOME to a folder that can be written."
_ACCOUNT_KEYS = "Allow sts:GetCallerIdentity: opskit records its changes by account, so that nothing is done twice."


state_use = threading.Event()
"""Set once this command has used its state, wherever that is kept: the journal, the queue, locks, or what it remembers
of earlier looks. Cleared when a command begins, as an earlier one of this process may have used its own.
"""


def state_dir() -> Path:
    """The state directory, created if missing. Where the user's cannot be used, a temporary one, and that is reported:
    what happens then is worth more than its record.

    Raises:
        OSError: it cannot be created for another reason, as where a file stands in its place.
    """
    state_use.set()
    folder = kept_state_dir()
    why = _why_not_kept(folder)
    if why is None:
        return folder
    text = f"opskit's state in {folder} is not kept: {why}. The journal, queued requests and locks last for this run."
    report_run_problem(Problem(STATE_NOT_KEPT, text, _OTHER_FOLDER_HINT))
    return _temporary_dir()


def kept_state_dir() -> Path:
    """Where the state of this user is kept, whether or not it can be."""
    import platformdirs  # not above: what is told of a missing dependency stands on this module too

    return Path(platformdirs.user_state_dir("opskit", appauthor=False))


def report_short_lived_state() -> None:
    """Report that what is about to be recorded goes with this machine, where that is a CI job's."""
    named = _ci_variable()
    if named is None:
        return
    text = f"This is a CI job ({named} is set): opskit's journal and queue in {kept_state_dir()} end with its machine."
    report_run_problem(Problem(STATE_NOT_KEPT, text, "To keep them, set XDG_STATE_HOME to a folder that is kept."))


def kept_in() -> str | None:
    """The folder that opskit's state is kept in; None: it is not kept, as in a CI job.

    Raises:
        OSError: it cannot be created, as where a file stands in its place.
    """
    folder = kept_state_dir()
    return None if _ci_variable() or _why_not_kept(folder) else str(folder)


def _ci_variable() -> str | None:
    """The variable that says that this is a CI job, which ends with its machine; whoever says where the state is to be
    kept knows that.
    """
    if os.environ.get("XDG_STATE_HOME"):
        return None
    return next((name for name in _CI_VARIABLES if os.environ.get(name)), None)


def _why_not_kept(folder: Path) -> str | None:
    """Why the user's folder cannot be used; None: it can.

    Raises:
        OSError: it cannot be created for another reason than a lack of permission.
    """
    if not folder.is_absolute():  # where there is no HOME, ~ stays as it is
        return "there is no home directory"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # As under sudo, which may leave HOME another user's: what root writes there that user cannot open.
        if folder.stat().st_uid != os.geteuid():
            return f"it belongs to another user (uid {folder.stat().st_uid})"
        return None if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "it cannot be written"
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return f"it cannot be written ({file_error_text(error)})"


@cache
def _temporary_dir() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="opskit-state-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def account_key(client: AwsClient) -> tuple[str, str]:
    """The endpoint and the account that stored state belongs to.

    Raises:
        AwsError: STS could not be read.
    """
    try:
        return client.session.endpoint_id(), client.session.identity().account
    except AccessDenied as failure:
        failure.problem = replace(failure.problem, hint=_ACCOUNT_KEYS)
        raise


@contextmanager
def state_errors(risk: str = "") -> Iterator[None]:
    """Translate errors of the block that concern the state folder, or the table in its place, into a ``UsageError``.
    ``risk`` is what could happen if the command went on without it.

    Raises:
        UsageError: the state directory cannot be used.
    """
    try:
        yield
    except StateUnreachable as error:
        raise StateTableUnusable(error.failure, risk) from error
    except (OSError, sqlite3.Error) as error:
        where = kept_state_dir()
        text = f"opskit's state in {where} cannot be used: {file_error_text(error)}.{_risk_text(risk)}"
        # OperationalError is a DatabaseError too, but means a full disk or a lock rather than a damaged file.
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        hint = (damaged_files_hint(where) if damaged else "") or _OTHER_FOLDER_HINT
        raise UsageError("state-unusable", text, hint) from error


def _risk_text(risk: str) -> str:
    return f" Without it, {risk}." if risk else ""


_GROUP_OR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_owner_only(path: Path, flag: str, hint: str) -> str:
    """The text of a file that ``flag`` names. ``hint`` is what to do where there is none.

    Raises:
        UsageError: the file cannot be read, or other users may read or write it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = path.stat().st_mode
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        text = f"{flag} {path} cannot be read: {file_error_text(error)}."
        raise UsageError("file-unreadable", text, hint) from error
    if mode & _GROUP_OR_OTHERS:
        text = f"{flag} {path} contains secrets, but other users can read or write it."
        raise UsageError("file-open", text, f"chmod 600 {path}")
    return text


def open_own_file(path: Path, flags: int) -> int:
    """A descriptor of a file of opskit's own, made with mode 0600 where it is missing. A link that somebody has put in
    its place, as in a folder that others may write, is replaced, never followed.

    Raises:
        OSError: it cannot be made or opened.
    """
    wanted = flags | os.O_CREAT | os.O_NOFOLLOW
    try:
        return os.open(path, wanted, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
    # Once only: a link that is there again was put there meanwhile, and ends as an error.
    path.unlink(missing_ok=True)
    return os.open(path, wanted, 0o600)
