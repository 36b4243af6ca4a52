"""Whose something is: from its tags, and what opskit writes there when it makes something.

AWS names a caller by an ARN. That of a user is a person's. That of a role's session ends in a session name, which is a
person's under IAM Identity Center and federation, and a random word where a library or an instance assumed the role:
an owner that changes with every run would make nobody the owner of anything, so such names are left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opskit.core.model import Unknown
from opskit.core.tags import LONGEST_TAG_VALUE, OWNER, is_tag_value, sanitize_tag_value

OWNER_TAG = OWNER
"""The tag of everything that opskit makes; its value is whose it is."""

# Session names that no person chose: of boto3, the AWS SDKs and the CLI, EC2 instances, ECS tasks (32 digits),
# SageMaker notebooks, GitHub's action, numbers of time, UUIDs, and opskit's own for --role-arn.
_MACHINE_MADE = re.compile(
    r"(boto(core|3)?-session-.*|aws-(sdk|go-sdk|cli)-.*|i-[0-9a-f]+|[0-9a-f]{32}|[\d.]+"
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|sagemaker|githubactions|opskit)",
    re.IGNORECASE,
)
# Short enough to leave room for the name in a tag's 256 characters.
_DIGEST_LENGTH = 8


class OwnerSource(StrEnum):
    """Where an owner comes from: the setting or flag, a user's ARN, a role's ARN with whose session it is, or a role's
    ARN alone.
    """

    SETTING = "setting"
    USER = "user"
    SESSION = "session"
    ROLE = "role"


@dataclass(frozen=True)
class Owner:
    """Whose the things are that a command makes: ``name``, as a tag's value. ``session`` is the session name that was
    left out, empty where none was. ``untagged``: nothing is tagged with it, and what carries no owner counts as its
    own (``--no-owner``).
    """

    name: str
    source: OwnerSource
    session: str = ""
    untagged: bool = False

    @property
    def tags(self) -> dict[str, str]:
        """The tags that say so."""
        return {} if self.untagged else {OWNER_TAG: self.name}

    @property
    def is_shared(self) -> bool:
        """Whether everybody who may assume a role is this owner."""
        match self.source:
            case OwnerSource.ROLE:
                return True
            case OwnerSource.SETTING | OwnerSource.USER | OwnerSource.SESSION:
                return False

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether something with these tags is this owner's."""
        name = tags.get(OWNER_TAG)
        return name == self.name or (self.untagged and not name)


def named_owner(name: str) -> Owner:
    """The owner that a setting or a flag names."""
    return Owner(name, OwnerSource.SETTING)


def caller_owner(arn: str, person: str | None = None) -> Owner:
    """The owner that a caller's ARN names. ``person`` is who assumed the role, where that is known otherwise than by
    the session's name (a source identity).
    """
    role = _split_session(arn)
    if role is None:
        return Owner(_to_tag_value(arn), OwnerSource.USER)
    prefix, name, session = role
    who = person or person_of(arn)
    if who is None:
        return Owner(_to_tag_value(f"{prefix.replace(':sts:', ':iam:')}:role/{name}"), OwnerSource.ROLE, session)
    return Owner(_to_tag_value(f"{prefix}:assumed-role/{name}/{who}"), OwnerSource.SESSION)


def person_of(arn: str) -> str | None:
    """The name of the person that a caller's ARN ends in; None for a session whose name no person chose."""
    role = _split_session(arn)
    if role is None:
        return arn.rpartition("/")[2]
    return None if _MACHINE_MADE.fullmatch(role[2]) else role[2]


def _split_session(arn: str) -> tuple[str, str, str] | None:
    """``arn:aws:sts::1:assumed-role/ROLE/SESSION`` as what is before ``:assumed-role``, role and session; None for any
    other ARN.
    """
    prefix, found, rest = arn.partition(":assumed-role/")
    role, _, session = rest.partition("/")
    return (prefix, role, session) if found else None


def _to_tag_value(text: str) -> str:
    """A text as a tag's value."""
    if is_tag_value(text):
        return text
    # What the tag cannot hold is lost: the digest keeps two such texts from becoming one owner.
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{sanitize_tag_value(text)[: LONGEST_TAG_VALUE - _DIGEST_LENGTH - 1].rstrip()}-{digest}"


def owner_from_tags(tags: Mapping[str, str], keys: Sequence[str]) -> str | None:
    """The owner that these tags name under one of the ``keys``, the first that has a value; None where they name
    none.
    """
    return next((str(tags[key]).strip() for key in keys if str(tags.get(key, "")).strip()), None)


def is_owner_named(owner: str | None, name: str) -> bool:
    """Whether an owner is the one that somebody names: in full, or by the last part of an ARN, as people say it."""
    return owner is not None and name in (owner, short_owner(owner))


def short_owner(owner: str) -> str:
    """An owner as a column shows it: of an ARN the last part."""
    return owner.rpartition("/")[2]


def owner_record(tags: object, keys: Sequence[str], trail_owner: str | None = None) -> dict[str, str | None]:
    """The owner and how it is known, as JSON has it: by a tag, else by CloudTrail where it was asked; None: nothing
    that could be read tells it.
    """
    owner = owner_from_tags(tags, keys) if isinstance(tags, Mapping) else None
    if owner is None and trail_owner:
        return {"owner": trail_owner, "owner_source": "cloudtrail"}
    return {"owner": owner, "owner_source": "tag" if owner else None}


def owner_cell(owner: str | None, tags: Mapping[str, str] | Unknown | None) -> str:
    """An owner as a column shows it: ``?`` where the tags that would tell it could not be read."""
    return short_owner(owner) if owner else "?" if isinstance(tags, Unknown) else ""


def made_for_record(owner: Owner) -> dict[str, str | bool]:
    """Whose the things are that a command makes, for JSON: the name, where it comes from, and whether it is tagged."""
    return {"name": owner.name, "from": owner.source.value, "tagged": not owner.untagged}


def made_for_text(owner: Owner) -> str:
    """Whose the things are that a command makes, in a plan."""
    tag = f"no tag {OWNER_TAG}" if owner.untagged else f"tag {OWNER_TAG}"
    return f"Owner {owner.name} ({tag})."


def shared_owner_text(owner: Owner) -> str:
    """What it means that everybody with the same role is one owner."""
    return (
        f"The owner is the role {owner.name} alone, since the session name '{owner.session}' is generated: everybody "
        "who uses this role shares jobs, models and endpoints. --owner NAME, or the setting owner, separates them."
    )
