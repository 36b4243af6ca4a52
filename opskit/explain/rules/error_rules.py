"""The table of all errors that opskit explains, family by family, and the search of a text for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule
from opskit.explain.rules.families import (
    capacity,
    credential_errors,
    increase_refusals,
    job_errors,
    missing_resources,
    network_errors,
    notebook_errors,
    permission_errors,
    quota_refusals,
    service_errors,
)
from opskit.explain.rules.pasted_text import NEARBY, PastedText
from opskit.explain.rules.text_regions import with_regions

ERROR_RULES: tuple[ErrorRule, ...] = (
    *quota_refusals.RULES,
    *increase_refusals.RULES,
    *capacity.RULES,
    *permission_errors.RULES,
    *credential_errors.RULES,
    *network_errors.RULES,
    *notebook_errors.RULES,
    *missing_resources.RULES,
    *job_errors.RULES,
    *service_errors.RULES,
)
"""What is found wherever it stands in a text."""

FALLBACK_RULES: tuple[ErrorRule, ...] = (job_errors.FALLBACK, service_errors.FALLBACK)
"""What is said of an error that none of the above knows."""

RULE_BY_KIND: Mapping[ErrorKind, ErrorRule] = {rule.kind: rule for rule in (*ERROR_RULES, *FALLBACK_RULES)}

# How far before "An error occurred" the name of a Python exception may tell of the same error.
_BEFORE = 80
# How near two envelopes stand of which one holds the other: a job's FailureReason repeats what a call answered.
_WITHIN = 150


def find_errors(plain: str, codes: Mapping[str, str]) -> tuple[ErrorMatch, ...]:
    """What AWS complains of in plain text, each once, in the order of the text. ``codes`` are the quotas known by name,
    with code. Finds nothing rather than raise, whatever the text is.
    """
    text = PastedText(plain, codes)
    found = list(_without_weaker([error for rule in ERROR_RULES for error in rule.find(text)]))
    found += _unexplained(text, found) if found else []
    found = found or [*quota_refusals.find_bare_quotas(text)] or _unexplained(text, [])
    found = found or [*service_errors.find_wrapped_errors(text)]
    found.sort(key=lambda error: error.position)
    placed = with_regions(text, found)
    return tuple({replace(error, position=0): error for error in reversed(placed)}.values())[::-1]


def _without_weaker(found: Sequence[ErrorMatch]) -> Iterator[ErrorMatch]:
    """The matches without those that another one close by tells more exactly."""
    places: dict[ErrorKind, list[int]] = {}
    for error in found:
        places.setdefault(error.kind, []).append(error.position)
    for error in found:
        stronger = (at for kind in RULE_BY_KIND[error.kind].yields_to for at in places.get(kind, ()))
        if not any(abs(at - error.position) <= NEARBY for at in stronger):
            yield error


def _unexplained(text: PastedText, known: Sequence[ErrorMatch]) -> list[ErrorMatch]:
    """The whole errors in a text, and the failed jobs, that hold nothing of what is known already."""
    envelopes = sorted(
        (error for rule in FALLBACK_RULES for error in rule.find(text)), key=lambda error: error.position
    )
    groups: list[list[ErrorMatch]] = []
    for error in envelopes:
        if groups and error.position - groups[-1][-1].position < _WITHIN:
            groups[-1].append(error)
        else:
            groups.append([error])
    ends = [*(group[0].position - _BEFORE for group in groups[1:]), len(text.flat)]
    return [
        group[-1]
        for group, end in zip(groups, ends, strict=False)  # no groups, no ends
        if not any(group[0].position - _BEFORE <= other.position < end for other in known)
    ]
