"""opskit's own JSON answers in a text that was piped on: what stands in the way is told there by fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from opskit.decide.complaints import Complaint, Kind, Place
from opskit.decide.quota_names import named_quota
from opskit.model import Verdict

_BEGIN = '{"opskit"'
_MOST_ANSWERS = 100
_KINDS = {
    Verdict.SHORT.value: Kind.QUOTA_SHORT,
    Verdict.PENDING.value: Kind.QUOTA_SHORT,
    Verdict.NOT_OFFERED.value: Kind.NOT_OFFERED,
}


def without_answers(text: str) -> tuple[str, tuple[Complaint, ...]]:
    """The text with each answer of ours in it replaced by its sentences, and what the answers' fields complain of."""
    parts: list[str] = []
    complaints: list[Complaint] = []
    begin, end = text.find(_BEGIN), 0
    for _ in range(_MOST_ANSWERS):
        if begin < 0:
            break
        answer, after = _answer(text, begin)
        if answer is not None:
            parts += [text[end:begin], *_sentences(answer)]
            complaints += _complaints(answer)
            end = after
        begin = text.find(_BEGIN, after)
    return "\n".join([*parts, text[end:]]), tuple(complaints)


def _answer(text: str, begin: int) -> tuple[Mapping[str, Any] | None, int]:
    """The answer that begins there and where it ends; None where it is damaged."""
    try:
        answer, end = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None, begin + len(_BEGIN)
    return answer, end


def _sentences(answer: Mapping[str, Any]) -> Iterator[str]:
    for error in _records(answer.get("errors")):
        yield f"{error.get('message')} [{error.get('region')}]"
    for record in _records(_data(answer).get("requests")):
        if record.get("outcome") == "refused":
            yield f"{record.get('quota_name')}: {record.get('because')} [{record.get('region')}]"


def _complaints(answer: Mapping[str, Any]) -> Iterator[Complaint]:
    data = _data(answer)
    guard = data.get("guard")
    records = [*_records(data.get("quotas")), *_records(guard.get("quotas") if isinstance(guard, dict) else None)]
    for record in records:
        kind = _KINDS.get(str(record.get("verdict")))
        if kind:
            yield _complaint(kind, record)


def _complaint(kind: Kind, record: Mapping[str, Any]) -> Complaint:
    name = str(record.get("quota_name"))
    quota = named_quota(name)
    demand = quota.demand if quota else None
    value = _number(record.get("applied"))
    return Complaint(
        kind,
        0,
        quota,
        quota.name if quota else name,
        _number(record.get("default")) if value is None else value,
        _number(record.get("in_use")),
        _number(record.get("need")),
        demand.instance_type if demand else None,
        demand.usage if demand else None,
        place=Place(str(record["region"]), "text") if record.get("region") else None,
    )


def _number(told: Any) -> float | None:
    is_one = isinstance(told, int | float) and not isinstance(told, bool) and abs(told) < 1e18
    return float(told) if is_one else None


def _data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def _records(told: Any) -> list[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
