"""Whose the things are that a command makes. Every command that makes something asks here."""

from __future__ import annotations

from dataclasses import replace

from opskit.aws.session import AwsSession
from opskit.core.exceptions import AwsError
from opskit.core.owners import Owner, caller_owner, named_owner, person_of


def read_owner(session: AwsSession, named: str | None, *, untagged: bool = False) -> Owner:
    """The owner: the one that is ``named``, else the caller. ``untagged``: nothing is to be tagged with it.

    Raises:
        AwsError: STS does not say who the caller is.
    """
    owner = named_owner(named) if named else _read_caller_owner(session)
    return replace(owner, untagged=untagged)


def _read_caller_owner(session: AwsSession) -> Owner:
    arn = session.identity().arn
    # Only now: reading the identity has assumed the role, if there is one to assume.
    return caller_owner(arn, next(iter(session.source_identities), None) or _read_assumer(session))


def _read_assumer(session: AwsSession) -> str | None:
    """Who told opskit to assume the role (``--role-arn``): its session's name is then opskit's own."""
    if session.assumed_from is None:
        return None
    try:
        return person_of(session.assumed_from.identity().arn)
    except AwsError:  # the role alone is then the owner, and the plan says so
        return None
