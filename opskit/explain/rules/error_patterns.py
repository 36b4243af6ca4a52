"""Finds in pasted text what AWS complains of. Its errors come wrapped: in SDK prefixes, tracebacks, CloudFormation
events, logs, opskit's own words; and damaged: broken over lines, cut off, escaped.

All patterns run over squeezed text, hold literal words together and bound every repetition, so that no text takes
longer than its length deserves.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from opskit.core.model import Workload
from opskit.core.text import compact_text
from opskit.quotas.rules.quota_names import TYPE, NamedQuota, find_quota_names, match_quota_name


class ErrorKind(StrEnum):
    """What AWS complains of."""

    QUOTA_SHORT = "quota-short"
    NOT_OFFERED = "not-offered"
    NO_CAPACITY = "no-capacity"
    ALREADY_ASKED = "already-asked"
    BELOW_DEFAULT = "below-default"
    ALREADY_ENOUGH = "already-enough"
    NOT_ADJUSTABLE = "not-adjustable"
    TOO_MANY_REQUESTS_OPEN = "too-many-requests-open"
    NO_SUCH_QUOTA = "no-such-quota"
    NO_SUCH_SERVICE = "no-such-service"
    NO_SUPPORT_PLAN = "no-support-plan"
    NOTEBOOK_STATUS = "notebook-status"
    NO_SUCH_NOTEBOOK = "no-such-notebook"
    AWS_FAILED = "aws-failed"
    THROTTLED = "throttled"
    DENIED = "denied"
    CREDENTIALS = "credentials"
    EC2_QUOTA = "ec2-quota"


@dataclass(frozen=True)
class RegionHint:
    """A Region and where it was found: ``arn``, ``text``, or what set it."""

    region: str
    source: str


@dataclass(frozen=True)
class ErrorMatch:
    """One thing AWS complains of in a text, ``position`` its place there.

    None means that the text does not say: the ``quota``; the ``value`` it has, what is ``in_use`` of it and what was to
    be added (``need``); the instance ``instance_type`` and its ``workload``; where it happened. ``name`` is the quota
    as the text names it, ``subject`` what else the complaint is about.
    """

    kind: ErrorKind
    position: int
    quota: NamedQuota | None = None
    name: str = ""
    value: float | None = None
    in_use: float | None = None
    need: float | None = None
    instance_type: str | None = None
    workload: Workload | None = None
    subject: str = ""
    region_hint: RegionHint | None = None


_NUMBER = r"[0-9][0-9.,]{0,24}"
_NAME = r"[^']{1,160}?"
# "The account-level service limit 'NAME' is 0 Instances, with current utilization of 0 Instances and a request delta
# of 2 Instances", or as much of it as there is.
_LIMIT = re.compile(
    rf"limit'(?P<name>{_NAME})(?:'|(?P<cut>…|\.\.\.|\[truncated|$))"
    rf"(?:is(?P<value>{_NUMBER})[a-z]{{1,30}}"
    rf"(?:,?withcurrentutilizationof(?P<used>{_NUMBER})(?=[a-z])"
    rf"(?:[a-z]{{1,30}}?andarequestdeltaof(?P<need>{_NUMBER})(?=[a-z]))?)?)?"
)
# The same where a shell has eaten the quotation marks: then only a name that is known is taken for one.
_BARE_LIMIT = re.compile(
    rf"limit(?P<name>[^']{{1,160}}?)is(?P<value>{_NUMBER})[a-z]{{1,30}},?withcurrentutilizationof(?P<used>{_NUMBER})[a-z]{{1,30}}?"
    rf"andarequestdeltaof(?P<need>{_NUMBER})(?=[a-z])"
)
_OPSKIT_MESSAGE = re.compile(
    rf"quota'(?P<name>{_NAME})'(?:in[a-z0-9-]{{6,20}}?)?is(?P<value>{_NUMBER}?)(?::notonecanbestarted|,(?P<used>{_NUMBER}?)ofitinuse)"
    rf"(?:\(morethanthequota[^)]{{0,80}}\))?(?:,andthisneeds(?P<need>{_NUMBER}?)more)?"
)
_AFTER_NAME = re.compile(
    rf"'?[:|]?(?:(?P<none>notofferedin)|(?:thequota)?is(?P<value>{_NUMBER})|(?P<used>{_NUMBER})of(?P<most>{_NUMBER})inuse)"
)
_RESOURCE = re.compile(rf"(?:requestedresource|doesnotoffer)(?P<what>[a-z-]{{4,24}})/(?P<type>{TYPE})")
_STATUS = re.compile(r"status\((?P<now>[a-z]{2,24})\)notin\(\[(?P<from>[a-z,]{2,120})\]\)")
_TRANSITION = re.compile(r"unabletotransitionto\((?P<to>[a-z]{2,24})\)")
_NOTEBOOK = re.compile(r"notebook-instance/(?P<name>[a-z0-9-]{1,63})")
_DEFAULT = re.compile(rf"(?:greaterthanthedefaultquotavalue(?:of)?|onlyvaluesabovethedefault),?(?P<value>{_NUMBER})?")
_CODE = re.compile(r"l-[0-9a-f]{8}")
_REGION = re.compile(
    r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-isob?)?-(?:north|south|east|west|central)(?:east|west)?-[1-9]"
)
_ARN = re.compile(rf"arn:aws[a-z-]{{0,12}}:[a-z0-9-]{{1,30}}:(?P<region>{_REGION.pattern}):")
_TYPE = re.compile(TYPE)

# What says the same in every account, squeezed.
_PHRASES: Mapping[ErrorKind, tuple[str, ...]] = {
    ErrorKind.NO_CAPACITY: (
        "unabletoprovisionrequestedmlcomputecapacity",
        "insufficientnotebookinstancecapacity",
        "insufficientinstancecapacity",
        "capacityerror:",
        "noneoftheseinstancesfreenow",
    ),
    ErrorKind.ALREADY_ASKED: ("onlyoneopenservicequotaincreaserequestisallowedperquota",),
    ErrorKind.ALREADY_ENOUGH: ("quotavaluegreaterthanthecurrentquotavalue",),
    ErrorKind.NOT_ADJUSTABLE: ("specifiedquotaisnotadjustable", "thatthisquotaisnotadjustable"),
    ErrorKind.TOO_MANY_REQUESTS_OPEN: ("quotaexceededexception", "takesnomoreopenrequests"),
    ErrorKind.NO_SUCH_QUOTA: ("thespecifiedquotal-",),
    ErrorKind.NO_SUCH_SERVICE: ("thisserviceisnotavailableinthecurrentregion",),
    ErrorKind.NO_SUPPORT_PLAN: (
        "supportsubscriptionisrequired",
        "subscriptionrequiredexception",
        "nopaidawssupportplan",
    ),
    ErrorKind.NO_SUCH_NOTEBOOK: ("recordnotfound",),
    ErrorKind.AWS_FAILED: ("weencounteredaninternalerror", "internalservererror", "internalfailure"),
    ErrorKind.THROTTLED: ("toomanyrequestsexception", "throttlingexception", "rateexceeded", "awsaskstoslowdown"),
    ErrorKind.DENIED: ("accessdenied", "isnotauthorizedtoperform", "youmaynotcall"),
    ErrorKind.CREDENTIALS: (
        "expiredtoken",
        "securitytokenincludedintherequestis",
        "unabletolocatecredentials",
        "awsdoesnotacceptyourcredentials",
    ),
    ErrorKind.EC2_QUOTA: ("vcpulimitexceeded", "currentvcpulimit", "instancelimitexceeded"),
}

_WORKLOAD_PHRASES: tuple[tuple[str, Workload], ...] = (
    ("spot-training", Workload.SPOT_TRAINING),
    ("warm-pool", Workload.WARM_POOL),
    ("notebook", Workload.NOTEBOOK),
    ("transform", Workload.TRANSFORM),
    ("processing", Workload.PROCESSING),
    ("endpoint", Workload.ENDPOINT),
    ("training", Workload.TRAINING),
    ("cluster", Workload.CLUSTER),
    ("jupyterlab", Workload.STUDIO_JUPYTERLAB),
    ("codeeditor", Workload.STUDIO_CODEEDITOR),
    ("kernelgateway", Workload.STUDIO_KERNELGATEWAY),
)
"""How AWS's resource names and operations tell what an instance is for, the narrower word first."""

_NEARBY = 400
"""How many characters around a complaint, without spaces, may tell what it is about."""
_MOST_TIMES = 100
"""How often what costs a look through the whole text is done; no honest text needs more."""


def find_errors(plain: str, codes: Mapping[str, str]) -> tuple[ErrorMatch, ...]:
    """What AWS complains of in plain text, each once, in order. ``codes`` are the quotas known by name, with code."""
    flat = compact_text(plain)
    found = [
        *_find_short_quotas(flat, plain, codes),
        *_find_not_offered(flat),
        *_find_notebook_status(flat, plain),
        *_find_phrases(flat),
    ]
    found = found or [*_find_bare_names(flat)] or [*_find_bare_codes(flat, codes)]
    found.sort(key=lambda error: error.position)
    placed = _with_regions(flat, found)
    return tuple({replace(error, position=0): error for error in reversed(placed)}.values())[::-1]


def _find_short_quotas(flat: str, plain: str, codes: Mapping[str, str]) -> Iterator[ErrorMatch]:
    named: dict[str, tuple[NamedQuota | None, str]] = {}
    for pattern in (_LIMIT, _OPSKIT_MESSAGE, _BARE_LIMIT):
        for found in pattern.finditer(flat):
            parts = found.groupdict()
            name = parts["name"]
            if name not in named:
                quota = match_quota_name(name, codes, cut=parts.get("cut") is not None)
                named[name] = (quota, _name_as_written(name, plain) if len(named) < _MOST_TIMES else name)
            quota, written = named[name]
            if quota or pattern is not _BARE_LIMIT:
                yield _short_quota_match(found.start(), quota, written, parts)


def _short_quota_match(at: int, quota: NamedQuota | None, name: str, parts: Mapping[str, str | None]) -> ErrorMatch:
    requirement = quota.demand if quota else None
    return ErrorMatch(
        ErrorKind.QUOTA_SHORT,
        at,
        quota,
        quota.name if quota else name,
        _parse_number(parts.get("value") or parts.get("most")),
        _parse_number(parts.get("used")),
        _parse_number(parts.get("need")),
        requirement.instance_type if requirement else None,
        requirement.workload if requirement else None,
    )


def _name_as_written(squeezed_name: str, plain: str) -> str:
    """A name that no list knows, with the spaces it has in the text."""
    spelled = re.search(r"\s*".join(map(re.escape, squeezed_name)), plain, re.IGNORECASE)
    return " ".join(spelled[0].split()) if spelled else squeezed_name


def _parse_number(text: str | None) -> float | None:
    try:
        value = float((text or "").rstrip(".,").replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _find_not_offered(flat: str) -> Iterator[ErrorMatch]:
    for found in _RESOURCE.finditer(flat):
        yield ErrorMatch(
            ErrorKind.NOT_OFFERED, found.start(), instance_type=found["type"], workload=_nearby_workload(found["what"])
        )


def _find_notebook_status(flat: str, plain: str) -> Iterator[ErrorMatch]:
    for found in _STATUS.finditer(flat):
        after = flat[found.end() : found.end() + _NEARBY]
        words = (found, _TRANSITION.search(after), _NOTEBOOK.search(after))
        told = [_name_as_written(word[1], plain) if word else "" for word in words]
        yield ErrorMatch(ErrorKind.NOTEBOOK_STATUS, found.start(), subject=":".join(told))


def _find_phrases(flat: str) -> Iterator[ErrorMatch]:
    """What is told by fixed words. A text repeats them, in a code and a sentence: those close by are one."""
    types = set(_TYPE.findall(flat))
    only = types.pop() if len(types) == 1 else None
    for found in _DEFAULT.finditer(flat):
        yield _with_nearby_type(
            flat, ErrorMatch(ErrorKind.BELOW_DEFAULT, found.start(), value=_parse_number(found["value"])), only
        )
    for kind, sayings in _PHRASES.items():
        last = -math.inf
        for at in sorted(at for saying in sayings for at in _phrase_positions(saying, flat)):
            if at - last > _NEARBY:
                yield _with_nearby_type(flat, ErrorMatch(kind, at), only)
                last = at


def _phrase_positions(saying: str, flat: str) -> Iterator[int]:
    """Where a saying stands; the first hundred will do."""
    at = flat.find(saying)
    for _ in range(_MOST_TIMES):
        if at < 0:
            return
        yield at
        at = flat.find(saying, at + 1)


def _with_nearby_type(flat: str, error: ErrorMatch, only_type: str | None) -> ErrorMatch:
    """A complaint with the type and the use that the words around it tell, where they tell one."""
    around = flat[max(0, error.position - _NEARBY) : error.position + _NEARBY]
    named = {quota for _, quota in find_quota_names(around)}
    if len(named) == 1:
        quota = named.pop()
        assert quota.demand is not None
        return replace(
            error,
            quota=quota,
            name=quota.name,
            instance_type=quota.demand.instance_type,
            workload=quota.demand.workload,
        )
    types = set(_TYPE.findall(around)) or {only_type}
    return replace(error, instance_type=types.pop() if len(types) == 1 else None, workload=_nearby_workload(around))


def _nearby_workload(words: str) -> Workload | None:
    return next((workload for word, workload in _WORKLOAD_PHRASES if word in words), None)


def _find_bare_names(flat: str) -> Iterator[ErrorMatch]:
    """Quotas that a text names without saying, in words we know, what is wrong with them."""
    for named, quota in find_quota_names(flat):
        after = _AFTER_NAME.match(flat, named.end())
        short = _short_quota_match(named.start(), quota, quota.name, after.groupdict() if after else {})
        yield replace(short, kind=ErrorKind.NOT_OFFERED) if after and after["none"] else short


def _find_bare_codes(flat: str, codes: Mapping[str, str]) -> Iterator[ErrorMatch]:
    names = {code.lower(): name for name, code in codes.items()}
    for found in _CODE.finditer(flat):
        name = names.get(found[0])
        if name:
            yield _short_quota_match(found.start(), match_quota_name(name, codes), name, {})


def _with_regions(flat: str, complaints: Sequence[ErrorMatch]) -> list[ErrorMatch]:
    """The complaints, each with its Region: the one the text names, or of several the one that goes with it. A text
    that names one before its first complaint puts each before what happened there, any other behind it.
    """
    if not complaints:  # a text may name Regions and complain of nothing that is known
        return []
    arns = {found.start("region") for found in _ARN.finditer(flat)}
    found = [
        (each.start(), RegionHint(each[0], "arn" if each.start() in arns else "text"))
        for each in _REGION.finditer(flat)
    ]
    if len({region_hint.region for _, region_hint in found}) < 2:
        only = min((region_hint for _, region_hint in found), key=lambda region_hint: region_hint.source, default=None)
        return [replace(error, region_hint=only) for error in complaints]
    ends = [error.position for error in complaints[1:]] + [len(flat)]
    is_first = found[0][0] < complaints[0].position
    return [
        replace(error, region_hint=_nearest_region(found, error.position, end, before=is_first))
        for error, end in zip(complaints, ends, strict=True)
    ]


def _nearest_region(found: Sequence[tuple[int, RegionHint]], begin: int, end: int, *, before: bool) -> RegionHint:
    """The last place before ``begin`` or the first one from there to ``end``, whichever there is."""
    first = bisect_left(found, begin, key=lambda each: each[0])
    is_behind = first < len(found) and found[first][0] < end
    return found[first - 1][1] if first and (before or not is_behind) else found[min(first, len(found) - 1)][1]
