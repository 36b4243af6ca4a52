"""Support cases: the category, subject and body that opskit writes, and the recognition of duplicates.

AWS Support accepts duplicates, so a case that might be about the same quota counts as the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from opskit.core.model import Workload
from opskit.core.workloads import WORKLOADS
from opskit.quotas.rules.model import format_quota_value

_SUBJECT = "SageMaker quota increase in"
_INCREASE = ("service-limit-increase", "service limit increase", "quota increase")
_REGION = re.compile(r"\b[a-z]{2}(?:-[a-z]+)+-\d\b")


@dataclass(frozen=True)
class SupportCategory:
    """The codes under which AWS Support accepts a quota increase. They are read from DescribeServices, since they
    change.
    """

    service: str
    category: str


@dataclass(frozen=True)
class SupportService:
    """A service that AWS Support accepts cases for, and its categories: code to name."""

    code: str
    name: str
    categories: Mapping[str, str]


@dataclass(frozen=True)
class SupportCase:
    """An open support case. ``display_id`` is the number that is shown to people; ``texts`` are its messages."""

    id: str
    display_id: str
    subject: str
    status: str
    texts: tuple[str, ...] = ()


def category_for(services: Iterable[SupportService], workload: Workload) -> SupportCategory | None:
    """The category for SageMaker quotas of a workload; None if Support accepts no such case."""
    for service in services:
        if not any(word in f"{service.code} {service.name}".lower() for word in _INCREASE):
            continue
        sagemaker = {code: f"{code} {name}".lower() for code, name in service.categories.items()}
        sagemaker = {code: text for code, text in sagemaker.items() if "sagemaker" in text}
        exact = [
            code for code, text in sagemaker.items() if any(word in text for word in WORKLOADS[workload].support_words)
        ]
        plain = [code for code in sagemaker if code.endswith("sagemaker")]
        for code in (*exact, *plain, *sagemaker):
            return SupportCategory(service.code, code)
    return None


def case_subject(quota_name: str, target_value: float, region: str) -> str:
    """The subject of a case, by which it is also recognised."""
    return f"{_SUBJECT} {region}: {quota_name} to {format_quota_value(target_value)}"


def case_body(quota_name: str, quota_code: str | None, target_value: float, region: str, why: str) -> str:
    """The body of a case."""
    lines = (
        "Please raise this Amazon SageMaker quota.",
        f"Region: {region}",
        f"Quota: {quota_name}" + (f" ({quota_code})" if quota_code else ""),
        f"New value: {format_quota_value(target_value)}",
        *((f"Use case: {why}",) if why else ()),
    )
    return "\n".join(lines)


def find_duplicate_case(
    quota_name: str, instance_type: str | None, workload: Workload, region: str, cases: Iterable[SupportCase]
) -> SupportCase | None:
    """The open case that is, or may be, about the same quota; None if there is none."""
    return next(iter(find_same_cases(quota_name, instance_type, workload, region, cases)), None)


def find_same_cases(
    quota_name: str, instance_type: str | None, workload: Workload, region: str, cases: Iterable[SupportCase]
) -> list[SupportCase]:
    """The open cases that are, or may be, about the same quota."""
    return [case for case in cases if _is_same_quota(case, quota_name, instance_type, workload, region)]


def _is_same_quota(
    case: SupportCase, quota_name: str, instance_type: str | None, workload: Workload, region: str
) -> bool:
    if case.subject.startswith(_SUBJECT):  # written by opskit: the rest of the subject and the body are the user's text
        return case.subject.startswith(f"{_SUBJECT} {region}: {quota_name} to ")
    text = " ".join(" ".join((case.subject, *case.texts)).lower().split())
    regions = set(_REGION.findall(text))
    if regions and region not in regions:
        return False
    if quota_name.lower() in text:
        return True
    if instance_type is None or not re.search(rf"(?<![\w.]){re.escape(instance_type)}(?![\w-]|\.\w)", text):
        return False
    other = any(word in text for word in WORKLOADS[workload].other_support_words)
    return not other and any(word in text for word in WORKLOADS[workload].support_words)
