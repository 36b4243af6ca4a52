"""A pasted text, ready to be searched. AWS's errors come wrapped: in SDK prefixes, tracebacks, CloudFormation events,
logs, opskit's own words; and damaged: broken over lines, cut off, escaped.

All patterns run over squeezed text (small letters, no white space), hold literal words together and bound every
repetition, so that no text takes longer than its length deserves.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from opskit.core.model import Workload
from opskit.core.text import compact_text
from opskit.core.workloads import WORKLOADS
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch
from opskit.quotas.rules.quota_names import TYPE, find_quota_names

NEARBY = 400
"""How many characters around a complaint, without spaces, may tell what it is about."""
MAX_MATCHES = 100
"""How often one pattern is heeded in a text; no honest text needs more."""

OPSKIT_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,6})?"
"""A number as opskit writes it."""

_TYPE = re.compile(TYPE)
_WORD = re.compile(r"\S+")
# A sort keeps the table's order otherwise.
_COMMON_LAST = sorted(WORKLOADS, key=lambda workload: WORKLOADS[workload].error_word_is_common)
WORKLOAD_PHRASES = (
    *((WORKLOADS[workload].error_word, workload) for workload in _COMMON_LAST),
    ("productionvariant", Workload.ENDPOINT),  # a parameter that errors of endpoints name
)
"""How AWS's resource names and operations tell what an instance is for."""


@dataclass(frozen=True)
class PastedText:
    """Plain text and the same squeezed. ``codes`` are the quotas known by name, with code."""

    plain: str
    codes: Mapping[str, str]

    @cached_property
    def flat(self) -> str:
        """The text in small letters and without white space."""
        return compact_text(self.plain)

    @cached_property
    def only_type(self) -> str | None:
        """The one instance type that the whole text names; None where it names none or several."""
        types = set(_TYPE.findall(self.flat))
        return types.pop() if len(types) == 1 else None

    @cached_property
    def _words(self) -> tuple[list[int], list[int]]:
        """Where each word begins in the squeezed text and in the plain one."""
        squeezed, plain, at = [], [], 0
        for word in _WORD.finditer(self.plain):
            squeezed.append(at)
            plain.append(word.start())
            at += len(word[0].lower())
        return squeezed, plain

    def written(self, begin: int, end: int) -> str:
        """A piece of the squeezed text, by two places in it, as it stands in the plain one, each white space as one
        blank.
        """
        return " ".join(self.plain[self._place_of(begin) : self._place_of(end - 1) + 1].split()) if end > begin else ""

    def word(self, found: re.Match[str], group: str | int) -> str:
        """A group of a match as it is written in the text, for one that has no blanks; "" where it took no part."""
        return self.written(*found.span(group)).replace(" ", "") if found[group] else ""

    def _place_of(self, at: int) -> int:
        squeezed, plain = self._words
        word = bisect_right(squeezed, at) - 1
        return plain[word] + at - squeezed[word]

    def matches(self, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
        """Where a pattern stands in the squeezed text; the first hundred will do."""
        return islice(pattern.finditer(self.flat), MAX_MATCHES)

    def around(self, at: int) -> str:
        """The squeezed text near a place in it: 400 characters before and behind."""
        return self.flat[max(0, at - NEARBY) : at + NEARBY]


def phrase_finder(kind: ErrorKind, *phrases: str) -> Callable[[PastedText], Iterator[ErrorMatch]]:
    """Finds an error that is told by fixed words. A text repeats them, in a code and a sentence: those close by are
    one.
    """
    sayings = tuple(compact_text(phrase) for phrase in phrases)

    def find(text: PastedText) -> Iterator[ErrorMatch]:
        places = sorted(at for saying in sayings for at in _phrase_positions(saying, text.flat))
        return (with_nearby_type(text, ErrorMatch(kind, at)) for at in without_repeats(places))

    return find


def pattern_finder(
    kind: ErrorKind, pattern: re.Pattern[str], group: str | None = None
) -> Callable[[PastedText], Iterator[ErrorMatch]]:
    """Finds an error by a pattern over squeezed text; ``group`` is its subject, as the text writes it."""

    def find(text: PastedText) -> Iterator[ErrorMatch]:
        last = -math.inf
        for found in text.matches(pattern):
            # Measured from the last one that was told, so that a long series is told more than once.
            if found.start() - last > NEARBY:
                last = found.start()
                subject = text.word(found, group) if group else ""
                yield with_nearby_type(text, ErrorMatch(kind, found.start(), subject=subject))

    return find


def template_pattern(template: str, **slots: str) -> str:
    """A pattern, over squeezed text, of what a message template of opskit's makes. A slot is a number, or what
    ``slots`` says.
    """
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(
        f"(?P<{part}>{slots.get(part, OPSKIT_NUMBER)})" if at % 2 else re.escape(compact_text(part))
        for at, part in enumerate(parts)
    )


def without_repeats(places: list[int]) -> Iterator[int]:
    """Places in order, without those close behind one that was told."""
    last = -math.inf
    for at in places:
        if at - last > NEARBY:
            yield at
            last = at


def _phrase_positions(saying: str, flat: str) -> Iterator[int]:
    at = flat.find(saying)
    for _ in range(MAX_MATCHES):
        if at < 0:
            return
        yield at
        # One further, not behind it: a saying may begin within itself.
        at = flat.find(saying, at + 1)


def with_nearby_type(text: PastedText, error: ErrorMatch) -> ErrorMatch:
    """A complaint with the type and the use that the words around it tell, where they tell one."""
    around = text.around(error.position)
    named = {quota for _, quota in find_quota_names(around)}
    if len(named) == 1:
        quota = named.pop()
        assert quota.demand is not None
        requirement = quota.demand
        return replace(
            error,
            quota=quota,
            name=quota.name,
            instance_type=requirement.instance_type,
            workload=requirement.workload,
        )
    # Near the complaint first; where nothing is, the only type of the whole text.
    types = set(_TYPE.findall(around)) or {text.only_type}
    return replace(error, instance_type=types.pop() if len(types) == 1 else None, workload=nearby_workload(around))


def nearby_workload(words: str) -> Workload | None:
    """What squeezed words say that an instance is for."""
    return next((workload for word, workload in WORKLOAD_PHRASES if word in words), None)
