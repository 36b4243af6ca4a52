"""Parses the boosting rounds in the log of the built-in XGBoost, for the progress display."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# `[12]#011train-rmse:1.2#011validation-rmse:2.5`, where #011 is how CloudWatch shows a tab.
_ROUND = re.compile(r"(?:^|\s)\[(?P<number>\d+)\](?P<scores>(?:\s+[\w@-]+:[-+.\deinfa]+)+)\s*$")


@dataclass(frozen=True)
class BoostingRound:
    """One round and its scores by name."""

    number: int
    scores: Mapping[str, float]


def parse_round(line: str) -> BoostingRound | None:
    """The round in a log line; None for any other line."""
    match = _ROUND.search(line.replace("#011", "\t"))
    if match is None:
        return None
    try:
        scores = {name: float(value) for name, _, value in (part.rpartition(":") for part in match["scores"].split())}
    except ValueError:
        return None
    return BoostingRound(int(match["number"]), scores)
