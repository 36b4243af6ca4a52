"""Make a notebook instance: look at quota, price and role, then make what is missing, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once
from opskit.aws.gather import gather
from opskit.aws.prices import read_workload_price
from opskit.aws.resource_tags import read_arn_tags
from opskit.aws.roles import find_execution_role, find_role, has_inline_policy
from opskit.core.clock import Clock
from opskit.core.events import EventSink, Message
from opskit.core.exceptions import AccessDenied, AwsError, GuardRefused, OpskitError, OutcomeUnknown
from opskit.core.live_resources import ResourceKind
from opskit.core.model import NOTEBOOK_ROLE_NAME, Notebook, Price, Requirement, Unknown, Workload
from opskit.core.owners import OWNER_TAG, Owner
from opskit.core.result_or_error import result_or_error
from opskit.explain.rules.aws_errors import explain_start_error
from opskit.guards.rules.refusals import capacity_error
from opskit.notebooks.changes import notebooks as changes
from opskit.notebooks.changes import roles
from opskit.notebooks.flows.wait import read_notebook_failure, wait_in_service
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.create_request import NotebookSpec
from opskit.notebooks.rules.enums import NotebookAction
from opskit.quotas.flows.check import check_quotas
from opskit.quotas.rules.headroom import QuotaCheck
from opskit.state.journal import mark_done

# A role that opskit made, now or in a run before that ended early, takes a few seconds until SageMaker knows it.
_UNTIL_KNOWN_SECONDS = (2.0, 4.0, 8.0, 8.0, 8.0)


class CreateOutcome(StrEnum):
    """What became of a notebook that was asked for."""

    PLANNED = "planned"
    CREATED = "created"
    EXISTS = "exists"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def is_there(self) -> bool:
        """Whether the notebook is there now."""
        match self:
            case CreateOutcome.CREATED | CreateOutcome.EXISTS:
                return True
            case CreateOutcome.PLANNED | CreateOutcome.REFUSED | CreateOutcome.UNKNOWN:
                return False


@dataclass(frozen=True)
class RolePlan:
    """The role to work with. ``creates``: it is to be made; ``attaches_policy``: it is ours and lacks its
    permissions.
    """

    arn: str
    creates: bool = False
    attaches_policy: bool = False

    @property
    def needs_consent(self) -> bool:
        """Whether something about rights would change."""
        return self.creates or self.attaches_policy


@dataclass(frozen=True)
class CreatePlan:
    """A new notebook as it would be made, and whose. ``existing_tags_gap`` is why it is not known whose the
    ``existing`` one is; None: nothing keeps that from being known.

    None means for ``existing``: no notebook has the name; ``role``: there is none for it, and where one is needed,
    ``blockers`` says why; ``check``: the quotas are not looked at.
    """

    spec: NotebookSpec
    owner: Owner
    region: str
    account: str
    price: Price | Unknown
    existing: Notebook | None = None
    role: RolePlan | None = None
    check: QuotaCheck | None = None
    existing_tags_gap: Unknown | None = None
    blockers: tuple[OpskitError, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class CreateResult:
    """What became of a plan. ``notebook`` is how it was seen last; None: not seen."""

    plan: CreatePlan
    outcome: CreateOutcome
    notebook: Notebook | None = None
    errors: Sequence[OpskitError] = ()


def plan_notebook(client: AwsClient, spec: NotebookSpec, owner: Owner, now: datetime) -> CreatePlan:
    """See what making it would do. Nothing is changed.

    Raises:
        AwsError: AWS does not say who we are, or whether the notebook is there.
    """
    account = client.session.identity().account
    there = read_notebook(client, spec.name)
    if there:
        price = read_workload_price(client, there.instance_type, Workload.NOTEBOOK)
        plan = CreatePlan(spec, owner, client.region, account, price, there)
        if (conflict := _conflict_with(there, spec)) is not None:
            return replace(plan, blockers=(conflict,))
        tags = read_arn_tags(client, there.arn)
        if isinstance(tags, Unknown):
            return replace(plan, existing_tags_gap=tags)
        return replace(plan, blockers=_owner_conflicts(there, tags, owner))
    price, role, check = gather(
        partial(read_workload_price, client, spec.instance_type, Workload.NOTEBOOK),
        partial(result_or_error, partial(plan_notebook_role, client, spec, account)),
        partial(_check_notebook_quota, client, spec, now),
    )
    ways = [check and capacity_error(check, client.region), role]
    return CreatePlan(
        spec,
        owner,
        client.region,
        account,
        price,
        role=role if isinstance(role, RolePlan) else None,
        check=check,
        blockers=tuple(opskit_error for opskit_error in ways if isinstance(opskit_error, OpskitError)),
    )


def create_notebook(client: AwsClient, plan: CreatePlan, clock: Clock, emit: EventSink) -> CreateResult:
    """Make what is planned, unless something stands in the way or it already exists. What AWS refuses, or does not
    answer, is in the result, not raised. A new role may be seen late by SageMaker: that is waited for, up to 30
    seconds.
    """
    if plan.blockers:
        return CreateResult(plan, CreateOutcome.REFUSED, plan.existing, plan.blockers)
    if plan.existing:
        failed = [read_notebook_failure(client, plan.existing)] if plan.existing.traits.has_failed else []
        return CreateResult(plan, CreateOutcome.EXISTS, plan.existing, failed)
    try:
        _ensure_role(client, plan, clock, emit)
        _create_planned(client, plan, clock, emit)
    except OutcomeUnknown as failure:
        return CreateResult(plan, CreateOutcome.UNKNOWN, None, [failure])
    except AwsError as failure:
        return CreateResult(plan, CreateOutcome.REFUSED, None, [explain_start_error(failure)])
    client.live_resources.note_reached(ResourceKind.NOTEBOOK, plan.spec.name, client.region)
    seen = result_or_error(partial(read_notebook, client, plan.spec.name))
    return CreateResult(plan, CreateOutcome.CREATED, None if isinstance(seen, OpskitError) else seen)


def wait_until_running(client: AwsClient, done: CreateResult, clock: Clock, emit: EventSink) -> CreateResult:
    """The same once the notebook is in service, or cannot come to be; at once where nothing comes up. Waits up to 30
    minutes, and why it failed is in the result, not raised.
    """
    comes_up = done.notebook is None or done.notebook.traits.comes_up
    if not (done.outcome.is_there and comes_up):
        return done
    name = done.plan.spec.name
    try:
        return replace(done, notebook=wait_in_service(client, name, clock, emit))
    except OpskitError as error:
        seen = result_or_error(partial(read_notebook, client, name))
        return replace(done, notebook=None if isinstance(seen, OpskitError) else seen, errors=[error])


def _conflict_with(there: Notebook, spec: NotebookSpec) -> OpskitError | None:
    """Why a notebook of that name is not one like the one that was asked for; None: it is."""
    where = _there_already(there)
    if there.traits.is_going:
        return GuardRefused("being-deleted", f"{where}, being deleted.", "Try again when it is gone.")
    if spec.type_explicit and there.instance_type != spec.instance_type:
        text = f"{where}, with the instance type {there.instance_type} instead of {spec.instance_type}."
        return GuardRefused("name-taken", text, "Take another name.")
    return None


def _owner_conflicts(there: Notebook, tags: Mapping[str, str], owner: Owner) -> tuple[OpskitError, ...]:
    """Why a notebook of that name is somebody else's; one without an owner is shown as it is."""
    other = tags.get(OWNER_TAG)
    if not other or other == owner.name:
        return ()
    hint = f"Take another name, or work with it as it is: opskit notebook start {there.name}"
    text = f"{_there_already(there)}, and belongs to {other} (tag {OWNER_TAG})."
    return (GuardRefused("name-taken", text, hint),)


def _there_already(there: Notebook) -> str:
    return f"A notebook instance '{there.name}' is in {there.region} already"


def plan_notebook_role(client: AwsClient, spec: NotebookSpec, account: str) -> RolePlan:
    """The role that a notebook is to have, and what of it is still to be made.

    Raises:
        UsageError: the role that was named is none, or SageMaker may not assume it.
        AwsError: IAM could not be read.
    """
    if spec.role:
        return RolePlan(find_execution_role(client, spec.role).arn)
    try:
        arn = find_role(client, NOTEBOOK_ROLE_NAME)
    except AccessDenied as failure:
        raise _role_needed_error(failure) from failure
    if arn is None:
        return RolePlan(
            f"arn:{_read_partition(client)}:iam::{account}:role/{NOTEBOOK_ROLE_NAME}",
            creates=True,
            attaches_policy=True,
        )
    try:
        return RolePlan(arn, attaches_policy=not has_inline_policy(client, NOTEBOOK_ROLE_NAME, NOTEBOOK_ROLE_NAME))
    except AccessDenied:  # then it is taken as it is: what it may do is for AWS to judge
        return RolePlan(arn)


def _read_partition(client: AwsClient) -> str:
    """``aws``, or the name of another of AWS's worlds (China, GovCloud)."""
    return client.session.identity().arn.split(":")[1]


def _check_notebook_quota(client: AwsClient, spec: NotebookSpec, now: datetime) -> QuotaCheck | None:
    return check_quotas([client], [_notebook_requirement(spec)], now) if spec.guard else None


def _notebook_requirement(spec: NotebookSpec) -> Requirement:
    return Requirement(spec.instance_type, Workload.NOTEBOOK, volume_gb=spec.volume_gb)


def _ensure_role(client: AwsClient, plan: CreatePlan, clock: Clock, emit: EventSink) -> None:
    """Make the role, or the half of it that is missing: an earlier run may have ended in between."""
    if not (plan.role and plan.role.needs_consent):
        return
    reason = f"for the notebook {plan.spec.name}"
    found = partial(mark_done, client, subject=NOTEBOOK_ROLE_NAME, evidence="it is there")
    try:
        if plan.role.creates:
            make = partial(roles.create_notebook_role, client, plan.owner, plan.spec.role_boundary, reason)
            create_once(
                make,
                lambda: find_role(client, NOTEBOOK_ROLE_NAME) is not None,
                clock,
                partial(found, NotebookAction.CREATE_ROLE),
            )
        permit = partial(roles.attach_role_policy, client, plan.account, _read_partition(client), reason)
        create_once(
            permit,
            lambda: has_inline_policy(client, NOTEBOOK_ROLE_NAME, NOTEBOOK_ROLE_NAME),
            clock,
            partial(found, NotebookAction.PUT_ROLE_POLICY),
        )
    except AccessDenied as failure:
        raise _role_needed_error(failure) from failure
    emit(Message(f"The role {plan.role.arn} is made."))


def _role_needed_error(failure: AccessDenied) -> AccessDenied:
    hint = (
        "Name a role that SageMaker may assume: --role ARN. Or have iam:GetRole, iam:GetRolePolicy, iam:CreateRole and "
        f"iam:PutRolePolicy on {NOTEBOOK_ROLE_NAME} allowed."
    )
    return AccessDenied("role-denied", failure.problem.message, hint, region=failure.problem.region)


def _create_planned(client: AwsClient, plan: CreatePlan, clock: Clock, emit: EventSink) -> None:
    role = plan.role
    assert role is not None, "without a role something stood in the way"
    send = partial(
        create_once,
        lambda: changes.create_notebook_instance(client, plan.spec, plan.owner, role.arn, "asked for"),
        lambda: read_notebook(client, plan.spec.name) is not None,
        clock,
        partial(mark_done, client, NotebookAction.CREATE, plan.spec.name, "it is there"),
    )
    for pause in () if plan.spec.role else _UNTIL_KNOWN_SECONDS:
        try:
            send()
        except AwsError as failure:
            if not _is_role_error(failure):
                raise
            emit(Message("SageMaker does not see the new role yet; retrying."))
            clock.sleep(pause)
        else:
            return
    send()


def _is_role_error(failure: AwsError) -> bool:
    """Whether AWS refused because it cannot assume the role: "Could not assume role ARN. Please ensure …"."""
    return failure.aws_code == "ValidationException" and "assume" in failure.aws_message.lower()
