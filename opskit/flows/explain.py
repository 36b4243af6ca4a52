"""What a pasted error means. Needs no AWS: the text, the settings and the names of the quotas are enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from opskit.aws import Door
from opskit.decide.complaints import Complaint, Place, complaints_in
from opskit.decide.explanation import Explanation, explanation
from opskit.decide.own_answers import without_answers
from opskit.decide.plain_text import plain_text
from opskit.errors import OpskitError
from opskit.flows.alternatives import others_with_room
from opskit.observe.known_codes import shipped_codes


def explain(text: str, said: Place | None, set_here: Callable[[], Place | None]) -> tuple[Explanation, ...]:
    """Everything in a text that AWS complains of, with what helps; nothing where it holds no complaint we know.

    ``said`` is the Region the user named, which wins over the text; ``set_here`` finds the one that is set, which is
    asked for only where neither names one.
    """
    codes = shipped_codes()
    rest, told = without_answers(text)
    complaints = told or complaints_in(plain_text(rest), codes)
    fallback = said or (set_here() if any(complaint.place is None for complaint in complaints) else None)
    return tuple(explanation(each, _where(each, said, fallback), codes) for each in complaints)


def _where(complaint: Complaint, said: Place | None, fallback: Place | None) -> Place | None:
    return said or complaint.place or fallback


def with_others(found: Explanation, door: Callable[[str], Door], now: datetime) -> Explanation:
    """An explanation with the types that have room now, where one is lacking and AWS lets us look. ``door`` opens the
    way to a Region; where there is none, or nothing can be read, the explanation stays as it is.
    """
    lacking = found.lacking
    if lacking is None or found.place is None:
        return found
    try:
        return replace(found, others=others_with_room(door(found.place.region), lacking, now))
    except OpskitError:
        return found
