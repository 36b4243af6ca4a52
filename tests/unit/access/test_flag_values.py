"""A flag's value narrows a policy to what that value calls."""

from __future__ import annotations

import pytest

from opskit.access.rules.call_sets import EVIDENCE_CALLS
from opskit.access.rules.permissions import FLAG_CALLS, calls_of_command
from opskit.increases.rules.channel import Channel
from opskit.notebooks.rules.enums import EvidenceSource


@pytest.mark.parametrize("source", EvidenceSource)
@pytest.mark.parametrize("command", [command for command, flags in FLAG_CALLS.items() if "--evidence" in flags])
def test_a_source_of_evidence_is_allowed_without_the_others(command: str, source: EvidenceSource) -> None:
    any_source = frozenset[str]().union(*EVIDENCE_CALLS.values())
    granted = calls_of_command(command, {"--evidence": source.value})
    assert granted & any_source == EVIDENCE_CALLS[source]
    assert granted - any_source == calls_of_command(command) - any_source
    assert calls_of_command(command, ["--evidence"]) >= any_source


def test_a_channel_is_allowed_without_the_others() -> None:
    granted = {channel: calls_of_command("quotas increase", {"--via": channel.value}) for channel in Channel}
    requests, cases = "service-quotas:RequestServiceQuotaIncrease", "support:CreateCase"
    assert {channel: (requests in calls, cases in calls) for channel, calls in granted.items()} == {
        Channel.AUTO: (True, True),
        Channel.SERVICE_QUOTAS: (True, False),
        Channel.SUPPORT: (False, True),
        Channel.CONSOLE: (False, False),
    }
    assert calls_of_command("quotas increase", ["--via"]) == granted[Channel.AUTO]
    # A training has no --via: its increase is asked for by the automatic channel, whatever else is allowed.
    assert granted[Channel.SUPPORT] >= FLAG_CALLS["train"]["--via"]
    assert requests in calls_of_command("train", {"--request-increase": "", "--via": "support"})
