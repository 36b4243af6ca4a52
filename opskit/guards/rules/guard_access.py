"""The permissions that a guard of Python calls needs, and what is said of those that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "servicequotas": (
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
        "servicequotas:ListAWSDefaultServiceQuotas",
        "servicequotas:ListRequestedServiceQuotaChangeHistory",
        "servicequotas:ListServiceQuotas",
    ),
    "pricing": ("pricing:GetProducts",),
    "sagemaker": ("sagemaker:Describe*", "sagemaker:List*", "sagemaker:Search"),
}
"""The IAM actions that a look needs, by IAM's prefix."""
# boto3's names of services where IAM has another.
_PREFIXES = {"service-quotas": "servicequotas"}
_LOSSES = {
    "servicequotas": "no quota can be read, so no call can be judged",
    "pricing": "prices come from opskit's dated table for us-east-1, or are not known",
    "sagemaker": "what is in use cannot be counted",
}


@dataclass(frozen=True)
class GuardAccess:
    """What a guard may read. ``denied`` are IAM prefixes of services that refused; ``problems`` are other reasons why
    something could not be read.
    """

    denied: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all that was asked could be read."""
        return not self.denied and not self.problems

    def missing_policy(self) -> dict[str, Any] | None:
        """The IAM policy with what is missing; None if nothing is."""
        actions = [action for prefix in self.denied for action in ACTIONS[prefix]]
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        return {"Version": "2012-10-17", "Statement": [statement]} if actions else None


def iam_prefix(service: str) -> str:
    """IAM's prefix of a service of boto3's."""
    return _PREFIXES.get(service, service)


def access_text(access: GuardAccess, policy_text: str) -> str:
    """What a guard may not read, as a paragraph; ``policy_text`` is the missing policy in JSON."""
    lines = [f"{prefix} may not be read: {_LOSSES[prefix]}." for prefix in access.denied]
    lines += [f"{problem.rstrip('.')}." for problem in access.problems]
    if access.denied:
        lines += ["This policy allows what is missing:", policy_text]
    return "\n".join(["opskit's guard is on, but it cannot read everything.", *lines])


def merge_access(denied: Sequence[str], problems: Sequence[str]) -> GuardAccess:
    """What was denied and what failed, each once, in the order of ``ACTIONS``."""
    return GuardAccess(tuple(prefix for prefix in ACTIONS if prefix in denied), tuple(dict.fromkeys(problems)))
