"""What a pasted error means. Needs no AWS: the text, the settings and the names of the quotas are enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from opskit.aws.client import AwsClient
from opskit.core.exceptions import OpskitError
from opskit.core.text import normalize_text
from opskit.explain.rules.error_match import ErrorMatch, RegionHint
from opskit.explain.rules.error_rules import find_errors
from opskit.explain.rules.explanations import Explanation, explain_match
from opskit.explain.rules.json_answers import extract_json_answers
from opskit.quotas.flows.remedies import find_types_with_headroom
from opskit.quotas.reads.code_cache import bundled_codes


def explain_text(
    text: str, said: RegionHint | None, set_here: Callable[[], RegionHint | None]
) -> tuple[Explanation, ...]:
    """Everything in a text that AWS complains of, with what helps; nothing where it holds no complaint we know.

    ``said`` is the Region the user named, which wins over the text; ``set_here`` finds the one that is set, which is
    asked for only where neither names one.
    """
    codes = bundled_codes()
    rest, told = extract_json_answers(text)
    complaints = told or find_errors(normalize_text(rest), codes)
    fallback = said or (set_here() if any(error.region_hint is None for error in complaints) else None)
    return tuple(
        explain_match(error_match, _region_of(error_match, said, fallback), codes) for error_match in complaints
    )


def _region_of(error: ErrorMatch, said: RegionHint | None, fallback: RegionHint | None) -> RegionHint | None:
    return said or error.region_hint or fallback


def with_suggestions(found: Explanation, client: Callable[[str], AwsClient], now: datetime) -> Explanation:
    """An explanation with the types that have room now, where one is lacking and AWS lets us look. ``client`` opens the
    way to a Region; where there is none, or nothing can be read, the explanation stays as it is: it never raises for
    AWS.
    """
    lacking = found.unmet_requirement
    if lacking is None or found.region_hint is None:
        return found
    try:
        return replace(found, alternatives=find_types_with_headroom(client(found.region_hint.region), lacking, now))
    except OpskitError:
        return found
