"""Reads quotas: by known code where there is one, by name through AWS's two listings where there is none.

AWS leaves a quota without an applied value out of ListServiceQuotas and answers GetServiceQuota with
NoSuchResourceException; the default then counts. A quota in neither listing is not offered in the Region.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather, gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.code_cache import CachedQuota, QuotaCodeCache, bundled_codes
from opskit.quotas.reads.quota_records import (
    ABSENT,
    GET,
    GET_DEFAULT,
    HOPELESS_CODES,
    LIST,
    LIST_DEFAULTS,
    QuotaRecord,
    get_applied_record,
    get_record,
    iterate_records,
    record_value,
)

# A look through the listings costs about as many seconds as 30 quotas read one by one at AWS's rates, and has to share
# one of these rates: so many at once, or more than a few that were never seen here, are read from the listings.
_MANY = 30
_FEW_UNSEEN = 7
_BURST = 5
_BOTH_BURSTS = 15


@dataclass(frozen=True)
class _ListResult:
    """A look through a listing, by name; with ``missing``, not to its end."""

    records: Mapping[str, QuotaRecord]
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
        **{name: GET if at < _BURST else LIST for at, name in enumerate(unseen)},
        **{name: GET if at < _BURST else LIST for at, name in enumerate(unapplied)},
        **{name: GET if at % 3 == 2 and not unapplied else LIST for at, name in enumerate(applied)},
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
) -> tuple[QuotaRecord | None, QuotaRecord | None]:
    """What AWS has under a code: applied, and the default where nothing is applied, or where it is wanted anyway and
    can be had.
    """
    if not with_default:
        applied = get_applied_record(client, code, way)
        return applied, None if applied else get_record(client, GET_DEFAULT, code)
    applied, default = gather(partial(get_applied_record, client, code, way), partial(_default_or_error, client, code))
    if isinstance(default, AwsError):
        if applied is None:
            raise default
        return applied, None
    return applied, default


def _default_or_error(client: AwsClient, code: str) -> QuotaRecord | AwsError | None:
    try:
        return get_record(client, GET_DEFAULT, code)
    except AwsError as failure:
        return failure


def _to_quota(
    client: AwsClient, name: str, applied: QuotaRecord | None, default: QuotaRecord | None, cache: QuotaCodeCache
) -> QuotaLookup | None:
    """The quota that one answer or two tell of, remembered; None where neither does."""
    told = applied or default
    if told is None:
        return None
    if told.value is None:
        return Unknown(f"AWS gives no value for '{name}' in {client.region}. {told.why_not}".strip())
    cache.update(
        name, told.code, applied=applied is not None, default=record_value(default), value=record_value(applied)
    )
    known = cache.get(name)
    usual = default.value if default else known.default if known else None
    return Quota(client.region, name, told.code, record_value(applied), usual, told.adjustable)


def _get_by_listing(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup]:
    """One look through both listings, side by side. What cannot be listed is asked by code where one is known."""
    applied, defaults = gather_all([partial(_read_listing, client, operation) for operation in (LIST, LIST_DEFAULTS)])
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
    if gap.code in HOPELESS_CODES:
        return gap
    return _get_by_code(client, name, cache, GET, default.code if default else None) or gap


def _read_listing(client: AwsClient, operation: str) -> _ListResult:
    told: dict[str, QuotaRecord] = {}
    try:
        for quota in iterate_records(client, operation):
            told.setdefault(quota.name, quota)
    except AwsError as failure:
        if failure.aws_code != ABSENT or told:
            return _ListResult(told, unknown_from_error(failure))
    return _ListResult(told)


def _remember_listings(
    cache: QuotaCodeCache, applied: Mapping[str, QuotaRecord], defaults: Mapping[str, QuotaRecord]
) -> None:
    cache.replace_all(
        {
            name: CachedQuota(
                told.code,
                name in applied,
                record_value(defaults.get(name)),
                cache.now,
                record_value(applied.get(name)),
            )
            for name, told in {**defaults, **applied}.items()
        }
    )


def add_default(client: AwsClient, quota: Quota) -> Quota | Unknown:
    """The quota with its default, which an applied value alone does not always tell."""
    if quota.default is not None:
        return quota
    try:
        told = get_record(client, GET_DEFAULT, quota.code)
    except AwsError as failure:
        return unknown_from_error(failure)
    return replace(quota, default=told.value) if told and told.name == quota.name else quota
