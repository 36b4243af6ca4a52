"""Tells a Region that was misspelt from one that cannot be reached: both end as a host that nobody finds."""

from __future__ import annotations

import difflib
from functools import cache


def spelling_hint(region: str) -> str:
    """The beginning of a hint that names the Region that was probably meant. Empty: botocore knows this one, or none is
    like it. It may be newer than botocore, so that a call is never refused for it.
    """
    known, typed = _known_regions(), region.lower()
    if region in known or not (close := difflib.get_close_matches(typed, known, n=len(known))):
        return ""

    def distance(name: str) -> tuple[bool, bool, float, str]:
        # Letters that changed places, then a missing number: difflib knows neither (us-esat-1 is its us-west-1).
        same_letters, begins = sorted(name) == sorted(typed), name.startswith(typed)
        return not same_letters, not begins, -difflib.SequenceMatcher(None, typed, name).ratio(), name

    return f"botocore knows no Region '{region}': did you mean '{min(close, key=distance)}'? "


@cache
def _known_regions() -> tuple[str, ...]:
    from botocore.session import get_session

    session = get_session()
    partitions = session.get_available_partitions()
    return tuple(name for partition in partitions for name in session.get_available_regions("ec2", partition))
