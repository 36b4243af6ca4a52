"""Makes room for a run: asks for the quotas it lacks and waits until they are there, where the user said so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from opskit.aws import Door
from opskit.decide.guard import asked_for, waited_for
from opskit.decide.headroom import QuotaCheck
from opskit.decide.increase import Ask, Outcome, Via, Wish
from opskit.flows.clock import Clock
from opskit.flows.events import Remark, Tell
from opskit.flows.increase import file_increases
from opskit.flows.plan_increases import plan_increases
from opskit.flows.wait import wait_for

_LONGEST_WAIT = timedelta(hours=72)


def make_room(
    door: Door, check: QuotaCheck, why: str, clock: Clock, tell: Tell, *, ask: bool, wait: bool
) -> tuple[Ask, ...]:
    """Ask AWS for what is short (``ask``) and wait until the values suffice (``wait``); what was asked comes back.
    Whether there is room then is for another look to say.

    Raises:
        AwsFailure: AWS does not say who we are.
    """
    asked = _ask(door, asked_for(check), why, clock, tell, wait=wait) if ask else ()
    if wait and not any(each.outcome is Outcome.REFUSED for each in asked):
        _wait(door, waited_for(check), clock, tell)
    return asked


def _ask(door: Door, wishes: Sequence[Wish], why: str, clock: Clock, tell: Tell, *, wait: bool) -> tuple[Ask, ...]:
    """File the wishes. AWS takes only so many at once; the rest is filed in its turn by who waits anyway."""
    settled: list[Ask] = []
    while True:
        plans = plan_increases([door], wishes, Via.AUTO, clock.now())
        asks = file_increases([door], plans, why, clock, lambda text: tell(Remark(text)))
        for ask in asks:
            tell(Remark(f"{ask.quota_name} to {ask.wish.to:g}: {ask.outcome}. {ask.because}"))
        queued = [ask for ask in asks if ask.outcome is Outcome.QUEUED]
        under_way = [ask.wish for ask in asks if ask.outcome in (Outcome.FILED, Outcome.ALREADY_OPEN)]
        if not (wait and queued and under_way):
            return (*settled, *asks)
        settled += [ask for ask in asks if ask not in queued]
        _wait(door, under_way, clock, tell)
        wishes = [ask.wish for ask in queued]


def _wait(door: Door, wishes: Sequence[Wish], clock: Clock, tell: Tell) -> None:
    if wishes:
        wait_for([door], wishes, _LONGEST_WAIT, lambda text: tell(Remark(text)), clock)
