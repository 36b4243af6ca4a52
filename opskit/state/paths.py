"""Where opskit keeps its state, readable only by its user."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import platformdirs

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AccessDenied, UsageError

_OTHER_FOLDER_HINT = "Set XDG_STATE_HOME to a folder that can be written."
_ACCOUNT_KEYS = "Allow sts:GetCallerIdentity: opskit records its changes by account, so that nothing is done twice."


def state_dir() -> Path:
    """The state directory, created if missing.

    Raises:
        OSError: it cannot be created.
    """
    folder = Path(platformdirs.user_state_dir("opskit", appauthor=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
def state_errors() -> Iterator[None]:
    """Translate errors of the block that concern the state directory into a ``UsageError``.

    Raises:
        UsageError: the state directory cannot be used.
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        where = platformdirs.user_state_dir("opskit", appauthor=False)
        text = f"opskit's state in {where} cannot be used ({error}), and without it a request could be sent twice."
        # OperationalError is a DatabaseError too, but means a full disk or a lock rather than a damaged file.
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        hint = f"A file there is damaged: move it away from {where}." if damaged else _OTHER_FOLDER_HINT
        raise UsageError("state-unusable", text, hint) from error
