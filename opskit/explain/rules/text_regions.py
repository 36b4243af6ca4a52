"""Which Region a complaint is about, as far as its text tells."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from opskit.explain.rules.error_match import ErrorMatch, RegionHint
from opskit.explain.rules.pasted_text import PastedText

# Regions of all partitions by their shape: a list of them would age, and a text may be about a new one.
_REGION = re.compile(
    r"(?:(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-iso[b]?)?|us-isof|eu-isoe|eusc-de)"
    r"-(?:north|south|east|west|central)(?:east|west)?-[1-9]"
)
_ARN = re.compile(rf"arn:aws[a-z-]{{0,12}}:[a-z0-9-]{{1,30}}:(?P<region>{_REGION.pattern}):")

# The scheme s3:// and a bucket's name before its end.
_LONGEST_BUCKET = 68


def with_regions(text: PastedText, complaints: Sequence[ErrorMatch]) -> list[ErrorMatch]:
    """The complaints, each with its Region: the one the text names, or of several the one that goes with it. A text
    that names one before its first complaint puts each before what happened there, any other behind it.
    """
    if not complaints:  # a text may name Regions and complain of nothing that is known
        return []
    found = list(_regions_in(text))
    called = [(at, region_hint) for at, region_hint in found if not _is_in_bucket_name(text, at)]
    found = called or found  # a bucket may be anywhere; its name tells a Region only where nothing else does
    if len({region_hint.region for _, region_hint in found}) < 2:
        only = min((region_hint for _, region_hint in found), key=lambda region_hint: region_hint.source, default=None)
        return [replace(error, region_hint=only) for error in complaints]
    ends = [error.position for error in complaints[1:]] + [len(text.flat)]
    is_first = found[0][0] < complaints[0].position
    return [
        replace(error, region_hint=_nearest_region(found, error.position, end, before=is_first))
        for error, end in zip(complaints, ends, strict=True)
    ]


def _regions_in(text: PastedText) -> Iterator[tuple[int, RegionHint]]:
    arns = {found.start("region") for found in _ARN.finditer(text.flat)}
    for found in _REGION.finditer(text.flat):
        if not _goes_on(text, found.end()):
            yield found.start(), RegionHint(found[0], "arn" if found.start() in arns else "text")


def _is_in_bucket_name(text: PastedText, at: int) -> bool:
    before = text.flat[max(0, at - _LONGEST_BUCKET) : at]
    bucket = before.rpartition("s3://")
    return bool(bucket[1]) and "/" not in bucket[2] and "'" not in bucket[2]


def _goes_on(text: PastedText, end: int) -> bool:
    """Whether more digits follow with nothing between, as in the mistyped us-east-11: that is no Region."""
    return text.flat[end : end + 1].isdigit() and len(text.written(end - 1, end + 1)) == 2


def _nearest_region(found: Sequence[tuple[int, RegionHint]], begin: int, end: int, *, before: bool) -> RegionHint:
    """The last place before ``begin`` or the first one from there to ``end``, whichever there is."""
    first = bisect_left(found, begin, key=lambda each: each[0])
    is_behind = first < len(found) and found[first][0] < end
    return found[first - 1][1] if first and (before or not is_behind) else found[min(first, len(found) - 1)][1]
