"""Explained errors for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from opskit.core.exceptions import ExitCode, Problem
from opskit.explain.rules.error_match import ErrorKind
from opskit.explain.rules.explanations import Explanation
from opskit.output.result import CommandResult
from opskit.quotas.render.check import alternative_record, describe_alternative
from opskit.quotas.rules.model import int_if_whole


def explain_result(found: Sequence[Explanation]) -> CommandResult:
    """The answer of ``quotas explain``. Its data: ``explanations[]`` in the order of the text, each with ``kind`` (such
    as quota-short, not-offered, no-capacity), ``region`` and ``region_from`` (flag, arn, text, or what set it; null:
    nobody tells), ``instance_type``, ``usage``, ``quota_name``, ``quota_code``, ``applied``, ``in_use``, ``need`` and
    ``to`` (null: the text does not say), ``is_ec2_quota``, ``increase_helps`` (null: it does not tell), ``because``,
    ``alternatives[]`` (types that have room now, as in ``quotas check``), ``hint`` and ``command`` (null: none helps).
    """
    if not found:
        return CommandResult({"explanations": []}, ExitCode.USAGE, (_UNKNOWN,), records="explanations")
    return CommandResult(
        {"explanations": [_explanation_record(explanation) for explanation in found]},
        notes=("\n\n".join("\n".join(_explanation_lines(explanation)) for explanation in found),),
        records="explanations",
    )


_UNKNOWN = Problem(
    "not-understood",
    "This text holds no error of AWS's that opskit knows.",
    "Paste the whole error, from its code (such as ResourceLimitExceeded) to its end. "
    "`opskit quotas check` shows what there is room for.",
)


def _explanation_lines(found: Explanation) -> Iterator[str]:
    yield found.reason
    if found.code:
        yield f"  Quota:  {found.match.name} ({found.code})"
    if found.region_hint:
        yield (
            f"  Region: {found.region_hint.region} (from "
            f"{_REGION_SOURCES.get(found.region_hint.source, found.region_hint.source)})"
        )
    if found.hint:
        yield f"  {found.hint}"
    if found.alternatives and found.region_hint:
        yield f"  Room now in {found.region_hint.region}: {'; '.join(map(describe_alternative, found.alternatives))}."
    if found.command:
        yield f"  $ {found.command}"


_REGION_SOURCES = {"arn": "the ARN in the text", "text": "the text"}


def _explanation_record(found: Explanation) -> dict[str, Any]:
    error = found.match
    return {
        "kind": error.kind.value,
        "region": found.region_hint.region if found.region_hint else None,
        "region_from": found.region_hint.source if found.region_hint else None,
        "instance_type": error.instance_type,
        "usage": error.workload.value if error.workload else None,
        "quota_name": error.name or None,
        "quota_code": found.code,
        "applied": int_if_whole(error.value),
        "in_use": int_if_whole(error.in_use),
        "need": int_if_whole(error.need),
        "to": int_if_whole(found.target_value),
        "is_ec2_quota": error.kind is ErrorKind.EC2_QUOTA,
        "increase_helps": found.increase_helps,
        "because": found.reason,
        "alternatives": [alternative_record(alternative) for alternative in found.alternatives],
        "hint": found.hint,
        "command": found.command,
    }
