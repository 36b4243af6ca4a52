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

from opskit.aws.client import AwsClient
from opskit.aws.errors import incomplete
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import CREDENTIAL_CODES, AwsError, Throttled
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.quotas.reads.code_cache import CachedQuota, QuotaCodeCache, bundled_codes

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

_HOPELESS_CODES = CREDENTIAL_CODES | {"unreachable"}
"""Problems that another way of asking would meet again."""


class _FilterIgnored(Exception):
    """ListServiceQuotas was asked for one quota and answered others, or none: whether it knows the filter, or had
    filtered its first page alone, cannot be told from that.
    """


@dataclass(frozen=True)
class _QuotaRecord:
    """A quota in one of AWS's answers. ``why_not`` is AWS's reason where it gave no value."""

    name: str
    code: str
    value: float | None
    adjustable: bool
    why_not: str = ""


@dataclass(frozen=True)
class _ListResult:
    """A look through a listing, by name; with ``missing``, not to its end."""

    records: Mapping[str, _QuotaRecord]
    missing: Unknown | None = None


def read_quotas(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup]:
    """The quotas of these names in one Region; what could not be read is ``Unknown``, never absent."""
    absent = {name: known for name in names if (known := cache.get(name)) and known.code is None}
    answers: dict[str, QuotaLookup] = {name: NotOffered(client.region, name, absent[name].seen_at) for name in absent}
    wanted = [name for name in dict.fromkeys(names) if name not in absent]
    if _is_listing_quicker(wanted, cache):
        answers |= _get_by_listing(client, wanted, cache)
    else:
        found = _get_by_codes(client, [*wanted, *_worth_rereading(absent, wanted, cache)], cache)
        answers |= {
            name: answer for name, answer in found.items() if answer is not None and not _is_access_denied(answer)
        }
        lost = [name for name in wanted if name not in answers]
        answers |= _get_by_listing(client, lost, cache) if lost else {}
    cache.save()
    return {name: answers[name] for name in names}


def _is_access_denied(answer: QuotaLookup) -> bool:
    """Whether we may not ask for a single quota; the listings may be open all the same."""
    return isinstance(answer, Unknown) and answer.code == "denied"


def read_cached_quotas(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup]:
    """Those of the quotas that a code leads to at once, and what this run has just seen of them; never a look through
    the listings. What could not be had so is left out.
    """
    just_seen = {name: quota for name in names if (quota := _just_read(client, name, cache))}
    found = _get_by_codes(client, [name for name in names if name not in just_seen], cache)
    cache.save()
    return {**just_seen, **{name: answer for name, answer in found.items() if answer is not None}}


def _just_read(client: AwsClient, name: str, cache: QuotaCodeCache) -> Quota | None:
    known = cache.get(name)
    if known is None or known.code is None or known.seen_at != cache.now or (known.applied and known.value is None):
        return None
    return Quota(client.region, name, known.code, known.value if known.applied else None, known.default)


def unknown_from_error(failure: AwsError) -> Unknown:
    """A failure as the reason why a value is not known."""
    return Unknown.from_problem(failure.problem)


def _is_listing_quicker(names: Collection[str], cache: QuotaCodeCache) -> bool:
    unseen = [name for name in names if cache.get(name) is None]
    return len(unseen) > _FEW_UNSEEN or len(names) > _MANY or any(cache.code_for(name) is None for name in unseen)


def _worth_rereading(absent: Collection[str], wanted: Collection[str], cache: QuotaCodeCache) -> list[str]:
    """Quotas remembered as absent, by codes they have had elsewhere: as many as can be asked for without a wait."""
    spare = min(
        _BOTH_BURSTS - len(wanted),
        _BURST - sum(1 for name in wanted if (known := cache.get(name)) and not known.applied),
    )
    return [name for name in absent if name in bundled_codes()][: max(0, spare)]


def _get_by_codes(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup | None]:
    """Each quota behind its code; None where the code leads to no quota of the name."""
    ways, with_default = _lookup_plan(names, cache), _names_needing_default(names, cache)
    asks = [partial(_get_by_code, client, name, cache, ways[name], with_default=name in with_default) for name in names]
    return dict(zip(names, gather_all(asks), strict=True))


def _names_needing_default(names: Collection[str], cache: QuotaCodeCache) -> set[str]:
    """The quotas whose default is asked for at once: it counts, or nobody knows it yet and it costs no wait."""
    known = {name: cache.get(name) for name in names}
    counts = [name for name, each in known.items() if each and not each.applied]
    unknown = [name for name, each in known.items() if each is None or (each.applied and each.default is None)]
    return {*counts, *unknown[: max(0, _BURST - len(counts))]}


def _lookup_plan(names: Collection[str], cache: QuotaCodeCache) -> dict[str, str]:
    """Which call asks for which quota. Two of three go to ListServiceQuotas, whose rate is twice GetServiceQuota's;
    what has no applied value to GetServiceQuota, which alone says so for certain.
    What was never seen here goes to the latter first, so that a look through the listing finds its rate untouched.
    """
    unseen = [name for name in names if cache.get(name) is None]
    seen = {name: known for name in names if (known := cache.get(name))}
    unapplied = [name for name, known in seen.items() if not known.applied]
    applied = [name for name, known in seen.items() if known.applied]
    return {
        **{name: _GET if at < _BURST else _LIST for at, name in enumerate(unseen)},
        **{name: _GET if at < _BURST else _LIST for at, name in enumerate(unapplied)},
        **{name: _GET if at % 3 == 2 and not unapplied else _LIST for at, name in enumerate(applied)},
    }


def _get_by_code(
    client: AwsClient,
    name: str,
    cache: QuotaCodeCache,
    way: str,
    code: str | None = None,
    *,
    with_default: bool = False,
) -> QuotaLookup | None:
    """The quota behind its code; None where the code leads to no quota of the name."""
    code = code or cache.code_for(name) or bundled_codes().get(name)
    if code is None:
        return None
    try:
        applied, default = _records_by_code(client, code, way, with_default=with_default)
    except AwsError as failure:
        return unknown_from_error(failure)
    if any(told is not None and told.name != name for told in (applied, default)):
        return None
    return _to_quota(client, name, applied, default, cache)


def _records_by_code(
    client: AwsClient, code: str, way: str, *, with_default: bool
) -> tuple[_QuotaRecord | None, _QuotaRecord | None]:
    """What AWS has under a code: applied, and the default where nothing is applied, or where it is wanted anyway and
    can be had.
    """
    if not with_default:
        applied = _get_applied(client, code, way)
        return applied, None if applied else _get_record(client, _GET_DEFAULT, code)
    applied, default = gather(partial(_get_applied, client, code, way), partial(_default_or_error, client, code))
    if isinstance(default, AwsError):
        if applied is None:
            raise default
        return applied, None
    return applied, default


def _default_or_error(client: AwsClient, code: str) -> _QuotaRecord | AwsError | None:
    try:
        return _get_record(client, _GET_DEFAULT, code)
    except AwsError as failure:
        return failure


def _get_applied(client: AwsClient, code: str, way: str) -> _QuotaRecord | None:
    """The applied quota behind a code by one way or, where that is closed, the other; None where AWS has none."""
    asks = [partial(_get_via_list_filter, client, code), partial(_get_record, client, _GET, code)]
    first, second = asks if way == _LIST else reversed(asks)
    try:
        return first()
    except _FilterIgnored:
        return second()
    except AwsError as failure:
        if failure.problem.code in _HOPELESS_CODES or (failure.transient and not isinstance(failure, Throttled)):
            raise
        try:
            return second()
        except _FilterIgnored:
            raise failure from None


def _get_via_list_filter(client: AwsClient, code: str) -> _QuotaRecord | None:
    """One quota through ListServiceQuotas' filter, which older endpoints do not know."""
    try:
        page = client.read("service-quotas", _LIST, ServiceCode=SERVICE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == _ABSENT:
            return None
        raise
    ours = next((told for told in map(_parse_record, page["Quotas"]) if told.code == code), None)
    if ours is None:
        raise _FilterIgnored
    return ours


def _get_record(client: AwsClient, operation: str, code: str) -> _QuotaRecord | None:
    try:
        answer = client.read("service-quotas", operation, ServiceCode=SERVICE, QuotaCode=code)
    except AwsError as failure:
        if failure.aws_code == _ABSENT:
            return None
        raise
    return _parse_record(answer["Quota"])


def _parse_record(quota: Mapping[str, Any]) -> _QuotaRecord:
    return _QuotaRecord(
        quota.get("QuotaName", ""),
        quota.get("QuotaCode", ""),
        value_told(quota.get("Value")),
        quota.get("Adjustable", True),
        (quota.get("ErrorReason") or {}).get("ErrorMessage", ""),
    )


def value_told(value: object) -> float | None:
    """A value as AWS told it, None for what is no number."""
    return value if isinstance(value, int | float) and isfinite(value) and not isinstance(value, bool) else None


def _to_quota(
    client: AwsClient, name: str, applied: _QuotaRecord | None, default: _QuotaRecord | None, cache: QuotaCodeCache
) -> QuotaLookup | None:
    """The quota that one answer or two tell of, remembered; None where neither does."""
    told = applied or default
    if told is None:
        return None
    if told.value is None:
        return Unknown(f"AWS gives no value for '{name}' in {client.region}. {told.why_not}".strip())
    cache.update(
        name, told.code, applied=applied is not None, default=_record_value(default), value=_record_value(applied)
    )
    known = cache.get(name)
    usual = default.value if default else known.default if known else None
    return Quota(client.region, name, told.code, _record_value(applied), usual, told.adjustable)


def _record_value(told: _QuotaRecord | None) -> float | None:
    return None if told is None else told.value


def _get_by_listing(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup]:
    """One look through both listings, side by side. What cannot be listed is asked by code where one is known."""
    applied, defaults = gather_all([partial(_read_listing, client, operation) for operation in (_LIST, _LIST_DEFAULTS)])
    if applied.missing is None and defaults.missing is None:
        _remember_listings(cache, applied.records, defaults.records)
    return {name: _quota_in_listings(client, name, applied, defaults, cache) for name in names}


def _quota_in_listings(
    client: AwsClient, name: str, applied: _ListResult, defaults: _ListResult, cache: QuotaCodeCache
) -> QuotaLookup:
    is_applied, default = applied.records.get(name), defaults.records.get(name)
    gap = None if is_applied else applied.missing or (None if default else defaults.missing)
    if gap is None:
        return _to_quota(client, name, is_applied, default, cache) or NotOffered(client.region, name)
    if gap.code in _HOPELESS_CODES:
        return gap
    return _get_by_code(client, name, cache, _GET, default.code if default else None) or gap


def _read_listing(client: AwsClient, operation: str) -> _ListResult:
    told: dict[str, _QuotaRecord] = {}
    try:
        for quota in _iterate_records(client, operation):
            told.setdefault(quota.name, quota)
    except AwsError as failure:
        if failure.aws_code != _ABSENT or told:
            return _ListResult(told, unknown_from_error(failure))
    return _ListResult(told)


def _iterate_records(client: AwsClient, operation: str) -> Iterator[_QuotaRecord]:
    for page in listed_quotas(client, operation):
        yield from map(_parse_record, page)


def listed_quotas(client: AwsClient, operation: str) -> Iterator[list[Mapping[str, Any]]]:
    """A listing of SageMaker's quotas, page by page. An entry of which it is not told which quota it is could be any:
    with it the listing cannot tell what is not in it.

    Raises:
        AwsError: a page could not be read, or names a quota in half.
    """
    for page in client.paginate("service-quotas", operation, ServiceCode=SERVICE, MaxResults=_PAGE):
        quotas: list[Mapping[str, Any]] = page["Quotas"]
        if not all(quota.get("QuotaName") and quota.get("QuotaCode") for quota in quotas):
            raise incomplete(
                f"service-quotas:{_CALLS[operation]}", client.region, "with a quota without its name or its code"
            )
        yield quotas


def _remember_listings(
    cache: QuotaCodeCache, applied: Mapping[str, _QuotaRecord], defaults: Mapping[str, _QuotaRecord]
) -> None:
    cache.replace_all(
        {
            name: CachedQuota(
                told.code,
                name in applied,
                _record_value(defaults.get(name)),
                cache.now,
                _record_value(applied.get(name)),
            )
            for name, told in {**defaults, **applied}.items()
        }
    )


def add_default(client: AwsClient, quota: Quota) -> Quota | Unknown:
    """The quota with its default, which an applied value alone does not always tell."""
    if quota.default is not None:
        return quota
    try:
        told = _get_record(client, _GET_DEFAULT, quota.code)
    except AwsError as failure:
        return unknown_from_error(failure)
    return replace(quota, default=told.value) if told and told.name == quota.name else quota
