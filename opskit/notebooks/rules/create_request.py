"""What may be asked of a new notebook instance, checked before any call. The patterns are those of AWS's API model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opskit.core.aws_names import LONGEST_NAME, is_possible_name
from opskit.core.exceptions import UsageError
from opskit.core.owners import OWNER_TAG
from opskit.core.tags import TAG_RULE, describe_bad_tag, is_tag_key, is_tag_value
from opskit.quotas.rules.requirements import parse_instance_type

COURSE_TYPE = "ml.t2.medium"
# AWS's bounds for VolumeSizeInGB, CodeRepository and tags, by its API model.
SMALLEST_GB, LARGEST_GB = 5, 16384

_REPOSITORY = re.compile(r"https://[^/\s]+/\S+|[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+")
_MAX_TAGS = 50


@dataclass(frozen=True)
class NotebookSpec:
    """A notebook instance as the user wants it. ``type_explicit``: the user said which type. ``role`` None:
    opskit's own is used, and made where it is missing. ``git`` None: no repository is cloned. ``guard``: look at
    the quotas first. ``role_boundary`` is the ARN of the permissions boundary of a role that is made; None:
    it gets none.
    """

    name: str
    instance_type: str = COURSE_TYPE
    type_explicit: bool = True
    role: str | None = None
    git: str | None = None
    volume_gb: int = SMALLEST_GB
    tags: Mapping[str, str] = field(default_factory=dict)
    guard: bool = True
    role_boundary: str | None = None


def parse_notebook_spec(
    name: str,
    instance_type: str | None,
    *,
    role: str | None = None,
    git: str | None = None,
    volume_gb: int = SMALLEST_GB,
    tags: Sequence[str] = (),
    guard: bool = True,
    role_boundary: str | None = None,
) -> NotebookSpec:
    """What was typed, as the request for a notebook instance. ``volume_gb`` is the size of its volume in GB, by AWS's
    rule 5 to 16,384; names, repositories, tags and policies are held to AWS's rules too.

    Raises:
        UsageError: AWS would not take it.
    """
    if not SMALLEST_GB <= volume_gb <= LARGEST_GB:
        text = f"A notebook's volume has {SMALLEST_GB} to {LARGEST_GB} GB, not {volume_gb}."
        raise UsageError("bad-volume", text, "It can be enlarged later, never made smaller.")
    return NotebookSpec(
        name=parse_notebook_name(name),
        instance_type=parse_instance_type(COURSE_TYPE if instance_type is None else instance_type),
        type_explicit=instance_type is not None,
        role=role,
        git=None if git is None else _parse_repository(git),
        volume_gb=volume_gb,
        tags=parse_tags(tags),
        guard=guard,
        role_boundary=None if role_boundary is None else parse_boundary(role_boundary),
    )


def parse_notebook_name(word: str) -> str:
    """A name for a notebook instance: by AWS's rule letters, digits and hyphens between them, 63 at most.

    Raises:
        UsageError: it cannot be one.
    """
    if is_possible_name(word):
        return word
    hint = f"1 to {LONGEST_NAME} letters, digits and hyphens, with a letter or digit at both ends."
    raise UsageError("bad-name", f"'{word}' cannot be the name of a notebook instance.", hint)


def parse_tags(pairs: Sequence[str]) -> dict[str, str]:
    """Tags typed as KEY=VALUE.

    Raises:
        UsageError: one is no tag, is AWS's own, or has two values.
    """
    tags: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key.strip() and equals):
            raise UsageError("bad-tag", f"'{pair}' is not a valid tag.", "Write it like team=blue.")
        if not (is_tag_key(key) and is_tag_value(value)):
            raise UsageError("bad-tag", f"The tag '{pair}' {describe_bad_tag(key, value)}.", TAG_RULE)
        if key.lower().startswith("aws:"):
            raise UsageError("bad-tag", f"'{key}' cannot be set: tags that begin with aws: are AWS's own.")
        if key == OWNER_TAG:
            raise UsageError("bad-tag", f"'{key}' is opskit's own tag.", "Say whose it is with --owner.")
        if tags.setdefault(key, value) != value:
            raise UsageError("bad-tag", f"The tag '{key}' has two values.", "Give it one.")
    if len(tags) > _MAX_TAGS:
        raise UsageError("bad-tag", f"{len(tags)} tags are more than AWS allows ({_MAX_TAGS}).")
    return tags


def parse_boundary(arn: str) -> str:
    """The ARN of a permissions boundary.

    Raises:
        UsageError: it is not the ARN of a policy.
    """
    if not _POLICY_ARN.fullmatch(arn):
        hint = "It looks like arn:aws:iam::123456789012:policy/NAME."
        raise UsageError("bad-boundary", f"'{arn}' is not the ARN of an IAM policy.", hint)
    return arn


def _parse_repository(word: str) -> str:
    """A Git repository: an https URL, or the name of one that SageMaker knows.

    Raises:
        UsageError: AWS would not take it, or it holds a password.
    """
    hint = "An https URL, or the name of a repository added to SageMaker (SageMaker console, Git repositories)."
    if not _REPOSITORY.fullmatch(word) or len(word) > 1024:
        raise UsageError("bad-repository", "That is not a repository SageMaker can clone.", hint)
    if word.startswith("https://") and "@" in word.split("/")[2]:
        text = (
            "The repository's URL holds a user or password, which everybody who may describe the notebook could read."
        )
        raise UsageError("secret-in-url", text, f"Leave it out. {hint}")
    return word
