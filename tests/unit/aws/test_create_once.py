"""Nothing is made twice, and nothing is believed that was not looked at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opskit.aws.create_once import create_once
from opskit.core.clock import Clock
from opskit.core.exceptions import AccessDenied, AwsError, OutcomeUnknown

CLOCK = Clock(lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda seconds: None)
LOST = OutcomeUnknown("outcome-unknown", "no answer")
REFUSED = AwsError("aws-refused", "ResourceInUse", aws_code="ResourceInUse")


class Thing:
    """Something that is made once; ``looks`` is what each look at it says."""

    def __init__(self, error: AwsError | None, *looks: bool | AwsError) -> None:
        self.error, self.looks, self.made = error, list(looks), 0

    def make(self) -> None:
        self.made += 1
        if self.error:
            raise self.error

    def is_there(self) -> bool:
        said = self.looks.pop(0)
        if isinstance(said, AwsError):
            raise said
        return said


@pytest.mark.parametrize(
    "thing",
    [
        Thing(None),
        Thing(LOST, True),
        Thing(LOST, False, False, True),  # AWS may take a moment to know
        Thing(LOST, AwsError("x", "x"), True),
        Thing(REFUSED, True),  # another opskit was quicker
    ],
)
def test_create_once_sends_once_where_the_resource_is_there(thing: Thing) -> None:
    create_once(thing.make, thing.is_there, CLOCK)
    assert thing.made == 1


@pytest.mark.parametrize(
    ("thing", "error"),
    [
        (Thing(LOST, False, False, False), LOST),
        (Thing(LOST, *[AccessDenied("denied", "no")] * 3), LOST),
        (Thing(REFUSED, False), REFUSED),
        (Thing(REFUSED, AccessDenied("denied", "no")), REFUSED),
    ],
)
def test_create_once_raises_where_the_resource_is_not_there_or_unknown(thing: Thing, error: AwsError) -> None:
    with pytest.raises(AwsError) as caught:
        create_once(thing.make, thing.is_there, CLOCK)
    assert caught.value is error
    assert thing.made == 1
