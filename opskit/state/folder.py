"""Where opskit keeps its own state, readable by its user only."""

from __future__ import annotations

from pathlib import Path

import platformdirs

from opskit.aws import Door


def state_folder() -> Path:
    """The folder of opskit's state, made when missing.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(platformdirs.user_state_dir("opskit", appauthor=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def whose(door: Door) -> tuple[str, str]:
    """The endpoint and the account that what is remembered belongs to.

    Raises:
        AwsFailure: AWS does not say who we are.
    """
    return door.connection.endpoint(), door.connection.caller().account
