"""Explained errors for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.decide.complaints import Kind
from opskit.decide.explanation import Explanation
from opskit.errors import ExitCode, Problem
from opskit.show.answer import Answer
from opskit.show.quotas import alternative_record, alternative_words, whole


def explained(found: Sequence[Explanation]) -> Answer:
    """The answer of ``quotas explain``. Its data: ``explanations[]`` in the order of the text, each with ``kind`` (such
    as quota-short, not-offered, no-capacity), ``region`` and ``region_from`` (flag, arn, text, or what set it; null:
    nobody tells), ``instance_type``, ``usage``, ``quota_name``, ``quota_code``, ``applied``, ``in_use``, ``need`` and
    ``to`` (null: the text does not say), ``is_ec2_quota``, ``increase_helps`` (null: it does not tell), ``because``,
    ``alternatives[]`` (types that have room now, as in ``quotas check``), ``hint`` and ``command`` (null: none helps).
    """
    if not found:
        return Answer({"explanations": []}, ExitCode.USAGE, (_UNKNOWN,), records="explanations")
    return Answer(
        {"explanations": [_record(each) for each in found]},
        notes=("\n\n".join("\n".join(_lines(each)) for each in found),),
        records="explanations",
    )


_UNKNOWN = Problem(
    "not-understood",
    "This text holds no error of AWS's that opskit knows.",
    "Paste the whole error, from its code (such as ResourceLimitExceeded) to its end. "
    "`opskit quotas check` shows what there is room for.",
)


def _lines(found: Explanation) -> Iterator[str]:
    yield found.because
    if found.code:
        yield f"  Quota:  {found.complaint.name} ({found.code})"
    if found.place:
        yield f"  Region: {found.place.region} (from {_SOURCES.get(found.place.source, found.place.source)})"
    if found.hint:
        yield f"  {found.hint}"
    if found.others and found.place:
        yield f"  Room now in {found.place.region}: {'; '.join(map(alternative_words, found.others))}."
    if found.command:
        yield f"  $ {found.command}"


_SOURCES = {"arn": "the ARN in the text", "text": "the text"}


def _record(found: Explanation) -> dict[str, Any]:
    complaint = found.complaint
    return {
        "kind": complaint.kind.value,
        "region": found.place.region if found.place else None,
        "region_from": found.place.source if found.place else None,
        "instance_type": complaint.type,
        "usage": complaint.usage.value if complaint.usage else None,
        "quota_name": complaint.name or None,
        "quota_code": found.code,
        "applied": whole(complaint.value),
        "in_use": whole(complaint.in_use),
        "need": whole(complaint.need),
        "to": whole(found.to),
        "is_ec2_quota": complaint.kind is Kind.EC2_QUOTA,
        "increase_helps": found.helps,
        "because": found.because,
        "alternatives": [alternative_record(each) for each in found.others],
        "hint": found.hint,
        "command": found.command,
    }
