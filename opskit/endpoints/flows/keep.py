"""How endpoints are kept, and which ones --match, --tag and --owner choose."""

from __future__ import annotations

from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.aws.resource_tags import read_arn_tags
from opskit.core.aws_names import is_possible_name
from opskit.core.exceptions import AwsError, UsageError
from opskit.core.model import Unknown
from opskit.endpoints.changes import endpoints as changes
from opskit.endpoints.flows.inspect import EndpointFilter
from opskit.endpoints.reads.endpoints import list_endpoint_names, read_hosted_endpoint
from opskit.endpoints.rules.enums import EndpointAction
from opskit.endpoints.rules.model import HostedEndpoint
from opskit.keeps.flows import KeptKind

LIST_HINT = "`opskit endpoint list` shows them, and those that opskit has stopped; --region looks elsewhere."


def get_endpoint(client: AwsClient, name: str) -> HostedEndpoint:
    """The endpoint of this name.

    Raises:
        UsageError: the Region has none, or it is being deleted.
        AwsError: it could not be read.
    """
    found = read_hosted_endpoint(client, name) if is_possible_name(name) else None
    if found is None or found.traits.is_going:
        what = f"There is no endpoint '{name}' in {client.region}" if found is None else f"{name} is being deleted"
        raise UsageError("no-endpoint", f"{what}.", LIST_HINT)
    return found


KEPT_ENDPOINTS: KeptKind[HostedEndpoint] = KeptKind(
    "opskit endpoint",
    "endpoints",
    EndpointAction.TAG,
    get_endpoint,
    changes.prepare_endpoint_tagging,
    changes.prepare_endpoint_untagging,
)


def choose_endpoint_names(client: AwsClient, meant: EndpointFilter) -> list[str]:
    """The endpoints that are meant, by name. Those that were named and nothing else are taken as they are.

    Raises:
        UsageError: none is.
        AwsError: the listing, or the tags of one that its name would choose, could not be read.
    """
    if not meant.is_narrow:
        return list(meant.names)
    names = [name for name in list_endpoint_names(client) if meant.matches_name(name)]
    found = gather_all([partial(read_hosted_endpoint, client, name) for name in names])
    there = [each for each in found if each is not None and not each.traits.is_going]
    chosen = [each.name for each in (_with_choice(client, there, meant) if meant.has_tag_choice else there)]
    if not chosen:
        raise UsageError("no-endpoint", f"No endpoint in {client.region} is chosen by that.", LIST_HINT)
    return chosen


def _with_choice(client: AwsClient, there: list[HostedEndpoint], meant: EndpointFilter) -> list[HostedEndpoint]:
    """Those whose tags are meant."""
    # Read anew, not from the tagging API's index: what they choose is changed.
    read = gather_all([partial(read_arn_tags, client, each.arn) for each in there])
    for endpoint, tags in zip(there, read, strict=True):
        if isinstance(tags, Unknown):
            text = f"The tags of {endpoint.name} could not be read: {tags.reason}"
            raise AwsError("tags-unreadable", text, "Name the endpoints instead.", region=client.region)
    return [each for each, tags in zip(there, read, strict=True) if meant.matches_tag(tags, client.owner_keys)]
