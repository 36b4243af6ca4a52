"""What a look at an endpoint's invocations says in a list of what bills."""

from __future__ import annotations

from opskit.endpoints.rules.model import EndpointVerdict
from opskit.inventory.rules.running_resource import BilledVerdict


def billed_verdict(verdict: EndpointVerdict) -> BilledVerdict:
    """The verdict over an endpoint in the words of that list."""
    match verdict:
        case EndpointVerdict.IDLE:
            return BilledVerdict.IDLE
        case EndpointVerdict.BUSY:
            return BilledVerdict.BUSY
        case EndpointVerdict.PROTECTED:
            return BilledVerdict.PROTECTED
        case EndpointVerdict.STARTING:
            return BilledVerdict.RUNNING
        case EndpointVerdict.UNKNOWN | EndpointVerdict.STOPPED | EndpointVerdict.FAILED:
            return BilledVerdict.UNKNOWN
