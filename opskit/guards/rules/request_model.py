"""What a request to SageMaker starts: instances, for how long, and what the request does not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opskit.core.model import Workload

# A volume of this size costs one or two cents an hour, which is little beside any instance.
_MAX_UNPRICED_GB = 100
_VOLUME_MEMBERS = ("volumesizeingb", "ebsvolumesizeingb")

Request = Mapping[str, Any]
Describe = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Reads what a request only names, by boto3's operation and its parameters; raises ``NotDescribed`` where it cannot."""


class NotDescribed(Exception):
    """What a request names could not be read; the text says why."""


class NotJudgeable(Exception):
    """A request does not tell what it starts. ``source`` is the place in it, ``reason`` a sentence without its end."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


@dataclass(frozen=True)
class Unresolved:
    """Stands in a plan for a value that only applying it will tell. ``source`` is its place in the plan, ``reason`` a
    sentence without its end. Nothing is decided by it: neither that it is set, nor that it is not.
    """

    source: str
    reason: str

    def __bool__(self) -> bool:
        raise NotJudgeable(self.source, self.reason)


@dataclass(frozen=True)
class InstanceNeed:
    """Instances of one type that a request starts.

    ``count`` is how many there are at once on top of what runs, which the quota must allow; ``billed`` is how many are
    paid for ``seconds`` each (None: ``count``); ``seconds`` None: until someone ends them. ``source`` is the place in
    the request, ``bound`` the member that sets ``seconds`` (None: none can). Needs with the same ``choice`` are
    alternatives: AWS starts one, and checks the quota of each. Needs with the same ``job`` are of one job, endpoint or
    cluster, which has a maximum of its own; ``per_job`` is how many of ``count`` that is (None: all). ``already_made``:
    the instance exists and is stopped. ``priced_as`` is the workload whose price applies; None: ``workload``.
    ``billed_at_once`` is how many are paid for at one time; None: ``billed``. ``certain`` False: whether it starts at
    all is not known. ``volume_gb`` is the GB of the volumes of all ``count`` (None: the request does not name it).
    """

    instance_type: str
    workload: Workload
    count: int
    source: str
    seconds: int | None = None
    billed: int | None = None
    choice: str = ""
    job: str = ""
    per_job: int | None = None
    priced_as: Workload | None = None
    bound: str | None = None
    already_made: bool = False
    billed_at_once: int | None = None
    certain: bool = True
    volume_gb: int | None = None

    @property
    def takes_quota(self) -> bool:
        """Whether it needs more of a quota than it has: further instances, or larger volumes of the same."""
        return bool(self.count or self.volume_gb)

    @property
    def hourly_count(self) -> int:
        """How many instances are paid for at one time."""
        return self.billed_count if self.billed_at_once is None else self.billed_at_once

    @property
    def price_workload(self) -> Workload:
        """The workload whose price applies."""
        return self.priced_as or self.workload

    @property
    def billed_count(self) -> int:
        """How many instances are paid for."""
        return self.count if self.billed is None else self.billed


@dataclass(frozen=True)
class UnknownNeed:
    """Something that a request starts, or may start, and does not tell enough of."""

    source: str
    reason: str


@dataclass(frozen=True)
class RequestLimit:
    """A number of a request that a quota bounds: ``quota_name`` is AWS's, ``source`` the number's place. ``shared``:
    what is in use counts against the quota too, and so do several such numbers together; else each counts by itself.
    """

    quota_name: str
    value: int
    source: str
    shared: bool = False


@dataclass(frozen=True)
class RequestNeeds:
    """All that a request needs. Without needs and unknowns it starts nothing that is counted or billed by the hour.
    ``moments`` are the needs that meet, where not all of them run at the same time. ``limits`` are the numbers that a
    quota bounds by themselves.
    """

    needs: tuple[InstanceNeed, ...] = ()
    unknowns: tuple[UnknownNeed, ...] = ()
    notes: tuple[str, ...] = ()
    moments: tuple[tuple[InstanceNeed, ...], ...] = ()
    limits: tuple[RequestLimit, ...] = ()

    def needs_by_moment(self) -> tuple[tuple[InstanceNeed, ...], ...]:
        """The needs of each moment, which the quotas must allow one by one."""
        return self.moments or (self.needs,)

    def certain_ones(self) -> RequestNeeds:
        """The same without what may not start at all."""
        return replace(
            self,
            needs=tuple(need for need in self.needs if need.certain),
            moments=tuple(tuple(need for need in moment if need.certain) for moment in self.moments),
        )

    @property
    def is_free(self) -> bool:
        """Whether there is nothing to hold against a quota or a budget."""
        return not (self.needs or self.unknowns or self.limits)


def merge_needs(parts: Sequence[RequestNeeds]) -> RequestNeeds:
    """The needs of several parts of a request, or of several requests, together."""
    return RequestNeeds(
        tuple(need for part in parts for need in part.needs),
        tuple(dict.fromkeys(unknown for part in parts for unknown in part.unknowns)),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        limits=tuple(dict.fromkeys(limit for part in parts for limit in part.limits)),
    )


def _known_value(request: Request, name: str) -> Any:
    value = request.get(name)
    if isinstance(value, Unresolved):
        raise NotJudgeable(value.source, value.reason)
    return value


def member_of(request: Request, name: str, source: str) -> Request:
    """A member that is a structure; empty where it is absent.

    Raises:
        NotJudgeable: it is something else.
    """
    value = _known_value(request, name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise NotJudgeable(join_path(source, name), "it is not a structure whose members can be read")
    return value


def entries_of(request: Request, name: str, source: str) -> Sequence[Request]:
    """A member that is a list of structures; empty where it is absent.

    Raises:
        NotJudgeable: it is something else.
    """
    value = _known_value(request, name)
    if value is None:
        return ()
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise NotJudgeable(join_path(source, name), "it is not a list whose entries can be read")
    if not all(isinstance(entry, Mapping) for entry in value):
        raise NotJudgeable(join_path(source, name), "an entry of it is not a structure")
    return value


def type_in(request: Request, name: str, source: str) -> str:
    """An instance type.

    Raises:
        NotJudgeable: the request does not say it.
    """
    value = _known_value(request, name)
    if not isinstance(value, str) or not value.startswith("ml."):
        reason = "the instance type is not given" if value is None else "the value is not an instance type"
        raise NotJudgeable(join_path(source, name), reason)
    return value


def whole_number(request: Request, name: str, source: str, default: int | None = None) -> int:
    """A whole number that is at least 0; ``default`` where it is absent.

    Raises:
        NotJudgeable: it is absent and has no default, or it is no such number.
    """
    value = _known_value(request, name)
    value = default if value is None else value
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        reason = "the number is not given" if value is None else "the value is not a whole number"
        raise NotJudgeable(join_path(source, name), reason)
    return value


def join_path(source: str, name: str) -> str:
    """The place of a member below another."""
    return f"{source}.{name}" if source else name


def volume_notes(requests: Iterable[Request]) -> Iterator[str]:
    """A note on the largest volume that requests name, where its price matters: the guard prices instances only."""
    largest = max((size for request in requests for size in _volume_sizes(request)), default=0)
    if largest > _MAX_UNPRICED_GB:
        yield f"a volume of {largest} GB is billed too; the guard does not price volumes"


def _volume_sizes(value: object) -> Iterator[int]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if str(name).lower() in _VOLUME_MEMBERS and isinstance(member, int):
                yield member
            else:
                yield from _volume_sizes(member)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for entry in value:
            yield from _volume_sizes(entry)
