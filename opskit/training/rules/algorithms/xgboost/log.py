"""Parses the boosting rounds in the log of the built-in XGBoost, for the progress display."""

from __future__ import annotations

import re

from opskit.training.rules.algorithms.algorithm import TrainingRound

# `[12]#011train-rmse:1.2#011validation-rmse:2.5`, where #011 is how CloudWatch shows a tab.
_ROUND = re.compile(r"(?:^|\s)\[(?P<number>\d+)\](?P<scores>(?:\s+[\w@-]+:[-+.\deinfa]+)+)\s*$")


def parse_round(line: str) -> TrainingRound | None:
    """The round in a log line; None for any other line."""
    match = _ROUND.search(line.replace("#011", "\t"))
    if match is None:
        return None
    try:
        scores = {name: float(value) for name, _, value in (part.rpartition(":") for part in match["scores"].split())}
    except ValueError:
        return None
    return TrainingRound(int(match["number"]), scores)
