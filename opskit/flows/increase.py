"""Ask for more, once: under a lock look again, write down what is tried, file it, and look for what got no answer.

Filing plans anew from what it sees then, so that neither a second terminal nor an answer that was lost makes a second
request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from opskit.act.quota_requests import create_case, file_increase, open_support_case
from opskit.aws import Door
from opskit.decide.headroom import number
from opskit.decide.increase import Ask, Attempt, Outcome, Via, trace
from opskit.decide.support import same_case
from opskit.errors import AwsFailure, UsageProblem
from opskit.flows.clock import Clock
from opskit.flows.plan_increases import last_attempt, look_and_plan, requests_or_why_not
from opskit.model import Request, Unread
from opskit.observe.support import open_cases
from opskit.state import queue
from opskit.state.folder import whose
from opskit.state.journal import Deed, record
from opskit.state.lock import alone

_LOOKS_SECONDS = (0.5, 1.0, 2.0)
"""How long to wait before each look for a request whose answer was lost."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class _Errand:
    """What carrying out one ask goes with: where, why, on which clock, and whom to tell."""

    door: Door
    why: str
    clock: Clock
    tell: Tell

    def remember(
        self, ask: Ask, standing: queue.Standing, *, known: frozenset[str] = frozenset(), id: str | None = None
    ) -> None:
        """Write an ask down as it stands now.

        Raises:
            UsageProblem: the state folder cannot be used.
        """
        wish, now = ask.wish, self.clock.now()
        row = (ask.region, ask.quota_name, wish.instance_type, wish.usage, wish.to, ask.via, self.why)
        queue.remember(self.door, queue.Waiting(*row, standing, now, known, id))


def file_increases(doors: Sequence[Door], asks: Sequence[Ask], why: str, clock: Clock, tell: Tell) -> tuple[Ask, ...]:
    """Send what is planned; the rest comes back as it is. One Region's failure does not stop another's.

    Raises:
        AwsFailure: AWS does not say who we are.
        UsageProblem: what opskit must remember cannot be kept.
    """
    by_region = {door.region: _Errand(door, why, clock, tell) for door in doors}
    return tuple(_filed(by_region[ask.region], ask) for ask in asks)


def _filed(errand: _Errand, ask: Ask) -> Ask:
    """Carry one ask out. A failure before anything was sent is this ask's alone."""
    if not ask.acts:
        _settle(errand, ask)
        return ask
    door = errand.door

    def busy() -> None:
        errand.tell(f"Another opskit asks for quotas in {door.region}; waiting for it to end.")

    try:
        with alone("increase", *whose(door), door.region, busy=busy):
            _let_settle(errand, ask)
            again, sight = look_and_plan(door, ask.wish, ask.via, errand.clock.now())
            if again.acts:
                return _sent(errand, again, sight.request_ids)
            _settle(errand, again)
            return again
    except (AwsFailure, UsageProblem) as failure:
        because = f"Nothing was sent, because the last look before it failed: {failure}"
        return ask.ended(Outcome.UNKNOWN, because, problem=failure.problem)


def _let_settle(errand: _Errand, ask: Ask) -> None:
    """Wait until an earlier filing whose answer was lost can be seen, if it arrived."""
    now = errand.clock.now()
    attempt = last_attempt(errand.door, ask.quota_name, ask.via, now)
    seconds = attempt.settles_in(now) if attempt else 0.0
    if seconds:
        errand.tell(f"A request for {ask.quota_name} was not answered just now; looking for it in {seconds:.0f} s.")
        errand.clock.sleep(seconds)


def _sent(errand: _Errand, ask: Ask, known: frozenset[str]) -> Ask:
    """Write down that it is tried, try it, and look for it where no answer came. ``known`` are earlier requests."""
    door, attempt = errand.door, Attempt(errand.clock.now(), ask.wish.to, known, ask.via)
    queued = _queued(door, ask)
    errand.remember(ask, queue.Standing.ATTEMPTED, known=known)
    with _journalled(errand, ask) as deed:
        done = _asked(door, ask, errand.why)
        if done.outcome is Outcome.UNKNOWN:
            done = _looked_up(errand, done, attempt)
        elif done.outcome is Outcome.ALREADY_OPEN:
            done = _with_request(done, requests_or_why_not(door, ask.quota_code or ""))
        deed.outcome, deed.detail = done.outcome.value, done.request_id or done.case_id or done.because
    _settle(errand, done, known, queued)
    if done.outcome is Outcome.FILED and ask.request_id and ask.via is not Via.SUPPORT:
        return replace(done, outcome=Outcome.ALREADY_OPEN)  # the request was there before; only its case is new
    return done


def _queued(door: Door, ask: Ask) -> queue.Waiting | None:
    """The same ask as it waits in the queue, None where it does not."""
    same = (ask.region, ask.quota_name, ask.wish.to, queue.Standing.QUEUED)
    found = (one for one in queue.waiting(door) if (one.region, one.quota_name, one.desired, one.standing) == same)
    return next(found, None)


def _asked(door: Door, ask: Ask, why: str) -> Ask:
    if ask.request_id:
        return open_support_case(door, ask)
    return create_case(door, ask, why) if ask.via is Via.SUPPORT else file_increase(door, ask)


def _with_request(ask: Ask, requests: tuple[Request, ...] | Unread) -> Ask:
    """An ask that AWS says is open already, with the request that is."""
    known = () if isinstance(requests, Unread) else requests
    open_one = next((request for request in known if request.status.is_open), None)
    if open_one is None:
        return ask
    ended = ask.ended(ask.outcome, ask.because, request_id=open_one.id, case_id=open_one.case_id)
    return replace(ended, open_to=open_one.desired)


def _looked_up(errand: _Errand, ask: Ask, attempt: Attempt) -> Ask:
    """What became of an ask whose answer was lost: found, it was filed; else nobody knows yet."""
    for seconds in _LOOKS_SECONDS:
        errand.clock.sleep(seconds)
        found = _trace(errand.door, ask, attempt)
        if found:
            return found
    because = f"{ask.because} It is not to be seen yet; the next run looks again before it asks."
    return ask.ended(Outcome.UNKNOWN, because, problem=ask.problem)


def _trace(door: Door, ask: Ask, attempt: Attempt) -> Ask | None:
    """The ask as filed, when AWS shows what it made; None when it does not."""
    lost = "AWS's answer was lost, but"
    if ask.desk:
        case = _case(door, ask)
        return ask.ended(Outcome.FILED, f"{lost} the case is there.", case_id=case) if case else None
    requests = requests_or_why_not(door, ask.quota_code or "")
    known = () if isinstance(requests, Unread) else requests
    if ask.request_id:
        moved = next((one for one in known if one.id == ask.request_id and one.case_id), None)
        return ask.ended(Outcome.FILED, f"{lost} the case is there.", case_id=moved.case_id) if moved else None
    made = trace(attempt, known)
    because = f"{lost} the request is there; its status is {made.status}." if made else ""
    return ask.ended(Outcome.FILED, because, request_id=made.id, case_id=made.case_id) if made else None


def _case(door: Door, ask: Ask) -> str | None:
    try:
        cases = open_cases(door)
    except AwsFailure:
        return None
    case = same_case(ask.quota_name, ask.wish.instance_type, ask.wish.usage, ask.region, cases)
    return case.display_id if case else None


def _settle(
    errand: _Errand, ask: Ask, known: frozenset[str] = frozenset(), queued: queue.Waiting | None = None
) -> None:
    """Keep what waits for its turn and what was filed, and drop what is settled. AWS has its part already: trouble
    here is only told. ``queued`` is the ask as it waited before.
    """
    door, name, to = errand.door, ask.quota_name, ask.wish.to
    try:
        match ask.outcome:
            case Outcome.QUEUED:
                errand.remember(ask, queue.Standing.QUEUED)
            case Outcome.FILED:
                errand.remember(ask, queue.Standing.FILED, known=known, id=ask.request_id or ask.case_id)
            case Outcome.REFUSED if queued and ask.may_pass:
                queue.remember(door, queued)
            case Outcome.REFUSED:
                queue.forget(door, name, to, to)
            case Outcome.ALREADY_ENOUGH:
                queue.forget(door, name, 0.0, to)
            case Outcome.ALREADY_OPEN:
                queue.forget(door, name, 0.0, ask.covers)
            case Outcome.UNKNOWN | Outcome.PLANNED:
                return
    except UsageProblem as failure:
        errand.tell(f"{failure} {failure.problem.hint}")


@contextmanager
def _journalled(errand: _Errand, ask: Ask) -> Iterator[Deed]:
    action = "open support case" if ask.request_id or ask.via is Via.SUPPORT else "request increase"
    subject = f"{ask.quota_name} to {number(ask.wish.to)}"
    with record(errand.door, action, subject, errand.why or ask.because) as deed:
        yield deed
