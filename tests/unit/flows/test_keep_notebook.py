"""Keeping a notebook: the new tags come before the old ones go, and nothing is written where nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from opskit.aws import Door
from opskit.decide.idleness import KEEP, KEEP_REASON, KEEP_UNTIL
from opskit.decide.keeping import Keep, StandingKeep, keep_for
from opskit.errors import AwsFailure, ConsentMissing, UsageProblem
from opskit.flows.clock import Clock
from opskit.flows.keep_notebook import KeepPlan, keep_notebook, plan_keep, unkeep_notebook
from opskit.state import journal
from tests.unit.flows.test_create_notebook import LAB, is_not_there, is_there
from tests.unit.stubbed import Script, scripted

CLOCK = Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda seconds: None)
FOR_AN_HOUR = keep_for(timedelta(hours=1), "", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def aws() -> Iterator[tuple[Door, Script]]:
    with scripted() as both:
        yield both
        both[1].is_played()


def tagged(script: Script, *keys: str, value: str = "x") -> None:
    tags = [{"Key": key, "Value": value} for key in ("team", *keys)]
    script.answers("sagemaker", "list_tags", {"Tags": tags}, {"ResourceArn": LAB, "MaxResults": 100})


def keep(door: Door, wish: Keep = FOR_AN_HOUR) -> KeepPlan:
    plan = plan_keep(door, "lab", wish, CLOCK)
    keep_notebook(door, plan, CLOCK)
    return plan


def outcomes_written() -> list[str]:
    return [entry.outcome for entry in journal.entries(datetime.min.replace(tzinfo=UTC))]


def test_a_keep_for_an_hour_ends_one_for_ever(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script, KEEP, KEEP_UNTIL)
    written = [{"Key": KEEP_UNTIL, "Value": "2026-01-01T01:00:00+00:00"}]
    script.answers("sagemaker", "add_tags", {"Tags": []}, {"ResourceArn": LAB, "Tags": written})
    tagged(script, KEEP, KEEP_UNTIL)
    script.answers("sagemaker", "delete_tags", {}, {"ResourceArn": LAB, "TagKeys": [KEEP]})
    plan = keep(door)
    assert plan.may_shorten
    assert isinstance(plan.standing, StandingKeep)
    assert (plan.standing.until, plan.standing.because) == (None, "kept: x")


def test_where_nothing_is_obsolete_nothing_is_removed(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.answers("sagemaker", "add_tags", {"Tags": []})
    tagged(script, KEEP_UNTIL)
    assert not keep(door).may_shorten


@pytest.mark.parametrize("throttled", [False, True])
def test_who_keeps_it_for_longer_meanwhile_is_not_overridden(aws: tuple[Door, Script], throttled: bool) -> None:
    door, script = aws
    is_there(script)
    tagged(script)
    if throttled:
        tagged(script)
        script.refuses("sagemaker", "add_tags", "ThrottlingException", "Rate exceeded")
    tagged(script, KEEP)
    with pytest.raises(ConsentMissing, match="Somebody has kept lab meanwhile"):
        keep(door)
    assert outcomes_written() == ["dropped"]


def test_a_throttled_keep_is_sent_again(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.refuses("sagemaker", "add_tags", "ThrottlingException", "Rate exceeded")
    tagged(script, KEEP_UNTIL, value="2026-01-01T00:30:00+00:00")
    script.answers("sagemaker", "add_tags", {"Tags": []})
    tagged(script, KEEP_UNTIL)
    keep(door)
    assert outcomes_written() == ["done"]


def test_a_keep_whose_answer_is_lost_is_looked_up(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.refuses("sagemaker", "add_tags", "InternalFailure", "oops", 500)
    for _ in range(2):
        tagged(script, KEEP_UNTIL, value="2026-01-01T01:00:00+00:00")
    keep(door)
    assert outcomes_written() == ["done"]


def test_where_tags_may_not_be_read_a_keep_may_shorten(aws: tuple[Door, Script]) -> None:
    door, script = aws
    for wish, shortens in ((FOR_AN_HOUR, True), (keep_for(None, "", CLOCK.now()), False)):
        is_there(script)
        script.refuses("sagemaker", "list_tags", "AccessDeniedException", "no")
        assert plan_keep(door, "lab", wish, CLOCK).may_shorten is shortens


def test_an_unkeep_takes_no_keep_off_that_came_while_aws_asked_to_slow_down(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script, KEEP)
    script.refuses("sagemaker", "delete_tags", "ThrottlingException", "Rate exceeded")
    tagged(script, KEEP, value="now it is mine")
    with pytest.raises(ConsentMissing, match="these stay"):
        unkeep_notebook(door, "lab", CLOCK)


def test_what_is_not_kept_is_not_unkept(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    assert unkeep_notebook(door, "lab", CLOCK)[1:] == ([], None)


def test_tags_that_may_not_be_read_are_removed_all_the_same(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        script.refuses("sagemaker", "list_tags", "AccessDeniedException", "no")
    keys = [KEEP, KEEP_UNTIL, KEEP_REASON]
    script.answers("sagemaker", "delete_tags", {}, {"ResourceArn": LAB, "TagKeys": keys})
    assert unkeep_notebook(door, "lab", CLOCK)[1] == keys


def test_who_is_not_there_is_said(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_not_there(script)
    with pytest.raises(UsageProblem, match="no notebook instance 'lab'"):
        unkeep_notebook(door, "lab", CLOCK)


def test_a_refusal_passes_through(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    for _ in range(2):
        tagged(script)
    script.refuses("sagemaker", "add_tags", "AccessDeniedException", "no")
    tagged(script)
    with pytest.raises(AwsFailure):
        keep(door)
    assert outcomes_written() == ["refused"]
