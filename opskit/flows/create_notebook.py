"""Make a notebook instance: look at quota, price and role, then make what is missing, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from opskit.act import notebooks as act
from opskit.act import roles as act_roles
from opskit.aws import Door, side_by_side
from opskit.decide.headroom import QuotaCheck
from opskit.decide.notebook_role import ROLE_NAME
from opskit.decide.notebook_room import no_room
from opskit.decide.notebook_wish import NotebookWish
from opskit.decide.refusals import explained, notebook_failed
from opskit.errors import AwsFailure, Denied, OpskitError, OutcomeUnknown, Refused
from opskit.flows.check_quotas import check_quotas
from opskit.flows.clock import Clock
from opskit.flows.events import Remark, Tell
from opskit.flows.follow_notebook import COMING_UP, until_in_service
from opskit.flows.made import made
from opskit.flows.tried import tried
from opskit.left_running import Kind
from opskit.model import Demand, Notebook, Price, Unread, Usage
from opskit.observe.notebooks import notebook as read_notebook
from opskit.observe.prices import Component, read_price
from opskit.observe.roles import execution_role, has_policy, role_called
from opskit.state.journal import confirm

_UNTIL_KNOWN_SECONDS = (2.0, 4.0, 8.0, 8.0, 8.0)
"""A role that opskit made, now or in a run before that ended early, takes a few seconds until SageMaker knows it."""


class CreateOutcome(StrEnum):
    """What became of a notebook that was asked for."""

    PLANNED = "planned"
    CREATED = "created"
    EXISTS = "exists"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RolePlan:
    """The role to work with. ``makes``: it is to be made; ``permits``: it is ours and lacks its permissions."""

    arn: str
    makes: bool = False
    permits: bool = False

    @property
    def needs_consent(self) -> bool:
        """Whether something about rights would change."""
        return self.makes or self.permits


@dataclass(frozen=True)
class CreatePlan:
    """A new notebook as it would be made.

    None means for ``there``: no notebook has the name; ``role``: not needed, or ``in_the_way`` says why there is
    none; ``check``: the quotas need not or shall not be looked at.
    """

    wish: NotebookWish
    region: str
    account: str
    price: Price | Unread
    there: Notebook | None = None
    role: RolePlan | None = None
    check: QuotaCheck | None = None
    in_the_way: tuple[OpskitError, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Creation:
    """What became of a plan. ``notebook`` is how it was seen last; None: not seen."""

    plan: CreatePlan
    outcome: CreateOutcome
    notebook: Notebook | None = None
    errors: Sequence[OpskitError] = ()


def plan_notebook(door: Door, wish: NotebookWish, now: datetime) -> CreatePlan:
    """See what making it would do. Nothing is changed.

    Raises:
        AwsFailure: AWS does not say who we are, or whether the notebook is there.
    """
    account = door.connection.caller().account
    there = read_notebook(door, wish.name)
    if there:
        price = read_price(door, there.instance_type, Component.NOTEBOOK)
        return CreatePlan(wish, door.region, account, price, there, in_the_way=_clash(there, wish))
    price, role, check = side_by_side(
        [
            partial(read_price, door, wish.instance_type, Component.NOTEBOOK),
            partial(tried, partial(_role, door, wish, account)),
            partial(_quotas, door, wish, now),
        ]
    )
    ways = [check and no_room(check, door.region), role]
    return CreatePlan(
        wish,
        door.region,
        account,
        price,
        role=role if isinstance(role, RolePlan) else None,
        check=check,
        in_the_way=tuple(each for each in ways if isinstance(each, OpskitError)),
    )


def create_notebook(door: Door, plan: CreatePlan, clock: Clock, tell: Tell) -> Creation:
    """Make what is planned, unless something stands in the way or it is there already."""
    if plan.in_the_way:
        return Creation(plan, CreateOutcome.REFUSED, plan.there, plan.in_the_way)
    if plan.there:
        failed = [notebook_failed(plan.there)] if plan.there.status == "Failed" else []
        return Creation(plan, CreateOutcome.EXISTS, plan.there, failed)
    try:
        _make_role(door, plan, clock, tell)
        _make(door, plan, clock, tell)
    except OutcomeUnknown as failure:
        return Creation(plan, CreateOutcome.UNKNOWN, None, [failure])
    except AwsFailure as failure:
        return Creation(plan, CreateOutcome.REFUSED, None, [explained(failure)])
    door.left_running.note_reached(Kind.NOTEBOOK, plan.wish.name, door.region)
    seen = tried(partial(read_notebook, door, plan.wish.name))
    return Creation(plan, CreateOutcome.CREATED, None if isinstance(seen, OpskitError) else seen)


def awaited(door: Door, done: Creation, clock: Clock, tell: Tell) -> Creation:
    """The same once the notebook is in service, or cannot come to be; at once where nothing comes up."""
    comes_up = done.notebook is None or done.notebook.status in COMING_UP
    if done.outcome not in (CreateOutcome.CREATED, CreateOutcome.EXISTS) or not comes_up:
        return done
    name = done.plan.wish.name
    try:
        return replace(done, notebook=until_in_service(door, name, clock, tell))
    except OpskitError as error:
        seen = tried(partial(read_notebook, door, name))
        return replace(done, notebook=None if isinstance(seen, OpskitError) else seen, errors=[error])


def _clash(there: Notebook, wish: NotebookWish) -> tuple[OpskitError, ...]:
    """Why a notebook of that name is not the one that was asked for."""
    where = f"A notebook instance '{there.name}' is in {there.region} already"
    if there.status == "Deleting":
        return (Refused("being-deleted", f"{where}, being deleted.", "Try again when it is gone."),)
    if wish.type_named and there.instance_type != wish.instance_type:
        text = f"{where}, on {there.instance_type} and not on {wish.instance_type}."
        return (Refused("name-taken", text, "Take another name."),)
    return ()


def _role(door: Door, wish: NotebookWish, account: str) -> RolePlan:
    if wish.role:
        return RolePlan(execution_role(door, wish.role))
    try:
        arn = role_called(door, ROLE_NAME)
    except Denied as failure:
        raise _needs_a_role(failure) from failure
    if arn is None:
        return RolePlan(f"arn:{_partition(door)}:iam::{account}:role/{ROLE_NAME}", makes=True, permits=True)
    try:
        return RolePlan(arn, permits=not has_policy(door, ROLE_NAME, ROLE_NAME))
    except Denied:  # then it is taken as it is: what it may do is for AWS to judge
        return RolePlan(arn)


def _partition(door: Door) -> str:
    """``aws``, or the name of another of AWS's worlds (China, GovCloud)."""
    return door.connection.caller().arn.split(":")[1]


def _quotas(door: Door, wish: NotebookWish, now: datetime) -> QuotaCheck | None:
    return check_quotas([door], [Demand(wish.instance_type, Usage.NOTEBOOK)], now) if wish.guard else None


def _make_role(door: Door, plan: CreatePlan, clock: Clock, tell: Tell) -> None:
    """Make the role, or the half of it that is missing: an earlier run may have ended in between."""
    if not (plan.role and plan.role.needs_consent):
        return
    because = f"for the notebook {plan.wish.name}"
    found = partial(confirm, door, subject=ROLE_NAME, seen="it is there")
    try:
        if plan.role.makes:
            make = partial(act_roles.make_role, door, because)
            made(make, lambda: role_called(door, ROLE_NAME) is not None, clock, partial(found, act_roles.MAKE))
        permit = partial(act_roles.permit, door, plan.account, _partition(door), because)
        made(permit, lambda: has_policy(door, ROLE_NAME, ROLE_NAME), clock, partial(found, act_roles.PERMIT))
    except Denied as failure:
        raise _needs_a_role(failure) from failure
    tell(Remark(f"The role {plan.role.arn} is made."))


def _needs_a_role(failure: Denied) -> Denied:
    hint = (
        "Name a role that SageMaker may assume: --role ARN. Or have iam:GetRole, iam:GetRolePolicy, iam:CreateRole and "
        f"iam:PutRolePolicy on {ROLE_NAME} allowed."
    )
    return Denied("role-denied", failure.problem.message, hint, region=failure.problem.region)


def _make(door: Door, plan: CreatePlan, clock: Clock, tell: Tell) -> None:
    role = plan.role
    assert role is not None, "without a role something stood in the way"
    send = partial(
        made,
        lambda: act.create(door, plan.wish, role.arn, "asked for"),
        lambda: read_notebook(door, plan.wish.name) is not None,
        clock,
        partial(confirm, door, act.CREATE, plan.wish.name, "it is there"),
    )
    for pause in () if plan.wish.role else _UNTIL_KNOWN_SECONDS:
        try:
            send()
        except AwsFailure as failure:
            if not _is_about_role(failure):
                raise
            tell(Remark("SageMaker does not know the new role yet; trying again."))
            clock.sleep(pause)
        else:
            return
    send()


def _is_about_role(failure: AwsFailure) -> bool:
    """Whether AWS refused because it cannot assume the role: "Could not assume role ARN. Please ensure …"."""
    return failure.aws_code == "ValidationException" and "assume" in failure.aws_message.lower()
