"""Reads quotas: by known code where there is one, by name through AWS's two listings where there is none.

AWS leaves a quota without an applied value out of ListServiceQuotas and answers GetServiceQuota with
NoSuchResourceException; the default then counts. A quota in neither listing is not offered in the Region.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.aws_errors import incomplete
from opskit.errors import CREDENTIALS, AwsFailure, Throttled
from opskit.model import NotOffered, Quota, QuotaAnswer, Unread
from opskit.observe.known_codes import Known, Memory, shipped_codes

SERVICE = "sagemaker"
_PAGE = 100
_ABSENT = "NoSuchResourceException"

_GET = "get_service_quota"
_LIST = "list_service_quotas"
_GET_DEFAULT = "get_aws_default_service_quota"
_LIST_DEFAULTS = "list_aws_default_service_quotas"

_CALLS = {_LIST: "ListServiceQuotas", _LIST_DEFAULTS: "ListAWSDefaultServiceQuotas"}

# A look through the listings costs about as many seconds as 30 quotas read one by one at AWS's rates, and has to share
# one of these rates: so many at once, or more than a few that were never seen here, are read from the listings.
_MANY = 30
_FEW_UNSEEN = 7
_BURST = 5
_BOTH_BURSTS = 15

_HOPELESS = CREDENTIALS | {"unreachable"}
"""Problems that another way of asking would meet again."""


class _FilterUnsure(Exception):
    """ListServiceQuotas was asked for one quota and answered others, or none: whether it knows the filter, or had
    filtered its first page alone, cannot be told from that.
    """


@dataclass(frozen=True)
class _Told:
    """A quota in one of AWS's answers. ``why_not`` is AWS's reason where it gave no value."""

    name: str
    code: str
    value: float | None
    adjustable: bool
    why_not: str = ""


@dataclass(frozen=True)
class _Listing:
    """A look through a listing, by name; with ``missing``, not to its end."""

    told: Mapping[str, _Told]
    missing: Unread | None = None


def read_quotas(door: Door, names: Collection[str], memory: Memory) -> dict[str, QuotaAnswer]:
    """The quotas of these names in one Region; what could not be read is ``Unread``, never absent."""
    absent = {name: known for name in names if (known := memory.recall(name)) and known.code is None}
    answers: dict[str, QuotaAnswer] = {name: NotOffered(door.region, name, absent[name].seen) for name in absent}
    wanted = [name for name in dict.fromkeys(names) if name not in absent]
    if _quicker_by_listing(wanted, memory):
        answers |= _by_listing(door, wanted, memory)
    else:
        found = _by_codes(door, [*wanted, *_worth_a_second_look(absent, wanted, memory)], memory)
        answers |= {name: answer for name, answer in found.items() if answer is not None and not _is_closed(answer)}
        lost = [name for name in wanted if name not in answers]
        answers |= _by_listing(door, lost, memory) if lost else {}
    memory.keep()
    return {name: answers[name] for name in names}


def _is_closed(answer: QuotaAnswer) -> bool:
    """Whether we may not ask for a single quota; the listings may be open all the same."""
    return isinstance(answer, Unread) and answer.code == "denied"


def glance(door: Door, names: Collection[str], memory: Memory) -> dict[str, QuotaAnswer]:
    """Those of the quotas that a code leads to at once, and what this run has just seen of them; never a look through
    the listings. What could not be had so is left out.
    """
    just_seen = {name: quota for name in names if (quota := _just_seen(door, name, memory))}
    found = _by_codes(door, [name for name in names if name not in just_seen], memory)
    memory.keep()
    return {**just_seen, **{name: answer for name, answer in found.items() if answer is not None}}


def _just_seen(door: Door, name: str, memory: Memory) -> Quota | None:
    known = memory.recall(name)
    if known is None or known.code is None or known.seen != memory.now or (known.applied and known.value is None):
        return None
    return Quota(door.region, name, known.code, known.value if known.applied else None, known.default)


def unread(failure: AwsFailure) -> Unread:
    """A failure as the reason why a value is not known."""
    return Unread.of(failure.problem)


def _quicker_by_listing(names: Collection[str], memory: Memory) -> bool:
    unseen = [name for name in names if memory.recall(name) is None]
    return len(unseen) > _FEW_UNSEEN or len(names) > _MANY or any(memory.code(name) is None for name in unseen)


def _worth_a_second_look(absent: Collection[str], wanted: Collection[str], memory: Memory) -> list[str]:
    """Quotas remembered as absent, by codes they have had elsewhere: as many as can be asked for without a wait."""
    spare = min(
        _BOTH_BURSTS - len(wanted),
        _BURST - sum(1 for name in wanted if (known := memory.recall(name)) and not known.applied),
    )
    return [name for name in absent if name in shipped_codes()][: max(0, spare)]


def _by_codes(door: Door, names: Collection[str], memory: Memory) -> dict[str, QuotaAnswer | None]:
    """Each quota behind its code; None where the code leads to no quota of the name."""
    ways, with_default = _ways(names, memory), _with_default(names, memory)
    asks = [partial(_by_code, door, name, memory, ways[name], with_default=name in with_default) for name in names]
    return dict(zip(names, side_by_side(asks), strict=True))


def _with_default(names: Collection[str], memory: Memory) -> set[str]:
    """The quotas whose default is asked for at once: it counts, or nobody knows it yet and it costs no wait."""
    known = {name: memory.recall(name) for name in names}
    counts = [name for name, each in known.items() if each and not each.applied]
    unknown = [name for name, each in known.items() if each is None or (each.applied and each.default is None)]
    return {*counts, *unknown[: max(0, _BURST - len(counts))]}


def _ways(names: Collection[str], memory: Memory) -> dict[str, str]:
    """Which call asks for which quota. Two of three go to ListServiceQuotas, whose rate is twice GetServiceQuota's;
    what has no applied value to GetServiceQuota, which alone says so for certain.
    What was never seen here goes to the latter first, so that a look through the listing finds its rate untouched.
    """
    unseen = [name for name in names if memory.recall(name) is None]
    seen = {name: known for name in names if (known := memory.recall(name))}
    unapplied = [name for name, known in seen.items() if not known.applied]
    applied = [name for name, known in seen.items() if known.applied]
    return {
        **{name: _GET if at < _BURST else _LIST for at, name in enumerate(unseen)},
        **{name: _GET if at < _BURST else _LIST for at, name in enumerate(unapplied)},
        **{name: _GET if at % 3 == 2 and not unapplied else _LIST for at, name in enumerate(applied)},
    }


def _by_code(
    door: Door, name: str, memory: Memory, way: str, code: str | None = None, *, with_default: bool = False
) -> QuotaAnswer | None:
    """The quota behind its code; None where the code leads to no quota of the name."""
    code = code or memory.code(name) or shipped_codes().get(name)
    if code is None:
        return None
    try:
        applied, default = _told_by_code(door, code, way, with_default=with_default)
    except AwsFailure as failure:
        return unread(failure)
    if any(told is not None and told.name != name for told in (applied, default)):
        return None
    return _learnt(door, name, applied, default, memory)


def _told_by_code(door: Door, code: str, way: str, *, with_default: bool) -> tuple[_Told | None, _Told | None]:
    """What AWS has under a code: applied, and the default where nothing is applied, or where it is wanted anyway and
    can be had.
    """
    if not with_default:
        applied = _applied(door, code, way)
        return applied, None if applied else _get(door, _GET_DEFAULT, code)
    applied, default = side_by_side([partial(_applied, door, code, way), partial(_default_or_why_not, door, code)])
    if isinstance(default, AwsFailure):
        if applied is None:
            raise default
        return applied, None
    return applied, default


def _default_or_why_not(door: Door, code: str) -> _Told | AwsFailure | None:
    try:
        return _get(door, _GET_DEFAULT, code)
    except AwsFailure as failure:
        return failure


def _applied(door: Door, code: str, way: str) -> _Told | None:
    """The applied quota behind a code by one way or, where that is closed, the other; None where AWS has none."""
    asks = [partial(_filtered, door, code), partial(_get, door, _GET, code)]
    first, second = asks if way == _LIST else reversed(asks)
    try:
        return first()
    except _FilterUnsure:
        return second()
    except AwsFailure as failure:
        if failure.problem.code in _HOPELESS or (failure.passing and not isinstance(failure, Throttled)):
            raise
        try:
            return second()
        except _FilterUnsure:
            raise failure from None


def _filtered(door: Door, code: str) -> _Told | None:
    """One quota through ListServiceQuotas' filter, which older endpoints do not know."""
    try:
        page = door.read("service-quotas", _LIST, ServiceCode=SERVICE, QuotaCode=code)
    except AwsFailure as failure:
        if failure.aws_code == _ABSENT:
            return None
        raise
    ours = next((told for told in map(_told, page["Quotas"]) if told.code == code), None)
    if ours is None:
        raise _FilterUnsure
    return ours


def _get(door: Door, operation: str, code: str) -> _Told | None:
    try:
        answer = door.read("service-quotas", operation, ServiceCode=SERVICE, QuotaCode=code)
    except AwsFailure as failure:
        if failure.aws_code == _ABSENT:
            return None
        raise
    return _told(answer["Quota"])


def _told(quota: Mapping[str, Any]) -> _Told:
    return _Told(
        quota.get("QuotaName", ""),
        quota.get("QuotaCode", ""),
        value_told(quota.get("Value")),
        quota.get("Adjustable", True),
        (quota.get("ErrorReason") or {}).get("ErrorMessage", ""),
    )


def value_told(value: object) -> float | None:
    """A value as AWS told it, None for what is no number."""
    return value if isinstance(value, int | float) and isfinite(value) and not isinstance(value, bool) else None


def _learnt(door: Door, name: str, applied: _Told | None, default: _Told | None, memory: Memory) -> QuotaAnswer | None:
    """The quota that one answer or two tell of, remembered; None where neither does."""
    told = applied or default
    if told is None:
        return None
    if told.value is None:
        return Unread(f"AWS gives no value for '{name}' in {door.region}. {told.why_not}".strip())
    memory.learn(name, told.code, applied=applied is not None, default=_value(default), value=_value(applied))
    known = memory.recall(name)
    usual = default.value if default else known.default if known else None
    return Quota(door.region, name, told.code, _value(applied), usual, told.adjustable)


def _value(told: _Told | None) -> float | None:
    return None if told is None else told.value


def _by_listing(door: Door, names: Collection[str], memory: Memory) -> dict[str, QuotaAnswer]:
    """One look through both listings, side by side. What cannot be listed is asked by code where one is known."""
    applied, defaults = side_by_side([partial(_listing, door, operation) for operation in (_LIST, _LIST_DEFAULTS)])
    if applied.missing is None and defaults.missing is None:
        _learn_all(memory, applied.told, defaults.told)
    return {name: _in_listings(door, name, applied, defaults, memory) for name in names}


def _in_listings(door: Door, name: str, applied: _Listing, defaults: _Listing, memory: Memory) -> QuotaAnswer:
    is_applied, default = applied.told.get(name), defaults.told.get(name)
    gap = None if is_applied else applied.missing or (None if default else defaults.missing)
    if gap is None:
        return _learnt(door, name, is_applied, default, memory) or NotOffered(door.region, name)
    if gap.code in _HOPELESS:
        return gap
    return _by_code(door, name, memory, _GET, default.code if default else None) or gap


def _listing(door: Door, operation: str) -> _Listing:
    told: dict[str, _Told] = {}
    try:
        for quota in _quotas(door, operation):
            told.setdefault(quota.name, quota)
    except AwsFailure as failure:
        if failure.aws_code != _ABSENT or told:
            return _Listing(told, unread(failure))
    return _Listing(told)


def _quotas(door: Door, operation: str) -> Iterator[_Told]:
    for page in listed_quotas(door, operation):
        yield from map(_told, page)


def listed_quotas(door: Door, operation: str) -> Iterator[list[Mapping[str, Any]]]:
    """A listing of SageMaker's quotas, page by page. An entry of which it is not told which quota it is could be any:
    with it the listing cannot tell what is not in it.

    Raises:
        AwsFailure: a page could not be read, or names a quota in half.
    """
    for page in door.pages("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE):
        quotas: list[Mapping[str, Any]] = page["Quotas"]
        if not all(quota.get("QuotaName") and quota.get("QuotaCode") for quota in quotas):
            raise incomplete(
                f"service-quotas:{_CALLS[operation]}", door.region, "with a quota without its name or its code"
            )
        yield quotas


def _learn_all(memory: Memory, applied: Mapping[str, _Told], defaults: Mapping[str, _Told]) -> None:
    memory.learn_all(
        {
            name: Known(told.code, name in applied, _value(defaults.get(name)), memory.now, _value(applied.get(name)))
            for name, told in {**defaults, **applied}.items()
        }
    )


def with_default(door: Door, quota: Quota) -> Quota | Unread:
    """The quota with its default, which an applied value alone does not always tell."""
    if quota.default is not None:
        return quota
    try:
        told = _get(door, _GET_DEFAULT, quota.code)
    except AwsFailure as failure:
        return unread(failure)
    return replace(quota, default=told.value) if told and told.name == quota.name else quota
