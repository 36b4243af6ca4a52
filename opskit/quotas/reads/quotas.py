"""Reads quotas: by their cached code if there is one, else by name from AWS's two listings.

AWS leaves a quota without an applied value out of ListServiceQuotas and answers GetServiceQuota with
NoSuchResourceException; the default then counts. A quota in neither listing is not offered in the Region.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all, start_in_background
from opskit.core.exceptions import AwsError
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.core.result_or_error import unknown_from_error
from opskit.quotas.reads.code_cache import CachedQuota, QuotaCodeCache, bundled_code, bundled_codes
from opskit.quotas.reads.service_quotas import (
    FATAL_CODES,
    GET_DEFAULT_QUOTA,
    GET_QUOTA,
    LIST_DEFAULT_QUOTAS,
    LIST_QUOTAS,
    NO_SUCH_RESOURCE,
    QuotaRecord,
    get_applied_record,
    get_record,
    listed_quotas,
    nothing_listed,
    parse_record,
)
from opskit.quotas.rules.requirements import spelling_key

# Reading both listings takes about as many seconds as 30 single reads at AWS's rates, and uses one of the same rates:
# so
# this many quotas, or more than a few that were never read here, are read from the listings.
_MAX_SINGLE_READS = 30
_FEW_UNSEEN = 8
# The bursts of AWS's rate limits: GetServiceQuota takes 5 calls at once, and ListServiceQuotas another 10.
_BURST = 5
_BOTH_BURSTS = 15


@dataclass(frozen=True)
class _ListResult:
    """The records of a listing by name. ``missing`` is why it is incomplete; None: it is complete."""

    records: Mapping[str, QuotaRecord]
    missing: Unknown | None = None

    def find(self, name: str) -> QuotaRecord | Unknown | None:
        """The record of this name, or of another spelling of it; None: there is none; ``Unknown``: several could be
        meant.
        """
        if exact := self.records.get(name):
            return exact
        meant = self._by_spelling.get(spelling_key(name), [])
        if len(meant) > 1:
            listed = ", ".join(f"'{record.name}'" for record in meant)
            return Unknown(f"AWS lists several quotas that could be '{name}': {listed}", "bad-answer")
        return meant[0] if meant else None

    @cached_property
    def _by_spelling(self) -> Mapping[str, list[QuotaRecord]]:
        spellings: dict[str, list[QuotaRecord]] = {}
        for record in self.records.values():
            spellings.setdefault(spelling_key(record.name), []).append(record)
        return spellings


def read_quotas(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup]:
    """The quotas of these names in one Region; what could not be read is ``Unknown``, never absent."""
    absent = {name: cached for name in names if (cached := cache.get(name)) and cached.code is None}
    lookups: dict[str, QuotaLookup] = {name: NotOffered(client.region, name, absent[name].seen_at) for name in absent}
    wanted = [name for name in dict.fromkeys(names) if name not in absent]
    unseen = [name for name in wanted if cache.get(name) is None]
    is_unsure = len(unseen) > _FEW_UNSEEN or any(bundled_code(name) is None for name in unseen)
    if is_unsure or len(wanted) > _MAX_SINGLE_READS:
        lookups |= _get_by_listing(client, wanted, cache)
    else:
        # What is cached as absent and had a code elsewhere, as much as can be read without waiting, to notice it when
        # AWS begins to offer it.
        unapplied = sum(1 for name in wanted if (cached := cache.get(name)) and not cached.applied)
        spare = max(0, min(_BOTH_BURSTS - len(wanted), _BURST - unapplied))
        reread = [name for name in absent if name in bundled_codes()][:spare]
        by_code = _get_by_codes(client, [*wanted, *reread], cache)
        # Where single quotas may not be read, listing them may be allowed all the same.
        lookups |= {
            name: lookup
            for name, lookup in by_code.items()
            if lookup is not None and not (isinstance(lookup, Unknown) and lookup.code == "denied")
        }
        unresolved = [name for name in wanted if name not in lookups]
        lookups |= _get_by_listing(client, unresolved, cache) if unresolved else {}
    cache.save()
    return {name: lookups[name] for name in names}


def read_cached_quotas(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup]:
    """Those of the quotas that can be read by code, and what this run has just read of them; the listings are never
    read. Quotas that cannot be read this way are left out.
    """
    just_seen = {name: quota for name in names if (quota := _just_read(client, name, cache))}
    by_code = _get_by_codes(client, [name for name in names if name not in just_seen], cache)
    cache.save()
    return {**just_seen, **{name: lookup for name, lookup in by_code.items() if lookup is not None}}


def _just_read(client: AwsClient, name: str, cache: QuotaCodeCache) -> Quota | None:
    cached = cache.get(name)
    # A listing that lacks it does not prove that it has no applied value, so such a quota is read by its code.
    is_read = cached is not None and cached.seen_at == cache.now and cached.applied and cached.value is not None
    if cached is None or cached.code is None or not is_read:
        return None
    return Quota(client.region, name, cached.code, cached.value, cached.default)


def _get_by_codes(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup | None]:
    """Each quota behind its code; None if the code leads to no quota of that name."""
    operations, with_default = _lookup_plan({name: cache.get(name) for name in names})
    reads = [
        partial(_get_by_code, client, name, cache, operations[name], with_default=name in with_default)
        for name in names
    ]
    return dict(zip(names, gather_all(reads), strict=True))


def _lookup_plan(entries: Mapping[str, CachedQuota | None]) -> tuple[dict[str, str], set[str]]:
    """Which operation reads which quota first, and the quotas whose default is read along with the applied value: it is
    the value in effect, or not known yet.
    """
    unseen = [name for name, cached in entries.items() if cached is None]
    unapplied = [name for name, cached in entries.items() if cached and not cached.applied]
    applied = [name for name, cached in entries.items() if cached and cached.applied]
    unknown = [
        name for name, cached in entries.items() if cached is None or (cached.applied and cached.default is None)
    ]
    operations = {
        # Quotas that were never read here go to GetServiceQuota first, so that a listing that may follow finds its
        # rate unused.
        **{name: GET_QUOTA if index < _BURST else LIST_QUOTAS for index, name in enumerate(unseen)},
        **{name: GET_QUOTA if index < _BURST else LIST_QUOTAS for index, name in enumerate(unapplied)},
        # Two of three applied quotas go to ListServiceQuotas, whose rate is twice GetServiceQuota's. Those without an
        # applied value go to GetServiceQuota, which alone answers that for certain, and leave it to none else.
        **{name: GET_QUOTA if index % 3 == 2 and not unapplied else LIST_QUOTAS for index, name in enumerate(applied)},
    }
    # The defaults that are in effect are read in any case, the others as far as the burst allows it without waiting.
    return operations, {*unapplied, *unknown[: max(0, _BURST - len(unapplied))]}


def _get_by_code(
    client: AwsClient,
    name: str,
    cache: QuotaCodeCache,
    operation: str,
    code: str | None = None,
    *,
    with_default: bool = False,
) -> QuotaLookup | None:
    """The quota behind its code; None if the code leads to no quota of that name."""
    cached = cache.get(name)
    code = code or (cached and cached.code) or bundled_code(name)
    if code is None:
        return None
    try:
        applied, default = _records_by_code(client, code, operation, with_default=with_default)
    except AwsError as failure:
        return unknown_from_error(failure)
    # AWS may give a code to another quota; the name, in whichever spelling, is the identity: the listings decide then.
    if any(record is not None and spelling_key(record.name) != spelling_key(name) for record in (applied, default)):
        return None
    return _to_quota(client, name, applied, default, cache)


def _records_by_code(
    client: AwsClient, code: str, operation: str, *, with_default: bool
) -> tuple[QuotaRecord | None, QuotaRecord | None]:
    """What AWS has under a code: the applied record, and the default where no value is applied, or it is wanted."""
    if not with_default:
        applied = get_applied_record(client, code, operation)
        return applied, None if applied else get_record(client, GET_DEFAULT_QUOTA, code)
    default_read = start_in_background(partial(get_record, client, GET_DEFAULT_QUOTA, code))
    applied = get_applied_record(client, code, operation)
    try:
        return applied, default_read.result()
    except AwsError:
        # The default alone may fail where it is only wanted, not where it is the value in effect.
        if applied is None:
            raise
        return applied, None


def _to_quota(
    client: AwsClient, name: str, applied: QuotaRecord | None, default: QuotaRecord | None, cache: QuotaCodeCache
) -> QuotaLookup | None:
    """The quota of one or two records, which is cached; None if there is no record."""
    record = applied or default
    if record is None:
        return None
    if record.value is None:
        return Unknown(f"AWS gives no value for '{name}' in {client.region}. {record.why_not}".strip())
    value, default_value = applied.value if applied else None, default.value if default else None
    cache.update(name, record.code, applied=applied is not None, default=default_value, value=value)
    if default is None and (cached := cache.get(name)):
        default_value = cached.default
    return Quota(client.region, record.name, record.code, value, default_value, record.adjustable)


def _get_by_listing(client: AwsClient, names: Collection[str], cache: QuotaCodeCache) -> dict[str, QuotaLookup]:
    """Read both listings. A quota that the listings cannot settle is read by its code, if one is known."""
    # Side by side: each comes in pages one after the other, and has a rate of its own.
    applied, defaults = gather_all(
        [partial(_read_listing, client, operation) for operation in (LIST_QUOTAS, LIST_DEFAULT_QUOTAS)]
    )
    if applied.missing is None and defaults.missing is None:
        values = {name: record.value for name, record in applied.records.items()}
        default_values = {name: record.value for name, record in defaults.records.items()}
        cache.replace_all(
            {
                name: CachedQuota(record.code, name in values, default_values.get(name), cache.now, values.get(name))
                for name, record in {**defaults.records, **applied.records}.items()
            }
        )
    reads = [partial(_quota_in_listings, client, name, applied, defaults, cache) for name in names]
    return dict(zip(names, gather_all(reads), strict=True))


def _quota_in_listings(
    client: AwsClient, name: str, applied: _ListResult, defaults: _ListResult, cache: QuotaCodeCache
) -> QuotaLookup:
    """A quota that is in a listing, or certainly in none. That one of the two lacks it proves nothing by itself: an
    answer may have been cut. A default counts only after AWS has said that there is no applied value.
    """
    applied_record, default_record = applied.find(name), defaults.find(name)
    if isinstance(applied_record, Unknown):
        return applied_record
    if isinstance(default_record, Unknown):
        return default_record
    if applied_record:
        return _to_quota(client, name, applied_record, default_record, cache) or NotOffered(client.region, name)
    unknown = applied.missing or (None if default_record else defaults.missing)
    if unknown is None and default_record is None:
        return NotOffered(client.region, name)
    if unknown and unknown.code in FATAL_CODES:
        return unknown
    if default_record is None:
        return _get_by_code(client, name, cache, GET_QUOTA) or unknown or NotOffered(client.region, name)
    # A default counts only after AWS was asked for the applied value by its code: a page may have been cut.
    return _confirm_default(client, name, default_record, cache)


def _confirm_default(client: AwsClient, name: str, default: QuotaRecord, cache: QuotaCodeCache) -> QuotaLookup:
    """A quota that ListServiceQuotas lacks, read by itself: its applied value, or its default if AWS has none."""
    unsaid = Unknown(f"AWS does not say whether '{default.name}' has an applied value in {client.region}", "bad-answer")
    try:
        applied = get_record(client, GET_QUOTA, default.code)
    except AwsError as failure:
        return unknown_from_error(failure)
    if applied and applied.name != default.name:
        return unsaid
    return _to_quota(client, name, applied, default, cache) or unsaid


def _read_listing(client: AwsClient, operation: str) -> _ListResult:
    records: dict[str, QuotaRecord] = {}
    try:
        for page in listed_quotas(client, operation):
            for quota in map(parse_record, page):
                records.setdefault(quota.name, quota)
    except AwsError as failure:
        # AWS says so of a Region without any quota of the service, which is a complete listing.
        return _ListResult(
            records, None if failure.aws_code == NO_SUCH_RESOURCE and not records else unknown_from_error(failure)
        )
    return _ListResult(records, None if records else nothing_listed(client, operation))


def add_default(client: AwsClient, quota: Quota) -> Quota | Unknown:
    """The quota with its default, which the read of an applied value does not always return."""
    if quota.default is not None:
        return quota
    try:
        record = get_record(client, GET_DEFAULT_QUOTA, quota.code)
    except AwsError as failure:
        return unknown_from_error(failure)
    return replace(quota, default=record.value) if record and record.name == quota.name else quota
