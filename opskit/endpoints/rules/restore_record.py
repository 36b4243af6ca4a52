"""What brings a stopped endpoint back, and how it is written into tags of its configuration.

DeleteEndpoint loses what the configuration does not hold: the counts and weights as they are now, the endpoint's tags,
and what scales it. That goes, as compressed JSON in base64, into the values of at most twenty tags; one more tag says
in plain words whose they are, and holds the number of the pieces and a checksum over the configuration's ARN too. So a
record that lacks a piece, was changed, or was copied with the tags of another configuration is none.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

from opskit.core.exceptions import GuardRefused
from opskit.core.tags import IDLE_SINCE, RESTORE_PIECE, STOPPED_ENDPOINT, parse_timestamp
from opskit.endpoints.rules.model import HostedEndpoint, JsonObject, ScalingSettings
from opskit.endpoints.rules.scaling import essential_scaling, plain_json

PIECE_LENGTH = 250
MAX_PIECES = 20
# AWS's limit for one resource.
_MAX_TAGS = 50
# More than any record that fits into the pieces: what unpacks to more was not written by opskit.
_MAX_BYTES = 1_000_000
_VERSION = 1
_HEAD = re.compile(r"(?P<name>[A-Za-z0-9-]+) stopped at (?P<at>\S+) in (?P<count>\d{1,2}) pieces (?P<sum>[0-9a-f]{16})")


@dataclass(frozen=True)
class VariantRecord:
    """What a variant is set back to. None is not set: it comes back with what its configuration has, if any, as a
    serverless variant does with its instances.
    """

    name: str
    count: int | None
    weight: float | None


@dataclass(frozen=True)
class RestoreRecord:
    """What brings an endpoint back. ``created`` is when the endpoint was made that is stopped: one of a later time is
    another life of it, and one of the same time was never deleted. ``deployment`` is how its last update was rolled
    out; None: AWS names none.
    """

    endpoint: str
    config: str
    created: datetime
    stopped: datetime
    variants: tuple[VariantRecord, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    scaling: ScalingSettings = field(default_factory=ScalingSettings)
    deployment: JsonObject | None = None

    def holds_same(self, other: RestoreRecord) -> bool:
        """Whether the other brings back the same, whenever they were written."""
        return replace(self, stopped=other.stopped) == other


def build_record(
    endpoint: HostedEndpoint, tags: Mapping[str, str], scaling: ScalingSettings, now: datetime
) -> RestoreRecord:
    """The record of an endpoint as it was just read. The tag of a running grace is left out: the stop ends it."""
    return RestoreRecord(
        endpoint.name,
        endpoint.config,
        _to_seconds(endpoint.created),
        _to_seconds(now),
        tuple(VariantRecord(each.name, each.count, each.weight) for each in endpoint.serving_variants),
        {key: value for key, value in sorted(tags.items()) if key != IDLE_SINCE},
        essential_scaling(scaling),
        plain_json(endpoint.deployment),
    )


def pack_record(record: RestoreRecord, config_arn: str, present: Mapping[str, str]) -> dict[str, str]:
    """The tags that hold a record, for a configuration that has the ``present`` tags.

    Raises:
        GuardRefused: it does not fit.
    """
    # Compressed as far as it goes, and in base64, whose signs (+ / =) AWS takes in tags.
    text = base64.b64encode(zlib.compress(_to_json(record).encode(), 9)).decode()
    pieces = [text[at : at + PIECE_LENGTH] for at in range(0, len(text), PIECE_LENGTH)]
    if len(pieces) > MAX_PIECES:
        said = f"What brings {record.endpoint} back takes {len(pieces)} tags, and opskit writes at most {MAX_PIECES}."
        raise GuardRefused("record-too-long", said, "Remove tags or scaling policies of it that are not needed.")
    head = f"{record.endpoint} stopped at {_format_time(record.stopped)} in {len(pieces)} pieces"
    tags = {STOPPED_ENDPOINT: f"{head} {_checksum(head, text, config_arn)}"}
    tags |= {f"{RESTORE_PIECE}{at:02}": piece for at, piece in enumerate(pieces)}
    others = {key for key in present if not is_record_key(key)}
    if len(others) + len(tags) > _MAX_TAGS:
        said = f"The configuration {record.config} has {len(others)} tags: there is no room for {len(tags)} more."
        raise GuardRefused("no-room-for-tags", said, f"AWS takes {_MAX_TAGS} tags; remove some of them.")
    return tags


def unpack_record(tags: Mapping[str, str], config_arn: str) -> RestoreRecord | None:
    """The record that a configuration's tags hold; None where they hold none that can be read."""
    text = _whole_text(tags, config_arn)
    if text is None:
        return None
    try:
        unpacker = zlib.decompressobj()
        # Never more than this is unpacked: a few bytes that somebody else wrote could unpack to gigabytes.
        return _from_json(unpacker.decompress(base64.b64decode(text, validate=True), _MAX_BYTES))
    except (binascii.Error, zlib.error, ValueError, TypeError, LookupError, AttributeError):
        return None


def is_whole_record(tags: Mapping[str, str], config_arn: str) -> bool:
    """Whether tags hold all that was written of a record; one that cannot be read is then of another opskit."""
    return _whole_text(tags, config_arn) is not None


def _whole_text(tags: Mapping[str, str], config_arn: str) -> str | None:
    """A record as its tags have it; None where something is missing, or is not as it was written."""
    found = _HEAD.fullmatch(tags.get(STOPPED_ENDPOINT, ""))
    if found is None:
        return None
    keys = [f"{RESTORE_PIECE}{at:02}" for at in range(int(found["count"]))]
    text = "".join(tags.get(key, "") for key in keys)
    head = found.string[: found.start("sum") - 1]
    return text if found["sum"] == _checksum(head, text, config_arn) else None


def is_record_key(key: str) -> bool:
    """Whether a tag belongs to a record."""
    return key == STOPPED_ENDPOINT or key.startswith(RESTORE_PIECE)


def record_owner(tags: Mapping[str, str]) -> str | None:
    """The name of the endpoint whose record the tags are, whole or not; None: there is no record."""
    if STOPPED_ENDPOINT not in tags:
        return None
    return tags[STOPPED_ENDPOINT].partition(" ")[0]


def record_time(tags: Mapping[str, str]) -> datetime:
    """When the record that the tags are was written, as its first tag says, whole or not; long ago where it does not
    say.
    """
    match = _HEAD.fullmatch(tags.get(STOPPED_ENDPOINT, ""))
    written = parse_timestamp(match["at"]) if match else None
    return written or datetime.min.replace(tzinfo=UTC)


def _checksum(head: str, text: str, config_arn: str) -> str:
    return sha256(f"{config_arn}|{head}|{text}".encode()).hexdigest()[:16]


def _to_json(record: RestoreRecord) -> str:
    held = {
        "v": _VERSION,
        "endpoint": record.endpoint,
        "config": record.config,
        "created": _format_time(record.created),
        "stopped": _format_time(record.stopped),
        "variants": [[each.name, each.count, each.weight] for each in record.variants],
        "tags": dict(record.tags),
        "targets": list(record.scaling.targets),
        "policies": list(record.scaling.policies),
        "schedules": list(record.scaling.schedules),
        "deployment": record.deployment,
    }
    return json.dumps(held, separators=(",", ":"), sort_keys=True)


def _from_json(text: bytes) -> RestoreRecord:
    held = json.loads(text)
    if held["v"] != _VERSION:
        raise ValueError("a later opskit wrote it")
    created, stopped = parse_timestamp(held["created"]), parse_timestamp(held["stopped"])
    if created is None or stopped is None:
        raise ValueError("it has no time")
    scaling = ScalingSettings(*(tuple(held[part]) for part in ("targets", "policies", "schedules")))
    variants = tuple(VariantRecord(name, count, weight) for name, count, weight in held["variants"])
    return RestoreRecord(
        held["endpoint"], held["config"], created, stopped, variants, held["tags"], scaling, held["deployment"]
    )


def _to_seconds(when: datetime) -> datetime:
    return when.astimezone(UTC).replace(microsecond=0)


def _format_time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds")
