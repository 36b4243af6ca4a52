"""Recognises quota names. SageMaker's errors, people and consoles write Service Quotas' names loosely: without
``Studio``, with other spaces, or cut off at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from opskit.core.model import Requirement, Workload
from opskit.core.text import compact_text
from opskit.quotas.rules.requirements import quota_name_for

_SIZE = r"(?:[0-9]{0,3}xlarge|large|medium|small|micro|nano|metal)"
TYPE = rf"ml\.(?:[a-z]{{1,8}}[0-9][a-z0-9-]{{0,12}}\.{_SIZE}|geospatial\.interactive)"
"""An instance type in text without spaces, in which words run into each other."""

_SLOT = "{}"


@dataclass(frozen=True)
class NamedQuota:
    """A quota by its exact name; ``demand`` is the requirement that it limits, None if opskit does not know one."""

    name: str
    demand: Requirement | None = None


def match_quota_name(text: str, others: Iterable[str] = (), *, cut: bool = False) -> NamedQuota | None:
    """The quota that a loosely written name means; None if it is neither a known one nor one of ``others``. ``cut``:
    the end of the name may be missing; it is completed if only one quota is possible.
    """
    loose = compact_text(text)
    for workload, pattern in _type_patterns().items():
        match = pattern.fullmatch(loose)
        if match:
            requirement = Requirement(match["type"], workload)
            return NamedQuota(quota_name_for(requirement), requirement)
    known = {compact_text(name): NamedQuota(name) for name in others} | _total_quotas()
    for spelling in (loose, f"studio{loose}"):
        if spelling in known:
            return known[spelling]
    return _complete_cut_name(loose, known) if cut and len(loose) > len("ml.t2.micro") else None


def find_quota_names(flat: str) -> Iterator[tuple[re.Match[str], NamedQuota]]:
    """Every known quota that a compacted text names, and where."""
    for workload, pattern in _type_patterns().items():
        for match in pattern.finditer(flat):
            requirement = Requirement(match["type"], workload)
            yield match, NamedQuota(quota_name_for(requirement), requirement)
    for spelling, quota in _total_quotas().items():
        for match in re.finditer(re.escape(spelling), flat):
            yield match, quota


def _complete_cut_name(loose: str, known: Mapping[str, NamedQuota]) -> NamedQuota | None:
    type_match = re.search(TYPE, loose)
    requirements = [Requirement(type_match[0], workload) for workload in Workload] if type_match else []
    expected = {
        compact_text(quota_name_for(requirement)): NamedQuota(quota_name_for(requirement), requirement)
        for requirement in requirements
    }
    possible = {quota for name, quota in {**known, **expected}.items() if name.startswith((loose, f"studio{loose}"))}
    names = {quota.name for quota in possible}
    return next(quota for quota in possible if quota.demand or len(possible) == 1) if len(names) == 1 else None


@cache
def _type_patterns() -> Mapping[Workload, re.Pattern[str]]:
    return {workload: re.compile(_loose_pattern(quota_name_for(Requirement(_SLOT, workload)))) for workload in Workload}


def _loose_pattern(template: str) -> str:
    before, after = (re.escape(part) for part in compact_text(template).split(_SLOT))
    before = before.replace("studio", "(?:studio)?", 1)
    after = re.sub("instances?$", "instances?", after)
    return f"{before}(?P<type>{TYPE}){after}"


@cache
def _total_quotas() -> dict[str, NamedQuota]:
    """The account-wide totals and per-job maxima by their compacted names."""
    quotas: dict[str, NamedQuota] = {}
    for workload in Workload:
        for requirement in (Requirement(None, workload), Requirement(None, workload, per_job=True)):
            try:
                name = quota_name_for(requirement)
                quotas.setdefault(compact_text(name), NamedQuota(name, requirement))
            except KeyError:  # not every workload has both
                continue
    return quotas
