"""opskit's own JSON answers in a text that was piped on: what stands in the way is told there by fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from opskit.core.text import normalize_text
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, RegionHint
from opskit.explain.rules.error_rules import RULE_BY_KIND, find_errors
from opskit.quotas.rules.model import Verdict
from opskit.quotas.rules.quota_names import match_quota_name

_BEGIN = '{"opskit"'
_MAX_ANSWERS = 100
_KIND_BY_VERDICT = {
    Verdict.SHORT.value: ErrorKind.QUOTA_SHORT,
    Verdict.PENDING.value: ErrorKind.QUOTA_SHORT,
    Verdict.NOT_OFFERED.value: ErrorKind.NOT_OFFERED,
}
_KIND_BY_CODE = {code: rule.kind for rule in RULE_BY_KIND.values() for code in rule.own_codes}


def extract_json_answers(text: str) -> tuple[str, tuple[ErrorMatch, ...]]:
    """The text with each answer of ours in it replaced by its sentences, and what the answers' fields complain of."""
    parts: list[str] = []
    complaints: list[ErrorMatch] = []
    begin, end = text.find(_BEGIN), 0
    for _ in range(_MAX_ANSWERS):
        if begin < 0:
            break
        answer, after = _decode_answer(text, begin)
        if answer is not None:
            parts += [text[end:begin], *_answer_sentences(answer)]
            complaints += _answer_errors(answer)
            end = after
        begin = text.find(_BEGIN, after)
    return "\n".join([*parts, text[end:]]), tuple(complaints)


def _decode_answer(text: str, begin: int) -> tuple[Mapping[str, Any] | None, int]:
    """The answer that begins there and where it ends; None where it is damaged."""
    try:
        answer, end = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None, begin + len(_BEGIN)
    return answer, end


def _answer_sentences(answer: Mapping[str, Any]) -> Iterator[str]:
    for error in _records_in(answer.get("errors")):
        if _kind_of(error) is None:
            yield f"{error.get('message')} [{error.get('region')}]"
    for record in _records_in(_answer_data(answer).get("requests")):
        if record.get("outcome") == "refused":
            yield f"{record.get('quota_name')}: {record.get('because')} [{record.get('region')}]"


def _kind_of(error: Mapping[str, Any]) -> ErrorKind | None:
    """What an error of ours is about, by its code: its sentence may be worded in any way."""
    return _KIND_BY_CODE.get(str(error.get("code")))


def _error_from_code(kind: ErrorKind, error: Mapping[str, Any]) -> ErrorMatch:
    """What an error's code says, with what its sentence adds to that."""
    told = find_errors(normalize_text(str(error.get("message"))), {})
    match = next((each for each in told if each.kind is kind), ErrorMatch(kind, 0))
    region = error.get("region")
    return replace(match, region_hint=RegionHint(str(region), "text") if region else match.region_hint)


def _answer_errors(answer: Mapping[str, Any]) -> Iterator[ErrorMatch]:
    for error in _records_in(answer.get("errors")):
        kind = _kind_of(error)
        if kind is not None:
            yield _error_from_code(kind, error)
    data = _answer_data(answer)
    guard = data.get("guard")
    records = [*_records_in(data.get("quotas")), *_records_in(guard.get("quotas") if isinstance(guard, dict) else None)]
    for record in records:
        kind = _KIND_BY_VERDICT.get(str(record.get("verdict")))
        if kind:
            yield _error_from_record(kind, record)


def _error_from_record(kind: ErrorKind, record: Mapping[str, Any]) -> ErrorMatch:
    name = str(record.get("quota_name"))
    quota = match_quota_name(name)
    requirement = quota.demand if quota else None
    value = _number_or_none(record.get("applied"))
    return ErrorMatch(
        kind,
        0,
        quota,
        quota.name if quota else name,
        value=_number_or_none(record.get("default")) if value is None else value,
        in_use=_number_or_none(record.get("in_use")),
        need=_number_or_none(record.get("need")),
        instance_type=requirement.instance_type if requirement else None,
        workload=requirement.workload if requirement else None,
        region_hint=RegionHint(str(record["region"]), "text") if record.get("region") else None,
    )


def _number_or_none(told: Any) -> float | None:
    # A bool is an int to Python. Beyond 1e18 no quota has a value, and a float no whole numbers.
    is_one = isinstance(told, int | float) and not isinstance(told, bool) and abs(told) < 1e18
    return float(told) if is_one else None


def _answer_data(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    data = answer.get("data")
    return data if isinstance(data, dict) else {}


def _records_in(told: Any) -> list[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
