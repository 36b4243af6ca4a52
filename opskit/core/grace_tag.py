"""The tag that holds a grace: since when a resource is known to be idle, until when it is left on, and which
run of opskit found that out.

The tag is the only memory that all runs share, on whatever machine: who reads it knows whether a grace runs, and whose
it is. Its checksum is over the resource's ARN too, so what somebody else wrote, changed, or copied with the tags of
another resource is no grace, and one that opskit has not told anybody of ends nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from opskit.core.keep_tags import parse_timestamp

_VALUE = re.compile(r"(?P<since>\S+) until (?P<until>\S+) by (?P<run>[0-9a-f]{8})-(?P<sum>[0-9a-f]{8})")


@dataclass(frozen=True)
class GraceTag:
    """A grace. ``run`` is the id of the run that began it: eight hexadecimal digits."""

    since: datetime
    until: datetime
    run: str


def format_grace_tag(grace: GraceTag, arn: str) -> str:
    """The value of the tag on the resource of this ARN, readable in the console: ``SINCE until UNTIL by RUN-SUM``."""
    since, until = (when.isoformat(timespec="seconds") for when in (grace.since, grace.until))
    return f"{since} until {until} by {grace.run}-{_checksum(since, until, grace.run, arn)}"


def parse_grace_tag(value: object, arn: str) -> GraceTag | None:
    """The grace that a tag's value holds; None where it is not there, or opskit did not write it on this resource."""
    found = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if found is None or found["sum"] != _checksum(found["since"], found["until"], found["run"], arn):
        return None
    since, until = parse_timestamp(found["since"]), parse_timestamp(found["until"])
    return GraceTag(since, until, found["run"]) if since and until else None


def _checksum(since: str, until: str, run: str, arn: str) -> str:
    return sha256(f"{arn}|{since}|{until}|{run}".encode()).hexdigest()[:8]
