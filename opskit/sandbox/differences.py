"""What is not like AWS, in one list, so that nobody has to find it out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One thing that AWS does otherwise: where, and what."""

    area: str
    text: str


DIFFERENCES: tuple[Difference, ...] = (
    Difference("Account", "Any credentials are let in, and no IAM policy is enforced."),
    Difference("Account", "Everything is gone when the sandbox ends."),
    Difference(
        "Service Quotas",
        "Only SageMaker has quotas: 346 of the 1,500 to 2,300 of a real account. Other services are unknown.",
    ),
    Difference(
        "Service Quotas",
        "Quota values are the scenario's. Where nobody published a quota's code, the code is made up.",
    ),
    Difference(
        "Service Quotas",
        "An increase is decided after --approve-after, which AWS takes minutes to days for: up to 20 it is "
        "approved, up to 1,000 too unless the support case was ruled out, above that denied.",
    ),
    Difference(
        "Service Quotas",
        "Two increases may be open a Region and 20 an account. AWS's texts name both numbers, not always for "
        "the same accounts.",
    ),
    Difference(
        "Service Quotas",
        "The utilisation report has the ml.* quotas in it. Whether AWS's has them is not known.",
    ),
    Difference("Service Quotas", "Request templates and automatic management are not there."),
)
