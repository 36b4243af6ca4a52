"""What a complaint of AWS's means for whoever met it: which quota, what helps, and the one command for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from opskit.core.model import Requirement
from opskit.explain.rules.error_match import ErrorMatch, RegionHint
from opskit.explain.rules.error_rules import RULE_BY_KIND
from opskit.quotas.rules.model import Alternative


@dataclass(frozen=True)
class Explanation:
    """A complaint in words that help.

    ``code`` None: not known; whether there is a quota at all, ``match.quota`` tells. ``increase_helps`` tells whether a
    quota increase helps; None: the text does not tell. ``command`` None: no command helps, and ``reason`` says so.
    ``region_hint`` None: nothing tells the Region. ``target_value`` is the applied value that would do; None: the text
    does not tell.
    """

    match: ErrorMatch
    region_hint: RegionHint | None
    code: str | None
    reason: str
    hint: str
    command: str | None
    increase_helps: bool | None
    target_value: float | None = None
    alternatives: tuple[Alternative, ...] = ()

    @property
    def unmet_requirement(self) -> Requirement | None:
        """What another type could do instead, as far as the text tells; None where no type is lacking."""
        error = self.match
        if not RULE_BY_KIND[error.kind].lacks_type or not error.instance_type or not error.workload:
            return None
        return Requirement(error.instance_type, error.workload)


def explain_match(error: ErrorMatch, region_hint: RegionHint | None, codes: Mapping[str, str]) -> Explanation:
    """What a complaint means. ``region_hint`` is where it happened, ``codes`` each known quota's code by its name."""
    code = codes.get(error.quota.name) if error.quota else None
    error = replace(error, code=code)
    told = RULE_BY_KIND[error.kind].explain(error, region_hint)
    return Explanation(
        error, region_hint, code, told.reason, told.hint, told.command, told.increase_helps, told.target_value
    )
