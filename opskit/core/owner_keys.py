"""The keys of the tags that name an owner."""

from __future__ import annotations

from opskit.core.tag_keys import OWNER

OTHER_OWNER_KEYS = ("owner", "Owner", "created-by", "CreatedBy", "createdBy", "created_by")
"""Those that name one by custom, where the setting ``owner-tags`` names no others."""
OWNER_TAG_KEYS = (OWNER, *OTHER_OWNER_KEYS)
"""All where no setting says otherwise, the first that has a value wins. The first is opskit's own."""
