"""Notebooks as they truly are, with what people do in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from opskit.core.instance_processes import InstanceProcess, InstanceReading
from opskit.core.model import JupyterState, Kernel, Terminal, Unknown
from opskit.core.tags import IDLE_SINCE, KEEP, KEEP_UNTIL, NO_INSIDE, UNREADABLE_OK
from opskit.notebooks.rules.idleness import IdlePolicy
from opskit.notebooks.store import InspectionLog
from tests.fakes.grace_tags import grace_tag

HOUR = timedelta(hours=1)


@dataclass
class UsedNotebook:
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


def start_work(notebook: UsedNotebook, now: datetime) -> None:
    notebook.busy, notebook.stirred = True, now


def end_work(notebook: UsedNotebook, now: datetime) -> None:
    notebook.busy, notebook.stirred = False, now


def open_terminal(notebook: UsedNotebook, now: datetime) -> None:
    notebook.terminal = now


def close_terminal(notebook: UsedNotebook, now: datetime) -> None:
    notebook.touched = max(notebook.touched, notebook.terminal or notebook.touched)
    notebook.terminal = None


def save_file(notebook: UsedNotebook, now: datetime) -> None:
    notebook.touched = notebook.saved = now


def open_tab(notebook: UsedNotebook, now: datetime) -> None:
    notebook.tab = True


def close_tab(notebook: UsedNotebook, now: datetime) -> None:
    notebook.touched = now if notebook.tab else notebook.touched
    notebook.tab = False


def start_job(job: str) -> Callable[[UsedNotebook, datetime], None]:
    return lambda notebook, now: setattr(notebook, "job", job)


def allow_inspection(notebook: UsedNotebook, now: datetime) -> None:
    notebook.tags.pop(NO_INSIDE, None)


def tags(key: str, hours: int = 0) -> Callable[[UsedNotebook, datetime], None]:
    return lambda notebook, now: notebook.tags.update({key: (now + hours * HOUR).isoformat()})


def remove_keep(notebook: UsedNotebook, now: datetime) -> None:
    notebook.tags.pop(KEEP, None)


def stop_notebook(notebook: UsedNotebook, now: datetime) -> None:
    notebook.status = "Stopped"


def set_unreadable(silent: bool) -> Callable[[UsedNotebook, datetime], None]:
    def action(notebook: UsedNotebook, now: datetime) -> None:
        notebook.silent = silent

    return action


def copy_grace_tag(notebook: UsedNotebook, now: datetime) -> None:
    notebook.tags[IDLE_SINCE] = grace_tag("dan", timedelta(hours=3), now=now)


USER_ACTIONS: dict[str, Callable[[UsedNotebook, datetime], None]] = {
    "nothing": lambda notebook, now: None,
    "begins to work": start_work,
    "rests": end_work,
    "opens a terminal": open_terminal,
    "saves": save_file,
    "opens a tab": open_tab,
    "closes the tab": close_tab,
    "computes beside Jupyter": start_job("computes"),
    "waits beside Jupyter": start_job("sleeps"),
    "ends its job": start_job(""),
    "forbids to look inside": tags(NO_INSIDE),
    "allows to look inside": allow_inspection,
    "closes the terminal": close_terminal,
    "keeps it": tags(KEEP),
    "keeps it for three hours": tags(KEEP_UNTIL, 3),
    "no longer keeps it": remove_keep,
    "types a mark of old": tags(IDLE_SINCE, -3),
    "copies a mark of another": copy_grace_tag,
    "marks it of tomorrow": tags(IDLE_SINCE, 24),
    "excuses it": tags(UNREADABLE_OK),
    "becomes unreadable": set_unreadable(True),
    "becomes readable": set_unreadable(False),
    "stops it": stop_notebook,
}


def is_kept(notebook: UsedNotebook, now: datetime) -> bool:
    until = notebook.tags.get(KEEP_UNTIL)
    return KEEP in notebook.tags or (until is not None and datetime.fromisoformat(until) > now)


@dataclass(frozen=True)
class Event:
    """What somebody does right after opskit's so-manieth question of a round, which takes AWS or Jupyter some time."""

    after: int
    name: str
    does: str


@dataclass
class Way:
    """The way into a notebook's Jupyter."""

    world: Any
    name: str

    def open_connections(self) -> None:
        self.world.begin_last_look(self.name)

    def read_all(self) -> JupyterState | Unknown:
        seen: JupyterState | Unknown = self.world.told(self.world.used_notebooks[self.name].view(self.world.now))
        return seen

    def inspect_inside(self, notes: InspectionLog) -> InstanceReading:
        reading: InstanceReading = self.world.inspect_inside(self.name, notes)
        return reading

    def close_connections(self) -> None:
        return
