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

from opskit.decide.plain_text import squeezed
from opskit.decide.quota_names import TYPE, NamedQuota, named_quota, quotas_named_in
from opskit.model import Usage


class Kind(StrEnum):
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
class Place:
    """A Region and where it was found: ``arn``, ``text``, or what set it."""

    region: str
    source: str


@dataclass(frozen=True)
class Complaint:
    """One thing AWS complains of in a text, ``at`` its place there.

    None means that the text does not say: the ``quota``; the ``value`` it has, what is ``in_use`` of it and what was
    to be added (``need``); the instance ``type`` and its ``usage``; where it happened. ``name`` is the quota as the
    text names it, ``subject`` what else the complaint is about.
    """

    kind: Kind
    at: int
    quota: NamedQuota | None = None
    name: str = ""
    value: float | None = None
    in_use: float | None = None
    need: float | None = None
    type: str | None = None
    usage: Usage | None = None
    subject: str = ""
    place: Place | None = None


_N = r"[0-9][0-9.,]{0,24}"
_NAME = r"[^']{1,160}?"
# "The account-level service limit 'NAME' is 0 Instances, with current utilization of 0 Instances and a request delta
# of 2 Instances", or as much of it as there is.
_LIMIT = re.compile(
    rf"limit'(?P<name>{_NAME})(?:'|(?P<cut>…|\.\.\.|\[truncated|$))"
    rf"(?:is(?P<value>{_N})[a-z]{{1,30}}"
    rf"(?:,?withcurrentutilizationof(?P<used>{_N})(?=[a-z])"
    rf"(?:[a-z]{{1,30}}?andarequestdeltaof(?P<need>{_N})(?=[a-z]))?)?)?"
)
# The same where a shell has eaten the quotation marks: then only a name that is known is taken for one.
_BARE_LIMIT = re.compile(
    rf"limit(?P<name>[^']{{1,160}}?)is(?P<value>{_N})[a-z]{{1,30}},?withcurrentutilizationof(?P<used>{_N})[a-z]{{1,30}}?"
    rf"andarequestdeltaof(?P<need>{_N})(?=[a-z])"
)
_OURS = re.compile(
    rf"quota'(?P<name>{_NAME})'(?:in[a-z0-9-]{{6,20}}?)?is(?P<value>{_N}?)(?::notonecanbestarted|,(?P<used>{_N}?)ofitinuse)"
    rf"(?:\(morethanthequota[^)]{{0,80}}\))?(?:,andthisneeds(?P<need>{_N}?)more)?"
)
_AFTER_NAME = re.compile(
    rf"'?[:|]?(?:(?P<none>notofferedin)|(?:thequota)?is(?P<value>{_N})|(?P<used>{_N})of(?P<most>{_N})inuse)"
)
_RESOURCE = re.compile(rf"(?:requestedresource|doesnotoffer)(?P<what>[a-z-]{{4,24}})/(?P<type>{TYPE})")
_STATUS = re.compile(r"status\((?P<now>[a-z]{2,24})\)notin\(\[(?P<from>[a-z,]{2,120})\]\)")
_TRANSITION = re.compile(r"unabletotransitionto\((?P<to>[a-z]{2,24})\)")
_NOTEBOOK = re.compile(r"notebook-instance/(?P<name>[a-z0-9-]{1,63})")
_DEFAULT = re.compile(rf"(?:greaterthanthedefaultquotavalue(?:of)?|onlyvaluesabovethedefault),?(?P<value>{_N})?")
_CODE = re.compile(r"l-[0-9a-f]{8}")
_REGION = re.compile(
    r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-isob?)?-(?:north|south|east|west|central)(?:east|west)?-[1-9]"
)
_ARN = re.compile(rf"arn:aws[a-z-]{{0,12}}:[a-z0-9-]{{1,30}}:(?P<region>{_REGION.pattern}):")
_TYPE = re.compile(TYPE)

# What says the same in every account, squeezed.
_SAYINGS: Mapping[Kind, tuple[str, ...]] = {
    Kind.NO_CAPACITY: (
        "unabletoprovisionrequestedmlcomputecapacity",
        "insufficientnotebookinstancecapacity",
        "insufficientinstancecapacity",
        "capacityerror:",
        "noneoftheseinstancesfreenow",
    ),
    Kind.ALREADY_ASKED: ("onlyoneopenservicequotaincreaserequestisallowedperquota",),
    Kind.ALREADY_ENOUGH: ("quotavaluegreaterthanthecurrentquotavalue",),
    Kind.NOT_ADJUSTABLE: ("specifiedquotaisnotadjustable", "thatthisquotaisnotadjustable"),
    Kind.TOO_MANY_REQUESTS_OPEN: ("quotaexceededexception", "takesnomoreopenrequests"),
    Kind.NO_SUCH_QUOTA: ("thespecifiedquotal-",),
    Kind.NO_SUCH_SERVICE: ("thisserviceisnotavailableinthecurrentregion",),
    Kind.NO_SUPPORT_PLAN: ("supportsubscriptionisrequired", "subscriptionrequiredexception", "nopaidawssupportplan"),
    Kind.NO_SUCH_NOTEBOOK: ("recordnotfound",),
    Kind.AWS_FAILED: ("weencounteredaninternalerror", "internalservererror", "internalfailure"),
    Kind.THROTTLED: ("toomanyrequestsexception", "throttlingexception", "rateexceeded", "awsaskstoslowdown"),
    Kind.DENIED: ("accessdenied", "isnotauthorizedtoperform", "youmaynotcall"),
    Kind.CREDENTIALS: (
        "expiredtoken",
        "securitytokenincludedintherequestis",
        "unabletolocatecredentials",
        "awsdoesnotacceptyourcredentials",
    ),
    Kind.EC2_QUOTA: ("vcpulimitexceeded", "currentvcpulimit", "instancelimitexceeded"),
}

_USES: tuple[tuple[str, Usage], ...] = (
    ("spot-training", Usage.SPOT_TRAINING),
    ("warm-pool", Usage.WARM_POOL),
    ("notebook", Usage.NOTEBOOK),
    ("transform", Usage.TRANSFORM),
    ("processing", Usage.PROCESSING),
    ("endpoint", Usage.ENDPOINT),
    ("training", Usage.TRAINING),
    ("cluster", Usage.CLUSTER),
    ("jupyterlab", Usage.STUDIO_JUPYTERLAB),
    ("codeeditor", Usage.STUDIO_CODEEDITOR),
    ("kernelgateway", Usage.STUDIO_KERNELGATEWAY),
)
"""How AWS's resource names and operations tell what an instance is for, the narrower word first."""

_NEARBY = 400
"""How many characters around a complaint, without spaces, may tell what it is about."""
_MOST_TIMES = 100
"""How often what costs a look through the whole text is done; no honest text needs more."""


def complaints_in(plain: str, codes: Mapping[str, str]) -> tuple[Complaint, ...]:
    """What AWS complains of in plain text, each once, in order. ``codes`` are the quotas known by name, with code."""
    flat = squeezed(plain)
    found = [*_short_quotas(flat, plain, codes), *_not_offered(flat), *_notebook_status(flat, plain), *_said(flat)]
    found = found or [*_bare_names(flat)] or [*_bare_codes(flat, codes)]
    found.sort(key=lambda complaint: complaint.at)
    placed = _placed(flat, found)
    return tuple({replace(complaint, at=0): complaint for complaint in reversed(placed)}.values())[::-1]


def _short_quotas(flat: str, plain: str, codes: Mapping[str, str]) -> Iterator[Complaint]:
    named: dict[str, tuple[NamedQuota | None, str]] = {}
    for pattern in (_LIMIT, _OURS, _BARE_LIMIT):
        for found in pattern.finditer(flat):
            parts = found.groupdict()
            name = parts["name"]
            if name not in named:
                quota = named_quota(name, codes, cut=parts.get("cut") is not None)
                named[name] = (quota, _as_written(name, plain) if len(named) < _MOST_TIMES else name)
            quota, written = named[name]
            if quota or pattern is not _BARE_LIMIT:
                yield _short(found.start(), quota, written, parts)


def _short(at: int, quota: NamedQuota | None, name: str, parts: Mapping[str, str | None]) -> Complaint:
    demand = quota.demand if quota else None
    return Complaint(
        Kind.QUOTA_SHORT,
        at,
        quota,
        quota.name if quota else name,
        _number(parts.get("value") or parts.get("most")),
        _number(parts.get("used")),
        _number(parts.get("need")),
        demand.instance_type if demand else None,
        demand.usage if demand else None,
    )


def _as_written(squeezed_name: str, plain: str) -> str:
    """A name that no list knows, with the spaces it has in the text."""
    spelled = re.search(r"\s*".join(map(re.escape, squeezed_name)), plain, re.IGNORECASE)
    return " ".join(spelled[0].split()) if spelled else squeezed_name


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "").rstrip(".,").replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _not_offered(flat: str) -> Iterator[Complaint]:
    for found in _RESOURCE.finditer(flat):
        yield Complaint(Kind.NOT_OFFERED, found.start(), type=found["type"], usage=_usage(found["what"]))


def _notebook_status(flat: str, plain: str) -> Iterator[Complaint]:
    for found in _STATUS.finditer(flat):
        after = flat[found.end() : found.end() + _NEARBY]
        words = (found, _TRANSITION.search(after), _NOTEBOOK.search(after))
        told = [_as_written(word[1], plain) if word else "" for word in words]
        yield Complaint(Kind.NOTEBOOK_STATUS, found.start(), subject=":".join(told))


def _said(flat: str) -> Iterator[Complaint]:
    """What is told by fixed words. A text repeats them, in a code and a sentence: those close by are one."""
    types = set(_TYPE.findall(flat))
    only = types.pop() if len(types) == 1 else None
    for found in _DEFAULT.finditer(flat):
        yield _about(flat, Complaint(Kind.BELOW_DEFAULT, found.start(), value=_number(found["value"])), only)
    for kind, sayings in _SAYINGS.items():
        last = -math.inf
        for at in sorted(at for saying in sayings for at in _every(saying, flat)):
            if at - last > _NEARBY:
                yield _about(flat, Complaint(kind, at), only)
                last = at


def _every(saying: str, flat: str) -> Iterator[int]:
    """Where a saying stands; the first hundred will do."""
    at = flat.find(saying)
    for _ in range(_MOST_TIMES):
        if at < 0:
            return
        yield at
        at = flat.find(saying, at + 1)


def _about(flat: str, complaint: Complaint, only_type: str | None) -> Complaint:
    """A complaint with the type and the use that the words around it tell, where they tell one."""
    around = flat[max(0, complaint.at - _NEARBY) : complaint.at + _NEARBY]
    named = {quota for _, quota in quotas_named_in(around)}
    if len(named) == 1:
        quota = named.pop()
        assert quota.demand is not None
        return replace(
            complaint, quota=quota, name=quota.name, type=quota.demand.instance_type, usage=quota.demand.usage
        )
    types = set(_TYPE.findall(around)) or {only_type}
    return replace(complaint, type=types.pop() if len(types) == 1 else None, usage=_usage(around))


def _usage(words: str) -> Usage | None:
    return next((usage for word, usage in _USES if word in words), None)


def _bare_names(flat: str) -> Iterator[Complaint]:
    """Quotas that a text names without saying, in words we know, what is wrong with them."""
    for named, quota in quotas_named_in(flat):
        after = _AFTER_NAME.match(flat, named.end())
        short = _short(named.start(), quota, quota.name, after.groupdict() if after else {})
        yield replace(short, kind=Kind.NOT_OFFERED) if after and after["none"] else short


def _bare_codes(flat: str, codes: Mapping[str, str]) -> Iterator[Complaint]:
    names = {code.lower(): name for name, code in codes.items()}
    for found in _CODE.finditer(flat):
        name = names.get(found[0])
        if name:
            yield _short(found.start(), named_quota(name, codes), name, {})


def _placed(flat: str, complaints: Sequence[Complaint]) -> list[Complaint]:
    """The complaints, each with its Region: the one the text names, or of several the one that goes with it. A text
    that names one before its first complaint puts each before what happened there, any other behind it.
    """
    if not complaints:  # a text may name Regions and complain of nothing that is known
        return []
    arns = {found.start("region") for found in _ARN.finditer(flat)}
    found = [
        (each.start(), Place(each[0], "arn" if each.start() in arns else "text")) for each in _REGION.finditer(flat)
    ]
    if len({place.region for _, place in found}) < 2:
        only = min((place for _, place in found), key=lambda place: place.source, default=None)
        return [replace(complaint, place=only) for complaint in complaints]
    ends = [complaint.at for complaint in complaints[1:]] + [len(flat)]
    is_first = found[0][0] < complaints[0].at
    return [
        replace(complaint, place=_nearest(found, complaint.at, end, before=is_first))
        for complaint, end in zip(complaints, ends, strict=True)
    ]


def _nearest(found: Sequence[tuple[int, Place]], begin: int, end: int, *, before: bool) -> Place:
    """The last place before ``begin`` or the first one from there to ``end``, whichever there is."""
    first = bisect_left(found, begin, key=lambda each: each[0])
    is_behind = first < len(found) and found[first][0] < end
    return found[first - 1][1] if first and (before or not is_behind) else found[min(first, len(found) - 1)][1]
