"""What AWS's throttling has shown is where the next run begins, for as long as it is young, in both homes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from opskit.aws.boto3_clients import Boto3Clients
from opskit.aws.pacing import RateLimiter
from opskit.aws.session import AwsSession, CallerIdentity
from opskit.quotas.reads.code_cache import bundled_codes
from opskit.state.home import (
    PACES_KEPT,
    PACES_TABLE,
    StateHome,
    local_home,
    recall_paces,
    remember_paces,
    use_state_home,
)
from tests.fakes.cli_runner import run_opskit
from tests.fakes.endpoint_fleet import EndpointFleet
from tests.fakes.fake_aws import Entry, FakeAws
from tests.fakes.state_table import FaultyDynamoDb, faulty_dynamodb

ENDPOINTS = 20
ACCOUNT, OTHER, REGION = "111111111111", "222222222222", "eu-west-1"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyDynamoDb]:
    with faulty_dynamodb(monkeypatch) as faults:
        yield faults


@pytest.fixture(params=["folder", "table", "throttled table"])
def home(request: pytest.FixtureRequest, isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateHome]:
    monkeypatch.setattr("opskit.aws.gather.start_in_background", lambda work: work())
    if request.param == "folder":
        yield local_home()
        return
    faults: FaultyDynamoDb = request.getfixturevalue("table")
    if request.param == "throttled table":
        faults.throttled, faults.lost_before, faults.lost_after = 0.2, 0.1, 0.2
    opened = faults.new_home()
    with use_state_home(opened):
        yield opened


def new_session(account: str = ACCOUNT) -> AwsSession:
    """A session of a new process, whose account becomes known."""
    clients = Boto3Clients(boto3.Session("testing", "testing", region_name=REGION))
    session = AwsSession(clients, REGION)
    session.__dict__["identity"] = lambda: CallerIdentity(account, f"arn:aws:iam::{account}:user/ada")
    return session


def throttle(limiter: RateLimiter, times: int) -> None:
    for _ in range(times):
        limiter.slow_down(limiter.acquire())


def rate_of(session: AwsSession, operation: str, region: str = REGION) -> float | None:
    return session.rate_limiter(operation, region)._per_second


def test_a_run_begins_at_what_the_last_one_has_learnt(home: StateHome) -> None:
    first = new_session()
    throttle(first.rate_limiter("describe_endpoint", REGION), 3)
    throttle(first.rate_limiter("get_service_quota", "us-east-1"), 1)
    first.rate_limiter("list_tags", REGION).mark_accepted()
    learnt = {name: rate_of(first, name, region) for name, region in (("describe_endpoint", REGION),
                                                                       ("get_service_quota", "us-east-1"))}  # fmt: skip
    remember_paces(first)
    remember_paces(first)  # nothing is new
    later = new_session()
    known_before = later.rate_limiter("describe_endpoint", REGION)
    recall_paces(later)
    assert known_before is later.rate_limiter("describe_endpoint", REGION)
    assert rate_of(later, "describe_endpoint") == learnt["describe_endpoint"] == pytest.approx(8 * 0.7 * 0.7)
    assert rate_of(later, "get_service_quota", "us-east-1") == learnt["get_service_quota"]
    assert rate_of(later, "list_tags") is None  # accepted only
    assert rate_of(later, "describe_endpoint", "us-east-1") is None
    assert later.take_learnt_paces() == {}  # what was only recalled is not learnt anew
    for _ in range(40):
        known_before.mark_accepted()
    assert known_before.take_learnt_rate() is None
    assert (rate_of(later, "describe_endpoint") or 0) > 7  # it rises as after a throttling
    stranger = new_session(OTHER)
    recall_paces(stranger)
    assert rate_of(stranger, "describe_endpoint") is None


def test_what_was_learnt_in_this_run_counts_more(home: StateHome) -> None:
    first, later = new_session(), new_session()
    throttle(first.rate_limiter("describe_endpoint", REGION), 5)
    remember_paces(first)
    throttle(later.rate_limiter("describe_endpoint", REGION), 1)
    recall_paces(later)
    assert rate_of(later, "describe_endpoint") == 8


def test_what_is_old_or_senseless_does_not_count(home: StateHome) -> None:
    now = datetime.now(UTC)
    place = {"endpoint": "aws", "account": ACCOUNT, "region": REGION}
    rows = {
        "old": (4.0, now - PACES_KEPT - timedelta(minutes=1)),
        "of_the_future": (4.0, now + PACES_KEPT + timedelta(minutes=2)),
        "young": (4.0, now - PACES_KEPT + timedelta(minutes=1)),
        "ahead": (4.0, now + timedelta(seconds=5)),
        "too_slow": (-1.0, now),
        "list_training_jobs": (1000.0, now),
    }
    home.records.put_records(
        PACES_TABLE,
        [{**place, "operation": name, "per_second": rate, "learnt_at": at.isoformat()}
         for name, (rate, at) in rows.items()],
    )  # fmt: skip
    session = new_session()
    recall_paces(session)
    rates = {name: rate_of(session, name) for name in rows}
    assert rates == {"old": None, "of_the_future": None, "young": 4, "ahead": 4, "too_slow": 0.5,
                     "list_training_jobs": pytest.approx(1.8)}  # fmt: skip
    limiter = RateLimiter()
    limiter.start_at(math.nan)
    assert limiter._per_second is None


def test_a_home_that_cannot_be_used_keeps_nobody(isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = new_session()
    throttle(session.rate_limiter("describe_endpoint", REGION), 1)
    state = isolated_home / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    (state / "opskit").mkdir(parents=True)
    (state / "opskit" / PACES_TABLE.file).write_text("damaged")
    remember_paces(session)
    recall_paces(session)
    assert rate_of(session, "describe_endpoint") == 8


def test_a_command_after_a_throttled_one_is_throttled_less(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], isolated_home: Path
) -> None:
    """Where AWS takes 10 at once and then 10 a second."""
    EndpointFleet.of_size(ENDPOINTS).serve_from(fake_aws)
    names = ("ml.m4.xlarge for endpoint usage", "Number of instances across active endpoints")
    fake_aws.quotas = [Entry(name, bundled_codes()[name], 50, 0) for name in names]
    fake_aws.rates = True

    def throttled() -> int:
        fake_aws.forget_calls()
        ran = run_opskit(capsys, "quotas", "check", "ml.m4.xlarge", "--for", "endpoint", "-o", "json")
        assert [row["in_use"] for row in ran.quotas if row["instance_type"]] == [ENDPOINTS]
        return fake_aws.count("DescribeEndpoint") - ENDPOINTS

    # A busy machine sends now fewer calls at once and now more, so one pair of runs need not tell.
    fewer = 0
    for _ in range(5):
        for kept in isolated_home.rglob(PACES_TABLE.file):
            kept.unlink()
        first = throttled()
        assert bool(first) == bool(list(isolated_home.rglob(PACES_TABLE.file)))
        fewer += first - throttled()
        if fewer > 2:
            break
    assert fewer > 2
