"""Types that AWS does not offer, values that it refuses, and machines that are not free: no increase helps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from opskit.core.message_phrases import NO_CAPACITY, TYPE_NOT_OFFERED
from opskit.explain.rules.commands import (
    WHICH_HAVE_ROOM,
    in_region,
    other_regions_command,
    similar_types_phrase,
    type_phrase,
)
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import (
    PastedText,
    nearby_workload,
    phrase_finder,
    template_pattern,
)
from opskit.quotas.rules.alternatives import similar_types
from opskit.quotas.rules.quota_names import TYPE

# "The requested resource training-job/ml.t3.medium is not available in this region": AWS's words.
_RESOURCE = re.compile(rf"requestedresource'?(?P<what>[a-z-]{{4,24}})/(?P<type>{TYPE})")
# opskit's own sentence for the same, as its template makes it.
_OWN = re.compile(template_pattern(TYPE_NOT_OFFERED, type=TYPE, usage="[a-z-]{4,24}?") + r"(?=,|:|in)")
# "1 validation error detected: Value 'ml.foo' at 'resourceConfig.instanceType' failed to satisfy constraint: Member
# must satisfy enum value set: [ml.m4.xlarge, ...]"
_ENUM = re.compile(
    r"value'(?P<value>[^']{1,80})'at'(?P<where>[^']{1,120})'failedtosatisfyconstraint:membermustsatisfyenumvalueset:"
)
# How long the set behind an enumeration's refusal may be: SageMaker's longest has some 400 types.
_MAX_VALUES_LENGTH = 30_000
_ALIKE = 3


def _find_not_offered(text: PastedText) -> Iterator[ErrorMatch]:
    for found in text.matches(_RESOURCE):
        yield ErrorMatch(
            ErrorKind.NOT_OFFERED, found.start(), instance_type=found["type"], workload=nearby_workload(found["what"])
        )
    for found in text.matches(_OWN):
        yield ErrorMatch(
            ErrorKind.NOT_OFFERED, found.start(), instance_type=found["type"], workload=nearby_workload(found["usage"])
        )


def _find_value_refused(text: PastedText) -> Iterator[ErrorMatch]:
    for found in text.matches(_ENUM):
        is_type = re.fullmatch(TYPE, found["value"])
        allowed = text.flat[found.end() : found.end() + _MAX_VALUES_LENGTH].lstrip("[").partition("]")[0].split(",")
        yield ErrorMatch(
            ErrorKind.VALUE_REFUSED,
            found.start(),
            instance_type=found["value"] if is_type else None,
            workload=nearby_workload(found["where"]) or nearby_workload(text.around(found.start())),
            subject=text.written(*found.span("value")),
            details=(text.word(found, "where"), *_allowed_types_like(found["value"], allowed)),
        )


def _allowed_types_like(value: str, allowed: list[str]) -> list[str]:
    """Of the types that AWS takes those most like the refused one."""
    types = {each for each in allowed if re.fullmatch(TYPE, each)}
    return [each for each in similar_types(value) if each in types][:_ALIKE]


def _explain_not_offered(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where = in_region(region_hint, " in this Region")
    reason = f"AWS does not offer {type_phrase(error)}{where}. No quota is involved, and no increase helps."
    hint = f"What helps: another instance type{similar_types_phrase(error)}, or a Region that has it. {WHICH_HAVE_ROOM}"
    return ExplanationParts(reason, hint, other_regions_command(error))


def _explain_value_refused(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    where, alike = error.detail(0) or "this parameter", error.details[1:]
    if error.instance_type is None:
        reason = f"AWS does not take '{error.subject}' for {where}: it is not in the list of allowed values."
        return ExplanationParts(f"{reason} No quota is involved.", "Use one of the values that the error lists.")
    reason = (
        f"AWS does not offer {type_phrase(error)}: {where} takes only the types that the error lists. No quota stands "
        "in the way, and no increase helps."
    )
    similar = f", such as {', '.join(alike)}" if alike else ""
    return ExplanationParts(reason, f"What helps: another instance type from that list{similar}. {WHICH_HAVE_ROOM}")


def _explain_no_capacity(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    reason = (
        f"AWS has no free machines of {type_phrase(error)}{in_region(region_hint)} just "
        "now: capacity, not a quota. No increase helps."
    )
    hint = (
        f"What helps: trying again later, another instance type{similar_types_phrase(error)}, "
        f"or another Region. {WHICH_HAVE_ROOM}"
    )
    return ExplanationParts(reason, hint, other_regions_command(error))


RULES = (
    ErrorRule(
        ErrorKind.NOT_OFFERED,
        _find_not_offered,
        _explain_not_offered,
        start_code="not-offered",
        own_codes=("not-offered",),
        lacks_type=True,
    ),
    ErrorRule(
        ErrorKind.VALUE_REFUSED, _find_value_refused, _explain_value_refused, start_code="not-offered", lacks_type=True
    ),
    ErrorRule(
        ErrorKind.NO_CAPACITY,
        phrase_finder(
            ErrorKind.NO_CAPACITY,
            "Unable to provision requested ML compute capacity",
            "Insufficient notebook instance capacity",
            "InsufficientInstanceCapacity",
            "InsufficientCapacity",
            "Insufficient capacity",
            "do not have sufficient capacity",
            "does not have sufficient capacity",
            "not have enough capacity",
            "is temporarily unavailable in supported availability zones",
            "no Spot capacity available",
            "CapacityError:",
            NO_CAPACITY,
        ),
        _explain_no_capacity,
        start_code="no-capacity",
        own_codes=("no-capacity",),
        lacks_type=True,
    ),
)
