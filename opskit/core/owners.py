"""Whose something is, from its tags."""

from __future__ import annotations

from collections.abc import Mapping

OWNER_TAG_KEYS = ("opskit:owner", "owner", "Owner")
"""The tag keys that name an owner, the first that has a value wins. The first is opskit's own."""


def owner_from_tags(tags: object) -> str | None:
    """The owner that these tags name; None where they name none, or could not be read."""
    if not isinstance(tags, Mapping):
        return None
    return next((str(tags[key]).strip() for key in OWNER_TAG_KEYS if str(tags.get(key, "")).strip()), None)


def owner_record(tags: object) -> dict[str, str | None]:
    """The owner and how it is known, as JSON has it."""
    owner = owner_from_tags(tags)
    return {"owner": owner, "owner_source": "tag" if owner else None}
