"""A botocore session that is the sandbox's own: the user's profiles and AWS files have no say in it."""

from __future__ import annotations

import os

import botocore.session

_VARIABLES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def own_session() -> botocore.session.Session:
    """A session that no AWS_PROFILE makes fail (botocore refuses a profile it cannot find, whatever is asked)."""
    return botocore.session.Session(session_vars=_VARIABLES)
