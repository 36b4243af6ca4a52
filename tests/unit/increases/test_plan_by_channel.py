"""What each channel makes of what is there, of what was asked for before, and of a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from opskit.core.model import Quota, Workload
from opskit.increases.render.increase import increase_result
from opskit.increases.rules.channel import Channel
from opskit.increases.rules.increase import IncreaseOutcome, IncreaseResult, IncreaseTarget, Submission
from opskit.increases.rules.plan import QuotaSnapshot, SupportInfo, plan_increase
from opskit.increases.rules.support_cases import SupportCategory
from opskit.quotas.rules.model import IncreaseRequest, RequestStatus
from opskit.quotas.rules.requirements import quota_name_for

HERE = "eu-west-1"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WISH = IncreaseTarget("ml.m4.xlarge", Workload.TRAINING, 4)
NAME = quota_name_for(WISH.requirement())
SUPPORT = SupportInfo(SupportCategory("service-limit-increase", "service-code-sagemaker"), ())


def snapshot(applied: float, *requests: IncreaseRequest) -> QuotaSnapshot:
    return QuotaSnapshot(HERE, NAME, Quota(HERE, NAME, "L-A373146E", applied, 0, adjustable=True), requests, SUPPORT)


def request(status: RequestStatus, hours_ago: float = 1) -> IncreaseRequest:
    return IncreaseRequest("r-1", HERE, NAME, "L-A373146E", 4, status, NOW - timedelta(hours=hours_ago), None)


@pytest.mark.parametrize("channel", Channel)
def test_what_is_there_or_open_spares_each_channel(channel: Channel) -> None:
    assert plan_increase(WISH, snapshot(4), channel, NOW).outcome is IncreaseOutcome.ALREADY_ENOUGH
    is_open = snapshot(0, request(RequestStatus.CASE_OPENED))
    assert plan_increase(WISH, is_open, channel, NOW).outcome is IncreaseOutcome.ALREADY_OPEN
    assert plan_increase(WISH, snapshot(0), channel, NOW).outcome is IncreaseOutcome.PLANNED


@pytest.mark.parametrize(
    ("sent_by", "hours_ago", "is_asked_for"),
    [
        (Channel.SUPPORT, 1, True),
        (Channel.SERVICE_QUOTAS, 1, False),  # that was a request
        (Channel.SERVICE_QUOTAS, 30, True),
        (Channel.CONSOLE, 30, False),
    ],
)
def test_a_case_was_asked_for_only_by_what_sends_one(sent_by: Channel, hours_ago: float, is_asked_for: bool) -> None:
    submission = Submission(NOW - timedelta(minutes=10), 4, channel=sent_by)
    stuck = snapshot(0, request(RequestStatus.PENDING, hours_ago))
    increase = plan_increase(WISH, stuck, Channel.SUPPORT, NOW, submission)
    assert ("A support case for it was asked for" in increase.reason) is is_asked_for
    assert increase.will_send is not is_asked_for


@pytest.mark.parametrize("channel", Channel)
def test_the_console_is_named_where_another_channel_refuses(channel: Channel) -> None:
    planned = plan_increase(WISH, snapshot(0), channel, NOW)
    refused = replace(planned, channel=channel, step=IncreaseResult(IncreaseOutcome.REFUSED))
    [record] = increase_result([refused]).data["requests"]
    assert (record["console"] is not None) is (channel is not Channel.CONSOLE)
