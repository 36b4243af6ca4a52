"""Somebody saves a file while opskit looks: after whichever of its requests that is, it is seen."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.fake_notebooks import FakeNotebook, Untidiness
from tests.fakes.inside_runs import Account, at_rest, rows_by_name, stop_idle

pytestmark = pytest.mark.served

REQUESTS, AGAIN = 31, 10
"""What opskit asks of a notebook, or does in it, in one run; and what it repeats for each stop that is throttled."""


@dataclass
class Saver:
    """Saves a file right after the so-manieth thing that opskit asks of a notebook or does in it; 0: never."""

    saves_after: int
    seen: list[str] = field(default_factory=list)

    def note_request(self, lab: FakeNotebook, what: str) -> None:
        self.seen.append(what)
        if len(self.seen) == self.saves_after:
            lab.save_file()

    def comes_too_late(self) -> bool:
        """Whether nothing was asked after the save that might have shown it."""
        return self.saves_after == 0 or "status" not in self.seen[self.saves_after :]


@dataclass
class ThrottlesFirst(Untidiness):
    """Throttles so many stops of each notebook, and none after these."""

    first: int = 0
    tried: Counter[str] = field(default_factory=Counter)

    def is_throttled(self, lab: FakeNotebook) -> bool:
        self.tried[lab.name] += 1
        return self.tried[lab.name] <= self.first


@pytest.mark.parametrize(
    ("throttles", "more"),
    [
        pytest.param(0, {"since": timedelta(hours=3)}, id="names"),
        # For longer than --tab-age, so that only what changed inside counts.
        pytest.param(1, {"since": timedelta(hours=5), "times_terminals": False}, id="without times, throttled"),
        *(
            pytest.param(throttles, more, marks=pytest.mark.soak)
            for throttles, more in (
                (0, {"since": timedelta(hours=5)}),
                (1, {"since": timedelta(hours=3), "numbers_terminals": True}),
                (2, {"since": timedelta(hours=3), "numbers_terminals": True}),
                (2, {"since": timedelta(hours=5)}),
                (2, {"since": timedelta(hours=5), "times_terminals": False}),
            )
        ),
    ],
)
def test_a_save_after_any_request_keeps_the_notebook_on(
    throttles: int, more: dict[str, Any], inside_account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    savers = {f"lab-{at:02}": Saver(at) for at in range(REQUESTS + AGAIN * throttles + 2)}
    rooms = inside_account(*(at_rest(name, **more) for name in savers))
    rooms.then = lambda lab, what: savers[lab.name].note_request(lab, what)
    rooms.untidy = ThrottlesFirst(random.Random(1), first=throttles)
    stop_idle(capsys, "--inside", "--limit", "99")
    undisturbed = savers["lab-00"].seen
    assert rooms.labs["lab-00"].stops == 1
    assert {"a new terminal", "a command", "a reading", "its output", "status"} < set(undisturbed)
    assert len(undisturbed) < len(savers)
    for name, saver in savers.items():
        is_late = saver.comes_too_late()
        assert (rooms.labs[name].stops == 0) or is_late, (name, saver.seen[saver.saves_after - 1 :])
    # Nor does what this run noted of its looks hide a save from the next.
    left = {name for name, lab in rooms.labs.items() if lab.stops == 0}
    assert left
    again = rows_by_name(stop_idle(capsys, "--inside", "--limit", "99"))
    assert {name: (again[name]["verdict"], rooms.labs[name].stops) for name in left} == dict.fromkeys(left, ("busy", 0))
