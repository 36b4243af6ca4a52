"""Refusals for want of a permission: the action, who lacks it, and whether somebody has denied it on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from opskit.core.message_phrases import ACCESS_DENIED
from opskit.core.text import compact_text
from opskit.explain.rules.error_match import ErrorKind, ErrorMatch, ErrorRule, ExplanationParts, RegionHint
from opskit.explain.rules.pasted_text import (
    NEARBY,
    PastedText,
    pattern_finder,
    with_nearby_type,
)

_ACTION = r"(?P<action>[a-z0-9-]{2,40}:[a-z0-9]{3,80}?)"
_OWN = re.escape(compact_text(ACCESS_DENIED))
_DENIED = re.compile(
    rf"(?<!dependency)accessdenied|notauthorizedtoperform|unauthorizedoperation|authorizationerror|{_OWN}"
    r"|\(403\)whencalling|youdon'thavepermissions?to"
)
# What follows an action tells where it ends: there are no blanks in squeezed text.
_NAMED = re.compile(
    rf"(?:notauthorizedtoperform:?'?|{_OWN}){_ACTION}"
    r"(?=onresource|onarn|onthe|because|with|in[a-z]{2}-|['\".,;:()]|$)"
)
# boto3's frame: "An error occurred (AccessDenied) when calling the CreateBucket operation: Access Denied"
_CALLED = re.compile(r"whencallingthe(?P<operation>[a-z0-9]{3,60}?)operation")
# "User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based policy allows ..."
_WHO = re.compile(r"user:(?P<who>arn:aws[a-z-]{0,12}:[a-z0-9:/+=,.@_-]{5,200}?)isnotauthorized")
# "... with an explicit deny in a service control policy", or in any other kind of policy.
_EXPLICIT = re.compile(
    r"explicitdeny(?:in(?:an?|the)(?P<policy>[a-z-]{3,40}?)polic(?:y|ies)|in(?:a|the)(?P<boundary>permissionsboundary))?"
)
_NOT_ALLOWED = re.compile(r"becauseno(?P<policy>[a-z-]{4,40}?)allows")
_POLICY_WORDS = {
    "servicecontrol": "service control policy of the AWS organization",
    "resourcecontrol": "resource control policy of the AWS organization",
    "identity-based": "identity-based policy",
    "resource-based": "resource-based policy",
    "session": "session policy",
    "vpcendpoint": "VPC endpoint policy",
    "permissionsboundary": "permissions boundary",
}
# S3 says no more than "Access Denied", and its actions are not called like its operations.
_S3_ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "HeadBucket": "s3:ListBucket",
    "CreateBucket": "s3:CreateBucket",
}
_PASS_ROLE = "iam:passrole"
# How far apart the parts of one refusal may stand: ARNs are long.
_LONGEST_SENTENCE = 1_200


def _find_denied(text: PastedText) -> Iterator[ErrorMatch]:
    end = -1
    for found in text.matches(_DENIED):
        if found.start() < end:
            continue
        end = found.start() + NEARBY
        action = _NAMED.search(text.flat, found.start(), found.start() + _LONGEST_SENTENCE)
        called = _CALLED.search(text.flat, max(0, found.start() - NEARBY), found.start() + NEARBY)
        operation = text.word(called, "operation") if called else ""
        what = text.word(action, "action") if action else _S3_ACTIONS.get(operation, operation)
        end = max(end, action.end() + NEARBY if action else 0)
        details = (_who(text, found.start()), *_why(text.flat, found.start()))
        yield replace(
            with_nearby_type(text, ErrorMatch(ErrorKind.DENIED, found.start())), subject=what, details=details
        )


def _who(text: PastedText, at: int) -> str:
    found = _WHO.search(text.flat, max(0, at - NEARBY), at + _LONGEST_SENTENCE)
    return text.word(found, "who") if found else ""


def _why(flat: str, at: int) -> tuple[str, str]:
    """Whether a deny or a missing allow stands in the way, and in which policy."""
    explicit = _EXPLICIT.search(flat, at, at + _LONGEST_SENTENCE)
    if explicit:
        policy = explicit["policy"] or explicit["boundary"] or ""
        return "explicit", _POLICY_WORDS.get(policy, "policy")
    missing = _NOT_ALLOWED.search(flat, at, at + _LONGEST_SENTENCE)
    words = missing["policy"].removesuffix("policy").removesuffix("policies") if missing else ""
    return "missing", _POLICY_WORDS.get(words, "")


def _explain_denied(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    who, how, policy = (error.detail(at) for at in range(3))
    action = error.subject or "this action"
    if how == "explicit":
        article = "an" if policy.startswith("identity") else "a"
        reason = (
            f"Access denied: an explicit deny in {article} {policy} forbids {action}. That is a permission, not "
            "a quota, and an explicit deny outweighs every allow."
        )
        return ExplanationParts(reason, f"Only whoever manages that {policy} can lift it, or exempt {who or 'you'}.")
    missing = f", because no {policy} allows it" if policy else ""
    reason = f"Access denied: the credentials may not call {action}{missing}. That is a permission, not a quota."
    allow = f"Allow {action}{f' to {who}' if who else ''}." if error.subject else "The message names the action."
    if action.lower() == _PASS_ROLE:
        allow = f"Allow iam:PassRole{f' to {who}' if who else ''} on the execution role, for sagemaker.amazonaws.com."
    if policy.endswith("organization") or policy == _POLICY_WORDS["vpcendpoint"]:
        allow = f"Whoever manages that policy has to allow {action}."
    hint = f"{allow} The least policy of a command: `opskit iam policy COMMAND`. What is allowed:"
    return ExplanationParts(reason, hint, "opskit doctor")


def _explain_role_not_assumed(error: ErrorMatch, region_hint: RegionHint | None) -> ExplanationParts:
    role = error.subject or "that the call names"
    reason = (
        f"SageMaker could not assume the execution role {role}: the role does not exist, or its trust policy does not "
        "allow sagemaker.amazonaws.com to call sts:AssumeRole. That is a permission, not a quota."
    )
    name = error.subject.rpartition("/")[2]
    command = f"aws iam get-role --role-name {name} --query Role.AssumeRolePolicyDocument" if name else None
    hint = "Name another role, or allow the service sagemaker.amazonaws.com in its trust policy. A role that was made "
    return ExplanationParts(reason, f"{hint}seconds ago works in a minute. The trust policy:", command)


RULES = (
    ErrorRule(
        ErrorKind.DENIED,
        _find_denied,
        _explain_denied,
        frozenset({ErrorKind.ROLE_NOT_ASSUMED, ErrorKind.S3_DATA}),
        own_codes=("denied", "role-not-assumed"),
    ),
    ErrorRule(
        ErrorKind.ROLE_NOT_ASSUMED,
        pattern_finder(
            ErrorKind.ROLE_NOT_ASSUMED,
            re.compile(
                r"(?:couldnotassumerole|cannotassumerole|unabletoassumerole|isnotauthorizedtoassumerole)"
                r"'?(?P<role>arn:aws[a-z-]{0,12}:iam::[0-9]{12}:role/[a-z0-9/+=,@_-]{1,128})?"
            ),
            "role",
        ),
        _explain_role_not_assumed,
    ),
)
