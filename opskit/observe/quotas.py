"""Reads quotas: by known code where there is one, by name through the listings where there is none.

AWS leaves a quota without an applied value out of ListServiceQuotas and answers GetServiceQuota with
NoSuchResourceException; the default then counts. A quota in neither list is not offered in the Region.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from opskit.aws import Door, side_by_side
from opskit.errors import AwsFailure
from opskit.model import NotOffered, Quota, QuotaAnswer, Unread
from opskit.observe.known_codes import Known, Memory

SERVICE = "sagemaker"
_PAGE = 100
_ABSENT = "NoSuchResourceException"


class _WrongCode(Exception):
    """A code answered with another quota's name."""


def read_quotas(door: Door, names: Collection[str], memory: Memory) -> dict[str, QuotaAnswer]:
    """The quotas of these names in one Region; what could not be read is ``Unread``, never absent."""
    known = {name: memory.get(name) for name in names}
    answers: dict[str, QuotaAnswer] = {
        name: NotOffered(door.region, name, entry.seen)
        for name, entry in known.items()
        if entry and entry.standing == "absent"
    }
    coded = {name: entry for name, entry in known.items() if entry and entry.code}
    looks = side_by_side([lambda name=name: _by_code(door, name, coded[name], memory) for name in coded])
    answers |= {name: answer for name, answer in zip(coded, looks, strict=True) if answer is not None}
    missing = [name for name in names if name not in answers]
    if missing:
        answers |= _by_name(door, missing, memory)
    memory.save()
    return answers


def unread(failure: AwsFailure) -> Unread:
    """A failure as the reason why a value is not known."""
    return Unread(failure.problem.message, failure.problem.code, failure.problem.hint)


def _by_code(door: Door, name: str, known: Known, memory: Memory) -> QuotaAnswer | None:
    """The quota behind a code; None when the code does not answer to the name, so that it must be looked up."""
    code = known.code or ""
    try:
        if known.standing == "default-only":
            applied, default = side_by_side([lambda: _applied(door, name, code), lambda: _default(door, name, code)])
        else:
            applied, default = _applied(door, name, code), None
        if applied is None and default is None:
            default = _default(door, name, code)
    except _WrongCode:
        memory.forget(name)
        return None
    except AwsFailure as failure:
        return unread(failure)
    if applied is not None:
        memory.learn(name, code, "applied")
        return _quota(door, applied, default)
    if default is not None:
        memory.learn(name, code, "default-only")
        return _quota(door, None, default)
    return None


def _applied(door: Door, name: str, code: str) -> Mapping[str, Any] | None:
    """The applied value behind a code, None where AWS has none.

    ListServiceQuotas filtered by code has a rate of its own, twice that of GetServiceQuota; the latter is asked
    when the former would have to wait, is not allowed, or does not know the filter.
    """
    if door.waits("list_service_quotas") <= door.waits("get_service_quota"):
        try:
            found = door.read("service-quotas", "list_service_quotas", ServiceCode=SERVICE, QuotaCode=code)["Quotas"]
        except AwsFailure as failure:
            if failure.aws_code == _ABSENT:
                return None
        else:
            of_code = [quota for quota in found if quota["QuotaCode"] == code]
            if of_code:
                return _named(of_code[0], name)
            if not found:
                return None
    return _got(door, "get_service_quota", name, code)


def _default(door: Door, name: str, code: str) -> Mapping[str, Any] | None:
    return _got(door, "get_aws_default_service_quota", name, code)


def _got(door: Door, operation: str, name: str, code: str) -> Mapping[str, Any] | None:
    try:
        answer = door.read("service-quotas", operation, ServiceCode=SERVICE, QuotaCode=code)
    except AwsFailure as failure:
        if failure.aws_code == _ABSENT:
            return None
        raise
    return _named(answer["Quota"], name)


def _named(quota: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if quota.get("QuotaName") != name:
        raise _WrongCode
    return quota


def _quota(door: Door, applied: Mapping[str, Any] | None, default: Mapping[str, Any] | None) -> QuotaAnswer:
    told = applied or default or {}
    values = [quota.get("Value") if quota else None for quota in (applied, default)]
    if values == [None, None]:
        return Unread(f"AWS answered '{told.get('QuotaName')}' without a value.")
    return Quota(door.region, told["QuotaName"], told["QuotaCode"], *values, told.get("Adjustable", True))


def _by_name(door: Door, names: Collection[str], memory: Memory) -> dict[str, QuotaAnswer]:
    """One look through both listings, side by side."""
    listings = ("list_service_quotas", "list_aws_default_service_quotas")
    applied, default = side_by_side([lambda listing=listing: _listed(door, listing, names) for listing in listings])
    if isinstance(applied, Unread):
        return dict.fromkeys(names, applied)
    return {name: _found(door, name, applied.get(name), default, memory) for name in names}


def _listed(door: Door, operation: str, names: Collection[str]) -> dict[str, Mapping[str, Any]] | Unread:
    try:
        return {quota["QuotaName"]: quota for quota in _all(door, operation) if quota["QuotaName"] in names}
    except AwsFailure as failure:
        return unread(failure)


def _all(door: Door, operation: str) -> Iterator[Mapping[str, Any]]:
    for page in door.pages("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE):
        yield from page["Quotas"]


def _found(
    door: Door,
    name: str,
    applied: Mapping[str, Any] | None,
    defaults: dict[str, Mapping[str, Any]] | Unread,
    memory: Memory,
) -> QuotaAnswer:
    default = None if isinstance(defaults, Unread) else defaults.get(name)
    if applied is None and isinstance(defaults, Unread):
        return defaults
    told = applied or default
    if told is None:
        memory.learn(name, None, "absent")
        return NotOffered(door.region, name)
    memory.learn(name, told["QuotaCode"], "applied" if applied else "default-only")
    return _quota(door, applied, default)
