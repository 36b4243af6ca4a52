"""When an endpoint is idle, what brings it back, and how that is written into tags: tables and properties."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.exceptions import GuardRefused
from opskit.core.model import Unknown
from opskit.core.tags import RESTORE_PIECE, STOPPED_ENDPOINT, is_tag_key, is_tag_value
from opskit.endpoints.rules.idleness import EndpointPolicy, assess_endpoint
from opskit.endpoints.rules.model import (
    EndpointUse,
    EndpointVerdict,
    HostedEndpoint,
    InvocationCounts,
    ScalingSettings,
    VariantState,
)
from opskit.endpoints.rules.restore_blockers import unknown_instances
from opskit.endpoints.rules.restore_record import (
    MAX_PIECES,
    RestoreRecord,
    VariantRecord,
    build_record,
    pack_record,
    record_owner,
    unpack_record,
)
from opskit.endpoints.rules.scaling import missing_scaling
from opskit.endpoints.rules.start_plan import StartStep, plan_start, wanted_capacities
from opskit.endpoints.rules.stop_refusals import Attachments, RestoreFacts, restore_refusal

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/c"
POLICY = EndpointPolicy(production=("env=prod",))
NO_USE = InvocationCounts()
UNREAD = Unknown("AWS throttled it")


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def endpoint(status: str = "InService", made: float = 40, **more: object) -> HostedEndpoint:
    whole = HostedEndpoint("us-east-1", "e", "arn", status, ago(made), ago(made), "c", (VariantState("v", "ml.x", 1),))
    return replace(whole, **more)  # type: ignore[arg-type]


def used(*parts: InvocationCounts | Unknown, backlog: int | Unknown | None = None, since: float = 14) -> EndpointUse:
    return EndpointUse({f"v{at}": part for at, part in enumerate(parts)}, backlog, ago(since), len(parts))


def invoked(days: float) -> InvocationCounts:
    return InvocationCounts(0, 0, 1, ago(days), ago(days) + timedelta(minutes=5))


IDLE, BUSY, PROTECTED, UNKNOWN = (
    EndpointVerdict.IDLE,
    EndpointVerdict.BUSY,
    EndpointVerdict.PROTECTED,
    EndpointVerdict.UNKNOWN,
)
BOUND = "opskit:deployed-until"
CASES = [
    ("nothing in 14 days", endpoint(), {}, used(NO_USE), IDLE, "no invocation in 14d"),
    ("a shorter time was asked about", endpoint(), {}, used(NO_USE, since=3), UNKNOWN, "for 3d only"),
    ("invoked yesterday", endpoint(), {}, used(invoked(1)), BUSY, "last invoked 23h55m to 1d ago"),
    ("invoked long ago", endpoint(), {}, used(invoked(20), since=30), IDLE, "last invoked 19d23h to 20d ago"),
    ("invoked a moment ago", endpoint(), {}, used(invoked(0.0042)), BUSY, "last invoked 1m to 6m ago"),
    ("one variant of two", endpoint(), {}, used(NO_USE, invoked(1)), BUSY, "last invoked"),
    ("one variant unread", endpoint(), {}, used(NO_USE, UNREAD), UNKNOWN, "throttled"),
    ("one unread, one busy", endpoint(), {}, used(UNREAD, invoked(1)), BUSY, "last invoked"),
    ("no variant", endpoint(), {}, used(), UNKNOWN, "names no variant"),
    ("all unread", endpoint(), {}, UNREAD, UNKNOWN, "throttled"),
    ("nobody asked", endpoint(), {}, None, UNKNOWN, "were not read"),
    ("a queue", endpoint(), {}, used(NO_USE, backlog=3), BUSY, "3 requests wait"),
    ("an empty queue", endpoint(), {}, used(NO_USE, backlog=0), IDLE, "no invocation"),
    ("an unread queue", endpoint(), {}, used(NO_USE, backlog=UNREAD), UNKNOWN, "throttled"),
    ("young", endpoint(made=1), {}, used(NO_USE), BUSY, "1d ago, less than 14d"),
    ("scaled yesterday", endpoint(modified=ago(1)), {}, used(NO_USE), BUSY, "deployed or scaled 1d ago"),
    ("being deployed", endpoint(is_deploying=True), {}, used(NO_USE), BUSY, "deployment is in progress"),
    ("updating", endpoint("Updating"), {}, None, BUSY, "Updating"),
    ("creating", endpoint("Creating"), {}, None, EndpointVerdict.STARTING, "Creating"),
    ("deleting", endpoint("Deleting"), {}, None, EndpointVerdict.STOPPED, "Deleting"),
    ("failed", endpoint("Failed"), {}, None, EndpointVerdict.FAILED, "Failed"),
    ("out of service", endpoint("OutOfService"), {}, None, UNKNOWN, "may bill"),
    ("a new status", endpoint("Hibernating"), {}, used(NO_USE), UNKNOWN, "does not know"),
    ("the future", endpoint(made=-1), {}, used(NO_USE), UNKNOWN, "clock"),
    ("time 0", endpoint(made=20783.5), {}, used(NO_USE), UNKNOWN, "changed in 1970"),
    ("kept", endpoint(), {"opskit:keep": "demo"}, used(NO_USE), PROTECTED, "kept: demo"),
    ("kept until", endpoint(), {"opskit:keep-until": "2099-01-01T00:00:00Z"}, used(NO_USE), PROTECTED, "kept until"),
    ("production", endpoint(), {"Env": "PROD"}, used(NO_USE), PROTECTED, "Env=PROD says production"),
    ("no production", endpoint(), {"env": "dev"}, used(NO_USE), IDLE, "no invocation"),
    ("bound ahead", endpoint(), {BOUND: "2099-01-01T00:00:00Z"}, used(NO_USE), PROTECTED, "deployed until 2099"),
    ("bound garbled", endpoint(), {BOUND: "soon"}, used(NO_USE), PROTECTED, "cannot be read"),
    ("bound over", endpoint(made=1), {BOUND: "2026-11-26T00:00:00Z"}, used(NO_USE), IDLE, "no invocation"),
    ("bound of an earlier life", endpoint(made=1), {BOUND: "2026-11-01T00:00:00Z"}, used(NO_USE), BUSY, "1d ago"),
    ("tags unread", endpoint(), UNREAD, used(NO_USE), UNKNOWN, "its tags could not be read"),
]


@pytest.mark.parametrize(("_", "seen", "tags", "use", "verdict", "words"), CASES, ids=[case[0] for case in CASES])
def test_endpoint_verdict_by_tags_and_invocations(
    _: str, seen: HostedEndpoint, tags: dict[str, str], use: EndpointUse, verdict: EndpointVerdict, words: str
) -> None:
    assessed = assess_endpoint(seen, tags, use, POLICY, NOW)
    assert (assessed.verdict, words in assessed.reason) == (verdict, True), assessed


@given(
    st.lists(st.one_of(st.just(UNREAD), st.floats(0, 60).map(invoked), st.just(NO_USE)), max_size=4),
    st.floats(0, 60),
    st.floats(0.01, 40),
    st.one_of(st.none(), st.just(UNREAD), st.integers(0, 2)),
)
def test_what_was_used_or_could_not_be_read_is_never_idle(
    parts: list[InvocationCounts | Unknown], made: float, after: float, backlog: int | Unknown | None
) -> None:
    use = used(*parts, backlog=backlog, since=max(after, 14))
    policy = EndpointPolicy(timedelta(days=after))
    assessed = assess_endpoint(endpoint(made=made), {}, use, policy, NOW)
    last = [part.last_by for part in parts if isinstance(part, InvocationCounts) and part.last_by]
    recent = any(NOW - when < policy.after for when in last) or made < after
    if recent or UNREAD in (*parts, backlog) or backlog or not parts:
        assert not assessed.is_idle
    else:
        assert assessed.is_idle
        assert assessed.idle is not None
        assert assessed.idle >= policy.after


TAG_TEXT = st.text("abcdefghij KLMNOP0123456789.:/=+-@_äß", max_size=120)
RECORDS = st.builds(
    RestoreRecord,
    st.from_regex(r"[a-zA-Z0-9](-?[a-zA-Z0-9]){0,20}", fullmatch=True),
    st.just("c"),
    st.just(ago(30).replace(microsecond=0)),
    st.just(NOW.replace(microsecond=0)),
    st.lists(
        st.builds(VariantRecord, TAG_TEXT, st.one_of(st.none(), st.integers(0, 50)), st.floats(0, 10)), max_size=4
    ).map(tuple),
    st.dictionaries(TAG_TEXT, TAG_TEXT, max_size=8),
    st.builds(ScalingSettings, st.just(({"ResourceId": "r", "MinCapacity": 1},)), st.just(()), st.just(())),
    st.one_of(st.none(), st.just({"RollingUpdatePolicy": {"WaitIntervalInSeconds": 60}})),
)


@given(RECORDS, st.dictionaries(TAG_TEXT.filter(bool), TAG_TEXT, max_size=20))
def test_a_record_comes_back_from_its_tags_as_it_was(record: RestoreRecord, others: dict[str, str]) -> None:
    try:
        tags = pack_record(record, ARN, others)
    except GuardRefused as refusal:
        assert refusal.problem.code == "record-too-long"
        return
    assert len(tags) <= MAX_PIECES + 1
    assert all(is_tag_key(key) and is_tag_value(value) and len(value) <= 250 for key, value in tags.items())
    assert unpack_record({**others, **tags}, ARN) == record
    assert record_owner(tags) == record.endpoint


@given(RECORDS, st.data())
def test_a_record_that_is_not_whole_is_none(record: RestoreRecord, data: st.DataObject) -> None:
    tags = pack_record(replace(record, tags={}), ARN, {})
    key = data.draw(st.sampled_from(sorted(tags)))
    assert unpack_record({name: value for name, value in tags.items() if name != key}, ARN) is None
    assert unpack_record({**tags, key: tags[key][:-1] + "#"}, ARN) is None
    assert unpack_record(tags, ARN + "2") is None, "copied with the tags of another configuration"


def of_a_later_version(tags: dict[str, str]) -> dict[str, str]:
    """The tags of the same record in a form that this opskit does not know."""
    pieces = sorted(key for key in tags if key.startswith(RESTORE_PIECE))
    held = json.loads(zlib.decompress(base64.b64decode("".join(tags[key] for key in pieces))))
    text = base64.b64encode(zlib.compress(json.dumps({**held, "v": 99}).encode(), 9)).decode()
    head = f"{held['endpoint']} stopped at {held['stopped']} in 1 pieces"
    checksum = sha256(f"{ARN}|{head}|{text}".encode()).hexdigest()[:16]
    return {STOPPED_ENDPOINT: f"{head} {checksum}", f"{RESTORE_PIECE}00": text}


@pytest.mark.parametrize(("is_whole", "is_refused"), [(True, True), (False, False)])
def test_a_record_of_a_later_opskit_is_not_replaced_as_one_that_is_damaged(is_whole: bool, is_refused: bool) -> None:
    tags = of_a_later_version(pack_record(RECORD, ARN, {}))
    tags = tags if is_whole else {**tags, f"{RESTORE_PIECE}00": "x"}
    assert unpack_record(tags, ARN) is None
    refusal = restore_refusal(RestoreFacts(endpoint(), {}, ARN, tags, Attachments(), ScalingSettings()))
    assert (refusal is not None) is is_refused
    assert refusal is None or "another version of opskit" in refusal.message


def test_what_a_grace_wrote_is_not_brought_back() -> None:
    tags = {"opskit:idle-since": "x", "team": "blue"}
    assert build_record(endpoint(), tags, ScalingSettings(), NOW).tags == {"team": "blue"}


RECORD = RestoreRecord("e", "c", ago(40), NOW, (VariantRecord("v", 3, 0.5),))


@pytest.mark.parametrize(
    ("there", "step"),
    [
        (None, StartStep.CREATE),
        (endpoint(made=40), StartStep.FORGET),
        (endpoint(made=0), StartStep.RESUME),
        (endpoint("Failed", made=0), StartStep.RECREATE),
        (endpoint(made=0, config="other"), StartStep.CONFLICT),
    ],
)
def test_what_is_due_by_what_is_there(there: HostedEndpoint | None, step: StartStep) -> None:
    assert plan_start(RECORD, there) is step


def test_instances_that_aws_does_not_tell_are_unknown_at_the_return() -> None:
    known = (VariantState("v", "ml.x", 0), VariantState("s", None, None, is_serverless=True))
    assert unknown_instances(endpoint(variants=known)) is None
    for unread in (VariantState("w", "ml.x", None), VariantState("w", None, 1)):
        unknown = unknown_instances(endpoint(variants=(*known, unread)))
        assert unknown is not None
        assert unknown.reason.endswith(" of w")


def test_only_counts_and_weights_that_differ_are_set() -> None:
    as_made = endpoint(variants=(VariantState("v", "ml.x", 1, 1.0),))
    assert wanted_capacities(RECORD, as_made) == [{"VariantName": "v", "DesiredWeight": 0.5, "DesiredInstanceCount": 3}]
    as_float32 = endpoint(variants=(VariantState("v", "ml.x", 3, 0.5000000119),))
    assert wanted_capacities(RECORD, as_float32) == []
    # Of one that AWS does not name nobody knows that it is as it was, and the record is not to go.
    unnamed = replace(as_made, variants=())
    assert wanted_capacities(RECORD, unnamed) == [{"VariantName": "v", "DesiredWeight": 0.5, "DesiredInstanceCount": 3}]


def test_only_scaling_that_is_missing_or_different_is_put_back() -> None:
    target = {"ResourceId": "r", "ScalableDimension": "d", "MinCapacity": 1, "MaxCapacity": 3}
    policy = {"ResourceId": "r", "ScalableDimension": "d", "PolicyName": "p", "PolicyType": "TargetTrackingScaling"}
    past = {
        "ResourceId": "r",
        "ScalableDimension": "d",
        "ScheduledActionName": "s",
        "Schedule": "at(2026-01-01T08:00:00)",
    }
    wanted = ScalingSettings(
        (target,), (policy,), (past, {**past, "ScheduledActionName": "t", "Schedule": "rate(1 day)"})
    )
    there = ScalingSettings(({**target, "CreationTime": NOW, "RoleARN": "x"},), ({**policy, "PolicyType": "Step"},), ())
    missing = missing_scaling(wanted, there, NOW)
    assert (missing.targets, missing.policies) == ((), (policy,))
    assert [each["ScheduledActionName"] for each in missing.schedules] == ["t"]
