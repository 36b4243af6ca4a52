"""What goes on at AWS, and bills, when a command ends early: noted where it is made, forgotten where it is seen to end.

Every write that makes something that runs passes through the journal (``state/journal.py``), which notes it here before
it is sent. Who watches a thing notes what it sees. So whatever ends a command, and wherever, the front door
(``cli/command.py``) can name what is left, and no command has to remember to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What can be left running, in the AWS CLI's words."""

    TRAINING_JOB = "training-job"
    TRANSFORM_JOB = "transform-job"
    ENDPOINT = "endpoint"
    NOTEBOOK = "notebook-instance"

    @property
    def words(self) -> str:
        """As people say it."""
        return self.value.replace("-", " ")


@dataclass(frozen=True)
class Running:
    """Something of ours that runs. ``sure`` is False while AWS has not answered whether it was made; ``reached`` tells
    that it is as it was asked for: then it is the command's result, and no accident.
    """

    kind: Kind
    name: str
    region: str
    sure: bool = False
    reached: bool = False


@dataclass
class LeftRunning:
    """All that a connection has made or watches and that has not ended. Several threads may note at once: each touch
    of the dict is one step of Python's own.
    """

    _found: dict[tuple[Kind, str, str], Running] = field(default_factory=dict)

    def note_running(self, running: Running) -> None:
        """What is known of one thing now, in place of what was known before."""
        self._found[running.kind, running.name, running.region] = running

    def note_reached(self, kind: Kind, name: str, region: str) -> None:
        """It is there, as it was asked for."""
        self.note_running(Running(kind, name, region, sure=True, reached=True))

    def note_ended(self, kind: Kind, name: str, region: str) -> None:
        """It has ended, was refused, or is on its way out: nobody has to stop it."""
        self._found.pop((kind, name, region), None)

    def whatever_runs(self, *, unreached: bool = False) -> tuple[Running, ...]:
        """Everything that runs or may run, the oldest first; ``unreached``: without what is as it was asked for."""
        return tuple(each for each in tuple(self._found.values()) if not (unreached and each.reached))
