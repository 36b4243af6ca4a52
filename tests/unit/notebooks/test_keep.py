"""Keeping a notebook: the new tags come before the old ones go, and nothing is written where nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.exceptions import AwsError, ConfirmationRequired, UsageError
from opskit.core.model import Notebook
from opskit.core.tags import KEEP, KEEP_REASON, KEEP_UNTIL
from opskit.keeps.flows import EndedKeep, KeepPlan, keep_resource, plan_keep, unkeep_resource
from opskit.keeps.rules import CurrentKeep, KeepTags, build_keep_tags
from opskit.notebooks.flows.keep import KEPT_NOTEBOOKS
from opskit.state import journal
from tests.fakes.created_notebooks import LAB, is_not_there, is_there
from tests.fakes.stubbed_client import StubbedCalls, stubbed_client

CLOCK = Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda seconds: None)
FOR_AN_HOUR = build_keep_tags(timedelta(hours=1), "", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def aws() -> Iterator[tuple[AwsClient, StubbedCalls]]:
    with stubbed_client() as both:
        yield both
        both[1].assert_done()


def tagged(script: StubbedCalls, *keys: str, value: str = "x") -> None:
    tags = [{"Key": key, "Value": value} for key in ("team", *keys)]
    script.add_answer("sagemaker", "list_tags", {"Tags": tags}, {"ResourceArn": LAB, "MaxResults": 100})


def keep(client: AwsClient, wish: KeepTags = FOR_AN_HOUR) -> KeepPlan[Notebook]:
    plan = plan_keep(client, KEPT_NOTEBOOKS, "lab", wish, CLOCK)
    keep_resource(client, plan, CLOCK)
    return plan


def outcomes_written() -> list[str]:
    return [entry.outcome for entry in journal.journal_entries(datetime.min.replace(tzinfo=UTC))]


def test_a_keep_for_an_hour_ends_one_for_ever(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script, KEEP, KEEP_UNTIL)
    written = [{"Key": KEEP_UNTIL, "Value": "2026-01-01T01:00:00+00:00"}]
    script.add_answer("sagemaker", "add_tags", {"Tags": []}, {"ResourceArn": LAB, "Tags": written})
    tagged(script, KEEP, KEEP_UNTIL)
    script.add_answer("sagemaker", "delete_tags", {}, {"ResourceArn": LAB, "TagKeys": [KEEP]})
    plan = keep(client)
    assert plan.may_shorten
    assert isinstance(plan.current, CurrentKeep)
    assert (plan.current.until, plan.current.why_kept) == (None, "kept: x")


def test_where_nothing_is_obsolete_nothing_is_removed(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.add_answer("sagemaker", "add_tags", {"Tags": []})
    tagged(script, KEEP_UNTIL)
    assert not keep(client).may_shorten


@pytest.mark.parametrize("throttled", [False, True])
def test_who_keeps_it_for_longer_meanwhile_is_not_overridden(
    aws: tuple[AwsClient, StubbedCalls], throttled: bool
) -> None:
    client, script = aws
    is_there(script)
    tagged(script)
    if throttled:
        tagged(script)
        script.add_refusal("sagemaker", "add_tags", "ThrottlingException", "Rate exceeded")
    tagged(script, KEEP)
    with pytest.raises(ConfirmationRequired, match="Somebody has kept lab meanwhile"):
        keep(client)
    assert outcomes_written() == ["dropped"]


def test_a_throttled_keep_is_sent_again(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.add_refusal("sagemaker", "add_tags", "ThrottlingException", "Rate exceeded")
    tagged(script, KEEP_UNTIL, value="2026-01-01T00:30:00+00:00")
    script.add_answer("sagemaker", "add_tags", {"Tags": []})
    tagged(script, KEEP_UNTIL)
    keep(client)
    assert outcomes_written() == ["done"]


def test_a_keep_whose_answer_is_lost_is_looked_up(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.add_refusal("sagemaker", "add_tags", "InternalFailure", "oops", 500)
    for _ in range(2):
        tagged(script, KEEP_UNTIL, value="2026-01-01T01:00:00+00:00")
    keep(client)
    assert outcomes_written() == ["done"]


def test_where_tags_may_not_be_read_a_keep_may_shorten(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    for wish, shortens in ((FOR_AN_HOUR, True), (build_keep_tags(None, "", CLOCK.now()), False)):
        is_there(script)
        script.add_refusal("sagemaker", "list_tags", "AccessDeniedException", "no")
        assert plan_keep(client, KEPT_NOTEBOOKS, "lab", wish, CLOCK).may_shorten is shortens


def test_an_unkeep_takes_no_keep_off_that_came_while_aws_asked_to_slow_down(
    aws: tuple[AwsClient, StubbedCalls],
) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script, KEEP)
    script.add_refusal("sagemaker", "delete_tags", "ThrottlingException", "Rate exceeded")
    tagged(script, KEEP, value="now it is mine")
    with pytest.raises(ConfirmationRequired, match="these stay"):
        unkeep_resource(client, KEPT_NOTEBOOKS, "lab", CLOCK)


def test_what_is_not_kept_is_not_unkept(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    ended = unkeep_resource(client, KEPT_NOTEBOOKS, "lab", CLOCK)
    assert ended == EndedKeep(ended.resource, [], None)


def test_tags_that_may_not_be_read_are_removed_all_the_same(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        script.add_refusal("sagemaker", "list_tags", "AccessDeniedException", "no")
    keys = [KEEP, KEEP_UNTIL, KEEP_REASON]
    script.add_answer("sagemaker", "delete_tags", {}, {"ResourceArn": LAB, "TagKeys": keys})
    assert unkeep_resource(client, KEPT_NOTEBOOKS, "lab", CLOCK).removed == keys


def test_who_is_not_there_is_said(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_not_there(script)
    with pytest.raises(UsageError, match="no notebook instance 'lab'"):
        unkeep_resource(client, KEPT_NOTEBOOKS, "lab", CLOCK)


def test_a_refusal_passes_through(aws: tuple[AwsClient, StubbedCalls]) -> None:
    client, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.add_refusal("sagemaker", "add_tags", "AccessDeniedException", "no")
    tagged(script)
    with pytest.raises(AwsError):
        keep(client)
    assert outcomes_written() == ["refused"]
