"""``opskit.costs`` for Python programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from opskit.aws.regions import enabled_regions
from opskit.aws.session import AwsSession, open_session
from opskit.bills.flows import read_current_costs
from opskit.bills.render.costs import costs_result
from opskit.bills.rules.items import parse_grouping
from opskit.core.exceptions import UsageError
from opskit.core.settings import load_settings
from opskit.endpoints.cli.app import read_endpoint_policy
from opskit.output.screen import printed_envelope


def current_costs(regions: Sequence[str], by: str | None, profile: str | None, *, cloudtrail: bool) -> dict[str, Any]:
    """What ``opskit costs -o json`` prints as ``data``, for these Regions, with its ``errors`` in it.

    Raises:
        UsageError: ``by`` is nothing that items can be grouped by, no Region is configured, or the settings are wrong.
        AwsError: there are no valid credentials.
    """
    grouping = None if by is None else parse_grouping(by)
    if by is not None and grouping is None:
        raise UsageError("bad-by", f"by does not take '{by}'.", "It takes owner, kind, region, account or tag:KEY.")
    settings, now = load_settings({}), datetime.now(UTC)
    session = open_session(profile=profile, owner_keys=settings.owner_keys)
    policy = read_endpoint_policy(settings)
    clients = [session.client(name) for name in _region_names(session, regions)]
    result = costs_result(read_current_costs(clients, now, policy, trail=cloudtrail), now, grouping, None)
    printed = printed_envelope(("costs",), result)
    return {**printed["data"], "errors": printed["errors"]}


def _region_names(session: AwsSession, regions: Sequence[str]) -> Sequence[str]:
    if "all" in regions:
        return enabled_regions(session.client())
    return list(dict.fromkeys(regions)) or [session.default_region]
