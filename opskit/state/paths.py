"""Where opskit keeps its own state, readable by its user only."""

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
_ACCOUNT_KEYS = "Allow sts:GetCallerIdentity: opskit keeps what it did by account, so as to do nothing twice."


def state_dir() -> Path:
    """The folder of opskit's state, made when missing.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(platformdirs.user_state_dir("opskit", appauthor=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def account_key(client: AwsClient) -> tuple[str, str]:
    """The endpoint and the account that what is remembered belongs to.

    Raises:
        AwsError: AWS does not say who we are.
    """
    try:
        return client.session.endpoint_id(), client.session.identity().account
    except AccessDenied as failure:
        failure.problem = replace(failure.problem, hint=_ACCOUNT_KEYS)
        raise


@contextmanager
def state_errors() -> Iterator[None]:
    """Tell in the user's words that what opskit must remember cannot be kept or read.

    Raises:
        UsageError: the block met a state folder that cannot be used.
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        where = platformdirs.user_state_dir("opskit", appauthor=False)
        text = f"opskit's state in {where} cannot be used ({error}), and without it something could be asked twice."
        damaged = isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError)
        hint = f"A file there is damaged: move it away from {where}." if damaged else _OTHER_FOLDER_HINT
        raise UsageError("state-unusable", text, hint) from error
