"""How a run goes on, for people to watch: a bar and the newest lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, assert_never

from opskit.decide.naming import Follow, Show, Start
from opskit.decide.rounds import Round, read_round
from opskit.flows.events import Chosen, Event, LogLine, Priced, Remark, State, Tell, Trouble, Uploaded
from opskit.left_running import Kind
from opskit.show.money import money
from opskit.show.render import Screen


@contextmanager
def watching(screen: Screen, rounds: int | None = None) -> Iterator[Tell]:
    """A teller for a run's events. ``rounds`` is how many the training may take, where that is known."""
    if screen.quiet or not screen.err.isatty():
        yield lambda event: screen.say(line_of(event)) if line_of(event) else None
        return
    from opskit.show.rich_console import console_on

    with _bar(console_on(screen.err, color=screen.color), rounds) as tell:
        yield tell


def line_of(event: Event) -> str:
    """An event as a line; an empty one is not worth saying."""
    match event:
        case Priced(parts):
            return "\n".join(money(parts))
        case Chosen():
            return _chosen(event)
        case Uploaded(uri, size):
            return f"Uploaded {uri} ({size:,} bytes)."
        case State(kind, name, state):
            return f"{name}: {_PREFIXES[kind]}{state}"
        case LogLine(text):
            return f"  {text}"
        case Trouble(what, because):
            return f"{what}: {because}"
        case Remark(text):
            return text
        case _:
            assert_never(event)


_VERBS = {
    Kind.TRAINING_JOB: "Training",
    Kind.TRANSFORM_JOB: "Batch transform",
    Kind.ENDPOINT: "Endpoint",
}


_PREFIXES = {Kind.TRAINING_JOB: "", Kind.TRANSFORM_JOB: "transform ", Kind.ENDPOINT: "endpoint "}


def _chosen(event: Chosen) -> str:
    fleet, name = event.fleet, event.next.name
    match event.next:
        case Start(_, after):
            again = f" The attempt before, {after[0]}, is {after[1].value.lower()}." if after else ""
            return f"{_VERBS[event.kind]} {name} on {fleet.count} x {fleet.instance_type}.{again}"
        case Follow():
            return f"The {event.kind.words} {name} is in progress already; following it."
        case Show():
            return f"The {event.kind.words} {name} is there already: nothing is paid twice."
        case _:
            assert_never(event.next)


@contextmanager
def _bar(console: Any, rounds: int | None) -> Iterator[Tell]:
    """A bar that counts boosting rounds under the lines, and a clock for whatever counts nothing."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from opskit.show.rich_console import shown_text

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Looking at the account", total=None)

        def tell(event: Event) -> None:
            if line_of(event):
                console.print(shown_text(line_of(event)), soft_wrap=True)  # what is copied from it stays whole
            found = read_round(event.text) if isinstance(event, LogLine) else None
            if found:
                progress.update(task, total=rounds, completed=found.number + 1, description=_scores(found))
            elif isinstance(event, State | Chosen):
                progress.reset(task, total=None, description=_short(event))

        yield tell


def _scores(found: Round) -> str:
    return "  ".join([f"round {found.number}", *(f"{name} {value:g}" for name, value in found.scores.items())])


def _short(event: State | Chosen) -> str:
    if isinstance(event, Chosen):
        return f"{_VERBS[event.kind]}"
    return f"{_VERBS[event.kind]}: {event.state}"
