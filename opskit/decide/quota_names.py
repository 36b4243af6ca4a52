"""Which quota a name means. SageMaker's errors, people and consoles write the names of Service Quotas loosely: without
``Studio``, with other spaces, cut off at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from opskit.decide.demands import quota_name
from opskit.decide.plain_text import squeezed
from opskit.model import Demand, Usage

_SIZE = r"(?:[0-9]{0,3}xlarge|large|medium|small|micro|nano|metal)"
TYPE = rf"ml\.(?:[a-z]{{1,8}}[0-9][a-z0-9-]{{0,12}}\.{_SIZE}|geospatial\.interactive)"
"""An instance type in text without spaces, where words run into it."""

_SLOT = "{}"


@dataclass(frozen=True)
class NamedQuota:
    """A quota by the name Service Quotas gives it; ``demand`` is what it is held against, None where opskit has no
    word for that.
    """

    name: str
    demand: Demand | None = None


def named_quota(text: str, others: Iterable[str] = (), *, cut: bool = False) -> NamedQuota | None:
    """The quota that a name means, None when it means none of ours and none of ``others``. ``cut``: the end of the
    name may be missing, and one that only one quota can have had is completed.
    """
    loose = squeezed(text)
    for usage, pattern in _typed().items():
        found = pattern.fullmatch(loose)
        if found:
            demand = Demand(found["type"], usage)
            return NamedQuota(quota_name(demand), demand)
    known = {squeezed(name): NamedQuota(name) for name in others} | _totals()
    for spelling in (loose, f"studio{loose}"):
        if spelling in known:
            return known[spelling]
    return _completed(loose, known) if cut and len(loose) > len("ml.t2.micro") else None


def quotas_named_in(flat: str) -> Iterator[tuple[re.Match[str], NamedQuota]]:
    """Every quota of ours that squeezed text names, and where."""
    for usage, pattern in _typed().items():
        for found in pattern.finditer(flat):
            demand = Demand(found["type"], usage)
            yield found, NamedQuota(quota_name(demand), demand)
    for spelling, quota in _totals().items():
        for found in re.finditer(re.escape(spelling), flat):
            yield found, quota


def _completed(loose: str, known: Mapping[str, NamedQuota]) -> NamedQuota | None:
    kind = re.search(TYPE, loose)
    demands = [Demand(kind[0], usage) for usage in Usage] if kind else []
    ours = {squeezed(quota_name(demand)): NamedQuota(quota_name(demand), demand) for demand in demands}
    possible = {quota for name, quota in {**known, **ours}.items() if name.startswith((loose, f"studio{loose}"))}
    names = {quota.name for quota in possible}
    return next(quota for quota in possible if quota.demand or len(possible) == 1) if len(names) == 1 else None


@cache
def _typed() -> Mapping[Usage, re.Pattern[str]]:
    return {usage: re.compile(_loose(quota_name(Demand(_SLOT, usage)))) for usage in Usage}


def _loose(template: str) -> str:
    before, after = (re.escape(part) for part in squeezed(template).split(_SLOT))
    before = before.replace("studio", "(?:studio)?", 1)
    after = re.sub("instances?$", "instances?", after)
    return f"{before}(?P<type>{TYPE}){after}"


@cache
def _totals() -> dict[str, NamedQuota]:
    """The quotas over all types and the most a single job may have, by their squeezed names."""
    found = {}
    for usage in Usage:
        for demand in (Demand(None, usage), Demand(None, usage, per_job=True)):
            try:
                found[squeezed(quota_name(demand))] = NamedQuota(quota_name(demand), demand)
            except KeyError:  # not every usage has both
                continue
    return found
