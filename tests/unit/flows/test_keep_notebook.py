"""Keeping a notebook: the new tags come before the old ones go, and nothing is written where nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from opskit.aws import Door
from opskit.decide.idleness import KEEP, KEEP_REASON, KEEP_UNTIL
from opskit.decide.keeping import keep_for
from opskit.errors import AwsFailure, UsageProblem
from opskit.flows.clock import Clock
from opskit.flows.keep_notebook import keep_notebook, unkeep_notebook
from tests.unit.flows.test_create_notebook import LAB, is_not_there, is_there
from tests.unit.stubbed import Script, scripted

CLOCK = Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda seconds: None)
FOR_AN_HOUR = keep_for(timedelta(hours=1), "", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def aws() -> Iterator[tuple[Door, Script]]:
    with scripted() as both:
        yield both
        both[1].is_played()


def tagged(script: Script, *keys: str) -> None:
    tags = [{"Key": key, "Value": "x"} for key in ("team", *keys)]
    script.answers("sagemaker", "list_tags", {"Tags": tags}, {"ResourceArn": LAB, "MaxResults": 100})


def test_a_keep_for_an_hour_ends_one_for_ever(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    written = [{"Key": KEEP_UNTIL, "Value": "2026-01-01T01:00:00+00:00"}]
    script.answers("sagemaker", "add_tags", {"Tags": []}, {"ResourceArn": LAB, "Tags": written})
    tagged(script, KEEP, KEEP_UNTIL)
    script.answers("sagemaker", "delete_tags", {}, {"ResourceArn": LAB, "TagKeys": [KEEP]})
    keep_notebook(door, "lab", FOR_AN_HOUR, CLOCK)


def test_where_nothing_is_obsolete_nothing_is_removed(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    script.answers("sagemaker", "add_tags", {"Tags": []})
    tagged(script, KEEP_UNTIL)
    keep_notebook(door, "lab", FOR_AN_HOUR, CLOCK)


def test_what_is_not_kept_is_not_unkept(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
    tagged(script)
    assert unkeep_notebook(door, "lab", CLOCK)[1] == []


def test_tags_that_may_not_be_read_are_removed_all_the_same(aws: tuple[Door, Script]) -> None:
    door, script = aws
    is_there(script)
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
    script.refuses("sagemaker", "add_tags", "AccessDeniedException", "no")
    with pytest.raises(AwsFailure):
        keep_notebook(door, "lab", FOR_AN_HOUR, CLOCK)
