"""The command that ends what bills, for the credentials that opskit found it with."""

from __future__ import annotations

import shlex

from opskit.bills.rules.items import BilledItem
from opskit.inventory.rules.running_resource import BilledVerdict


def stop_command(item: BilledItem, profile: str | None, role_arn: str | None) -> str | None:
    """What ends an item in the account that it is in; None: it ends with something else. It asks before it stops what
    somebody may want to keep.
    """
    command = item.resource.stop_with
    if command is None:
        return None
    if item.resource.stop_takes_yes and _ends_unasked(item.verdict):
        command += " --yes"
    if profile is not None:
        command += f" --profile {shlex.quote(profile)}"
    if role_arn is None:
        return command
    if command.startswith("opskit "):
        return f"{command} --role-arn {shlex.quote(role_arn)}"
    # The AWS CLI has no such option: a role is named in a profile there.
    return f"{command} # with the credentials of {shlex.quote(role_arn)}"


def _ends_unasked(verdict: BilledVerdict) -> bool:
    match verdict:
        case BilledVerdict.RUNNING | BilledVerdict.IDLE:
            return True
        case BilledVerdict.BUSY | BilledVerdict.PROTECTED | BilledVerdict.UNKNOWN:
            return False
