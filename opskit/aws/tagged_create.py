"""Creates things with opskit's tags: whose they are (every command that makes something asks here), and what to do
where a policy refuses those tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from opskit.aws.session import AwsSession
from opskit.core.exceptions import AccessDenied, AwsError
from opskit.core.owners import OWNER_TAG, Owner, caller_owner, named_owner, person_of
from opskit.core.run_problems import send_notice


def read_owner(session: AwsSession, named: str | None, *, untagged: bool = False) -> Owner:
    """The owner: the one that is ``named``, else the caller. ``untagged``: nothing is to be tagged with it.

    Raises:
        AwsError: STS does not say who the caller is.
    """
    owner = named_owner(named) if named else _read_caller_owner(session)
    return replace(owner, untagged=untagged)


def _read_caller_owner(session: AwsSession) -> Owner:
    arn = session.identity().arn
    # Only now: reading the identity has assumed the role, if there is one to assume.
    return caller_owner(arn, next(iter(session.source_identities), None) or _read_assumer(session))


def _read_assumer(session: AwsSession) -> str | None:
    """Who told opskit to assume the role (``--role-arn``): its session's name is then opskit's own."""
    if session.assumed_from is None:
        return None
    try:
        return person_of(session.assumed_from.identity().arn)
    except AwsError:  # the role alone is then the owner, and the plan says so
        return None


# The actions that AWS asks for where something is made with tags, as its refusals name them.
_TAG_ACTION = re.compile(r"sagemaker:AddTags|iam:TagRole|s3:PutObjectTagging")
# An organisation's tag policy: "The tag policy does not allow the specified value for the following tag key: 'team'."
_TAG_POLICY = re.compile(r"tag polic", re.IGNORECASE)


def create_with_tags(
    create: Callable[[Mapping[str, str]], None], owner: Owner, own: Mapping[str, str], others: Mapping[str, str]
) -> None:
    """Create something with the owner's tag, opskit's ``own`` tags and the user's ``others``.

    With ``--no-owner`` nobody's tag is sent. Where a policy refuses opskit's own tags too, it is sent once more without
    them: a refusal of AWS's is certain to have changed nothing.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown). A refusal of the tags names ``--no-owner``.
    """
    try:
        create({**owner.tags, **own, **others})
    except AwsError as failure:
        if not _may_be_about_tags(failure):
            raise
        if not owner.untagged:
            raise _with_no_owner_hint(failure) from failure
        if not own:
            raise
        send_notice(
            f"A policy refuses the tag{'s' if len(own) > 1 else ''} {', '.join(own)} too: made without. "
            "`opskit cleanup` knows its own things by their tags, and so leaves these to you."
        )
        # Sent again, though it is a write: a refusal is certain to have changed nothing.
        create(others)


def _may_be_about_tags(failure: AwsError) -> bool:
    return isinstance(failure, AccessDenied) or _TAG_POLICY.search(failure.aws_message) is not None


def _with_no_owner_hint(failure: AwsError) -> AwsError:
    """The refusal with ``--no-owner`` as a next step."""
    is_certain = _TAG_ACTION.search(failure.aws_message) or _TAG_POLICY.search(failure.aws_message)
    # Only some refusals name the tags as their reason; of the others it is a guess, and said as one.
    way_out = (
        f"Or --no-owner: it writes no tag {OWNER_TAG}."
        if is_certain
        else f"If it is the tag {OWNER_TAG} that a policy refuses: --no-owner writes none."
    )
    problem = failure.problem
    return type(failure)(
        problem.code,
        problem.message,
        f"{problem.hint} {way_out}".strip(),
        region=problem.region,
        aws_code=failure.aws_code,
        aws_message=failure.aws_message,
        operation=failure.operation,
        transient=failure.transient,
    )
