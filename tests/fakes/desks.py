"""Notebooks as they truly are, with what people do in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from opskit.core.instance_processes import InstanceProcess, InstanceReading
from opskit.core.model import JupyterState, Kernel, Terminal, Unknown
from opskit.core.tags import IDLE_SINCE, KEEP, KEEP_UNTIL, NO_INSIDE, UNREADABLE_OK
from opskit.notebooks.rules.idleness import IdlePolicy
from tests.fakes.grace_tags import grace_tag

HOUR = timedelta(hours=1)


@dataclass
class Desk:
    """Somebody's notebook as it truly is. ``stirred`` is when a kernel last did anything, ``terminal`` when somebody
    last typed in the one that is open, ``touched`` when anything else was done, by a tab of the browser for example,
    which polls for as long as it is open (``tab``). ``saved`` is when a file was last changed, ``job`` what goes on
    beside Jupyter, ``moved`` when opskit's own looks inside last moved something.
    """

    since: datetime
    stirred: datetime
    touched: datetime
    status: str = "InService"
    busy: bool = False
    terminal: datetime | None = None
    silent: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    tab: bool = False
    saved: datetime | None = None
    job: str = ""
    moved: datetime | None = None

    def view(self, now: datetime) -> JupyterState | Unknown:
        if self.silent:
            return Unknown("it is silent")
        kernel = Kernel("k", "busy" if self.busy else "idle", self.stirred, 0)
        terminals = () if self.terminal is None else (Terminal("1", self.terminal),)
        used = now if self.tab else self.touched
        return JupyterState((kernel,), terminals, max(self.stirred, used, self.terminal or used, self.moved or used))

    def processes(self, now: datetime) -> InstanceReading:
        """What runs in its instance."""
        jupyter, ours = process(2, 1, "python"), process(9, 2, "sh")
        grown = {"computes": timedelta(seconds=2), "sleeps": timedelta(0)}
        jobs = (process(7, 1, "train", grown[self.job]),) if self.job else ()
        newest = None if self.saved is None else now - self.saved
        return InstanceReading((jupyter, ours, *jobs), 9, timedelta(seconds=3), newest_file=newest)

    def worked(self, policy: IdlePolicy) -> datetime:
        """When somebody last worked in it who counts."""
        typed = None if policy.ignore_terminals else self.terminal
        return max(self.since, self.stirred, typed or self.since)


def process(pid: int, parent: int, program: str, grown: timedelta = timedelta(0)) -> InstanceProcess:
    return InstanceProcess(pid, parent, "ec2-user", program, None, ("S", "S"), HOUR, 2 * HOUR, grown, grown)


def works(desk: Desk, now: datetime) -> None:
    desk.busy, desk.stirred = True, now


def rests(desk: Desk, now: datetime) -> None:
    desk.busy, desk.stirred = False, now


def opens_a_terminal(desk: Desk, now: datetime) -> None:
    desk.terminal = now


def closes_the_terminal(desk: Desk, now: datetime) -> None:
    desk.touched = max(desk.touched, desk.terminal or desk.touched)
    desk.terminal = None


def saves(desk: Desk, now: datetime) -> None:
    desk.touched = desk.saved = now


def opens_a_tab(desk: Desk, now: datetime) -> None:
    desk.tab = True


def closes_the_tab(desk: Desk, now: datetime) -> None:
    desk.touched = now if desk.tab else desk.touched
    desk.tab = False


def begins_a_job(job: str) -> Callable[[Desk, datetime], None]:
    return lambda desk, now: setattr(desk, "job", job)


def allows_to_look_inside(desk: Desk, now: datetime) -> None:
    desk.tags.pop(NO_INSIDE, None)


def tags(key: str, hours: int = 0) -> Callable[[Desk, datetime], None]:
    return lambda desk, now: desk.tags.update({key: (now + hours * HOUR).isoformat()})


def keeps_no_more(desk: Desk, now: datetime) -> None:
    desk.tags.pop(KEEP, None)


def stops_it(desk: Desk, now: datetime) -> None:
    desk.status = "Stopped"


def is_silent(silent: bool) -> Callable[[Desk, datetime], None]:
    def deed(desk: Desk, now: datetime) -> None:
        desk.silent = silent

    return deed


def copies_mark(desk: Desk, now: datetime) -> None:
    desk.tags[IDLE_SINCE] = grace_tag("dan", timedelta(hours=3), now=now)


DEEDS: dict[str, Callable[[Desk, datetime], None]] = {
    "nothing": lambda desk, now: None,
    "begins to work": works,
    "rests": rests,
    "opens a terminal": opens_a_terminal,
    "saves": saves,
    "opens a tab": opens_a_tab,
    "closes the tab": closes_the_tab,
    "computes beside Jupyter": begins_a_job("computes"),
    "waits beside Jupyter": begins_a_job("sleeps"),
    "ends its job": begins_a_job(""),
    "forbids to look inside": tags(NO_INSIDE),
    "allows to look inside": allows_to_look_inside,
    "closes the terminal": closes_the_terminal,
    "keeps it": tags(KEEP),
    "keeps it for three hours": tags(KEEP_UNTIL, 3),
    "no longer keeps it": keeps_no_more,
    "types a mark of old": tags(IDLE_SINCE, -3),
    "copies a mark of another": copies_mark,
    "marks it of tomorrow": tags(IDLE_SINCE, 24),
    "excuses it": tags(UNREADABLE_OK),
    "closes its door": is_silent(True),
    "opens its door": is_silent(False),
    "stops it": stops_it,
}


def is_kept(desk: Desk, now: datetime) -> bool:
    until = desk.tags.get(KEEP_UNTIL)
    return KEEP in desk.tags or (until is not None and datetime.fromisoformat(until) > now)


@dataclass(frozen=True)
class Event:
    """What somebody does right after opskit's so-manieth question of a round, which takes AWS or Jupyter some time."""

    after: int
    name: str
    does: str
