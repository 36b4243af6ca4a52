"""Which notebooks a command is about, where they are not named one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from opskit.core.exceptions import UsageError
from opskit.core.model import Notebook, Unknown
from opskit.core.owners import is_owner_named, owner_from_tags
from opskit.core.setting_values import parse_tag_filter


@dataclass(frozen=True)
class NotebookFilter:
    """The notebooks of these ``names`` (all, where none is given) whose name matches ``glob``, which have the ``tag``
    and belong to ``owner`` (None: whatever they are). One whose tags cannot be read may be one of them. ``shows_tags``:
    the tags of all are read, also where nothing depends on them.
    """

    names: Sequence[str] = ()
    glob: str = "*"
    tag: tuple[str, str] | None = None
    owner: str | None = None
    shows_tags: bool = False

    @property
    def has_tag_choice(self) -> bool:
        """Whether tags decide."""
        return self.tag is not None or self.owner is not None

    @property
    def is_narrow(self) -> bool:
        """Whether anything but names chooses."""
        return self.glob != "*" or self.has_tag_choice

    def matches_name(self, notebook: Notebook) -> bool:
        """Whether its name is one of those."""
        return (not self.names or notebook.name in self.names) and fnmatchcase(notebook.name, self.glob)

    def matches_tags(self, tags: Mapping[str, str] | Unknown | None, owner_keys: Sequence[str]) -> bool:
        """Whether its tags are, or may be, those. None: it is being deleted, and is none of those that tags choose.
        ``owner_keys`` are the keys that name an owner.
        """
        if not self.has_tag_choice or isinstance(tags, Unknown):
            return True
        told = tags or {}
        has_tag = self.tag is None or told.get(self.tag[0]) == self.tag[1]
        return has_tag and (self.owner is None or is_owner_named(owner_from_tags(told, owner_keys), self.owner))


EVERY_NOTEBOOK = NotebookFilter()


def select_notebooks(names: Sequence[str] | None, glob: str, tag: str | None, owner: str | None) -> NotebookFilter:
    """The notebooks that a command is about: named, or chosen by --match, --tag and --owner.

    Raises:
        UsageError: neither; or the tag is none.
    """
    meant = NotebookFilter(names or (), glob, parse_tag_filter(tag), owner)
    if not (meant.names or meant.is_narrow):
        text = "Give notebook names, or --match, --tag or --owner."
        raise UsageError("which-notebooks", text, "`opskit notebook list` shows them.")
    return meant
