"""What the settings' watch list asks of each Region."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opskit.aws import Door
from opskit.decide.demands import named_demands, together
from opskit.errors import UsageProblem
from opskit.model import Demand
from opskit.settings import Settings, Watch


def watched(settings: Settings, doors: Callable[[Sequence[str]], list[Door]]) -> list[tuple[Door, tuple[Demand, ...]]]:
    """Each Region of the watch list with what is watched there. ``doors`` opens those of named Regions, or the usual
    ones; a ``--region`` that was typed stands above the list's own.

    Raises:
        UsageProblem: the list speaks of a type or a use that cannot be one.
    """
    typed = settings.values["regions"].source == "--region"
    wanted: dict[str, tuple[Door, list[Demand]]] = {}
    for watch in settings.get("watch"):
        demands = watch_demands(watch, settings.values["watch"].source)
        for door in doors(() if typed else watch.regions):
            wanted.setdefault(door.region, (door, []))[1].extend(demands)
    return [(door, together(demands)) for door, demands in wanted.values()]


def watch_demands(watch: Watch, source: str) -> tuple[Demand, ...]:
    """What one entry of the watch list asks of a Region. ``source`` is the file it stands in.

    Raises:
        UsageProblem: it speaks of a type or a use that cannot be one.
    """
    try:
        return named_demands(watch.types, watch.uses, watch.need, share=watch.share)
    except UsageProblem as error:
        told = error.problem
        raise UsageProblem(told.code, f"{source}: watch: {told.message}", told.hint) from error
