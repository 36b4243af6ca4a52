"""The names of the notebooks that --match, --tag and --owner choose, for commands that change them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError, UsageError
from opskit.core.model import Notebook, Unknown
from opskit.notebooks.flows.inspect import read_tags_or_unknown
from opskit.notebooks.reads.notebooks import list_notebooks
from opskit.notebooks.rules.notebook_filter import NotebookFilter
from opskit.notebooks.store.known_names import remember_names


def select_names(client: AwsClient, meant: NotebookFilter) -> list[str]:
    """The notebooks that are meant, by name. Those that were named and nothing else are taken as they are.

    Raises:
        UsageError: none is.
        AwsError: the listing, or the tags of one that its name would choose, could not be read.
    """
    if not meant.is_narrow:
        return list(meant.names)
    listed = list(list_notebooks(client))
    remember_names(client, listed)
    found = [each for each in listed if meant.matches_name(each) and not each.traits.is_going]
    if meant.has_tag_choice:
        found = [
            each
            for each, tags in zip(found, _read_all_tags(client, found), strict=True)
            if meant.matches_tags(tags, client.owner_keys)
        ]
    if not found:
        text = f"No notebook instance in {client.region} is chosen by that."
        raise UsageError("no-notebook", text, "`opskit notebook list` shows them; --region looks elsewhere.")
    return [each.name for each in found]


def _read_all_tags(client: AwsClient, found: list[Notebook]) -> list[Mapping[str, str]]:
    """The tags of each."""
    # Fresh, not from the index of the tagging API: what they choose is changed.
    read = gather_all([partial(read_tags_or_unknown, client, each) for each in found])
    unread = [(each, tags) for each, tags in zip(found, read, strict=True) if isinstance(tags, Unknown)]
    if unread:
        notebook, why = unread[0]
        text = f"The tags of {len(unread)} notebooks could not be read, the first is {notebook.name}: {why.reason}"
        raise AwsError("tags-unreadable", text, "Name the notebooks instead.", region=client.region)
    return [tags for tags in read if not isinstance(tags, Unknown)]
