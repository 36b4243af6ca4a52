"""Quotas as an AWS tells them that has latency, gaps and moods of its own, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest

from opskit.aws.client import AwsClient
from opskit.aws.session import open_session
from opskit.core.model import NotOffered, Quota, QuotaLookup, Unknown
from opskit.quotas.reads.code_cache import QuotaCodeCache, bundled_codes, load_cache
from opskit.quotas.reads.quotas import read_quotas
from tests.fakes.fake_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, FakeAws, Fault

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRAINING = "ml.m4.xlarge for training job usage"
TRANSFORM = "ml.m4.xlarge for transform job usage"
NEW = "ml.zzz9.xlarge for training job usage"
OTHER = "ml.c5.xlarge for training job usage"
LISTINGS = ("ListServiceQuotas", "ListAWSDefaultServiceQuotas")


def cached_entry(name: str, applied: float | None = 4, default: float | None = 1) -> Entry:
    return Entry(name, bundled_codes().get(name, f"L-{crc32(name.encode()):08X}"), applied, default)


def region_client(region: str = "us-east-1") -> AwsClient:
    return open_session().client(region)


def read_once(names: Iterable[str], now: datetime = NOW) -> dict[str, QuotaLookup]:
    """One run: what it learns, the next run knows."""
    ctx = region_client()
    return read_quotas(ctx, list(names), load_cache(ctx, now))


def read_one_quota(name: str, now: datetime = NOW) -> QuotaLookup:
    return read_once([name], now)[name]


def quota_numbers(answer: QuotaLookup) -> tuple[float | None, float | None]:
    assert isinstance(answer, Quota)
    return answer.applied, answer.default


def test_a_known_code_is_one_call_and_its_default_one_beside_it(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    assert read_one_quota(TRAINING) == Quota("us-east-1", TRAINING, "L-A373146E", 4, 1)
    first, *rest = [called for called, _ in fake_aws.calls]
    assert (first, {*rest}) == ("GetCallerIdentity", {"GetServiceQuota", "GetAWSDefaultServiceQuota"})
    fake_aws.calls.clear()
    assert read_one_quota(TRAINING) == Quota("us-east-1", TRAINING, "L-A373146E", 4, 1)
    assert [called for called, _ in fake_aws.calls] == ["GetCallerIdentity", "ListServiceQuotas"]


@pytest.mark.usefixtures("no_backoff")
def test_a_default_that_nobody_needs_may_be_unreadable(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    fake_aws.fault = lambda called, _: DENIED if "Default" in called else None
    assert quota_numbers(read_one_quota(TRAINING)) == (4, None)


def test_without_an_applied_value_the_default_counts(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING, applied=None, default=3)]
    assert quota_numbers(read_one_quota(TRAINING)) == (None, 3)
    assert quota_numbers(read_one_quota(TRAINING)) == (None, 3)


def test_a_name_that_could_be_several_is_not_said_to_be_missing(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(OTHER), cached_entry(NEW.upper()), cached_entry(NEW.replace(".", " "))]
    for _ in range(2):  # what the first look has stored does not tell it either
        answer = read_one_quota(NEW)
        assert isinstance(answer, Unknown)
        assert "several quotas" in answer.reason


def test_an_applied_zero_is_not_the_default(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING, applied=0, default=9)]
    answer = read_one_quota(TRAINING)
    assert isinstance(answer, Quota)
    assert answer.effective_value == 0


def test_a_code_that_answers_another_name_is_dropped_and_the_name_is_found(fake_aws: FakeAws) -> None:
    code = bundled_codes()[TRAINING]
    fake_aws.quotas = [Entry(OTHER, code, 99, 99), Entry(TRAINING, "L-MOVED000", 2, 1)]
    assert read_one_quota(TRAINING) == Quota("us-east-1", TRAINING, "L-MOVED000", 2, 1)
    fake_aws.calls.clear()
    assert read_one_quota(TRAINING) == Quota("us-east-1", TRAINING, "L-MOVED000", 2, 1)
    assert fake_aws.count("ListAWSDefaultServiceQuotas") == 0


def test_a_remembered_code_that_leads_nowhere_is_looked_up_again(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    read_one_quota(TRAINING)
    fake_aws.quotas = [Entry(TRAINING, "L-MOVED000", 7, 1)]
    assert quota_numbers(read_one_quota(TRAINING)) == (7, 1)


def test_a_name_without_a_code_costs_one_look_through_both_listings(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(f"ml.m4.xlarge number {at} usage") for at in range(250)] + [cached_entry(NEW)]
    assert quota_numbers(read_one_quota(NEW)) == (4, 1)
    assert [fake_aws.count(listing) for listing in LISTINGS] == [3, 3]
    fake_aws.calls.clear()
    assert quota_numbers(read_one_quota(NEW)) == (4, 1)
    assert [called for called, _ in fake_aws.calls] == ["GetCallerIdentity", "ListServiceQuotas"]


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("cluster-ml-r7i-12xlarge for cluster usage", "ml.r7i.12xlarge for cluster usage"),
        ("cluster-ml-zz9-xlarge for cluster usage", "ml.zz9.xlarge for cluster usage"),
        (
            "Studio KernelGateway Apps running on ml.zz9.xlarge instances",
            "Studio KernelGateway Apps running on ml.zz9.xlarge instance",
        ),
    ],
)
def test_a_name_that_breaks_aws_own_rule_is_found_before_it_is_absent(
    fake_aws: FakeAws, listed: str, name: str
) -> None:
    fake_aws.quotas = [cached_entry(OTHER), cached_entry(listed)]
    for _ in range(2):  # from the listing, then by the code that it told
        answer = read_one_quota(name)
        assert isinstance(answer, Quota)
        assert (answer.name, answer.effective_value) == (listed, 4)
    assert fake_aws.count("ListAWSDefaultServiceQuotas") <= 1
    # A listing that was read for another quota has told it too.
    read_once([NEW])
    assert isinstance(read_one_quota(name), Quota)


def test_absence_is_remembered_for_seven_days(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    assert read_one_quota(NEW) == NotOffered("us-east-1", NEW)
    fake_aws.quotas.append(cached_entry(NEW))
    fake_aws.calls.clear()
    assert read_one_quota(NEW, NOW + timedelta(days=6)) == NotOffered("us-east-1", NEW, seen_at=NOW)
    assert not any(fake_aws.count(listing) for listing in LISTINGS)
    assert quota_numbers(read_one_quota(NEW, NOW + timedelta(days=8))) == (4, 1)


def test_what_was_absent_but_has_a_code_elsewhere_is_asked_again_at_no_cost(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(OTHER)]
    assert isinstance(read_one_quota(TRAINING), NotOffered)
    fake_aws.quotas.append(cached_entry(TRAINING))
    assert quota_numbers(read_one_quota(TRAINING)) == (4, 1)
    assert fake_aws.count("ListAWSDefaultServiceQuotas") == 1


def test_one_look_teaches_the_codes_of_all(fake_aws: FakeAws) -> None:
    other_new = "ml.zzz9.2xlarge for training job usage"
    fake_aws.quotas = [cached_entry(NEW), Entry(other_new, "L-NEW00002", 1, 1)]
    read_one_quota(NEW)
    fake_aws.calls.clear()
    assert quota_numbers(read_one_quota(other_new)) == (1, 1)
    assert fake_aws.count("ListAWSDefaultServiceQuotas") == 0


def test_regions_accounts_and_endpoints_are_remembered_apart(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    assert isinstance(read_one_quota(NEW), NotOffered)
    fake_aws.quotas.append(cached_entry(NEW))
    there = region_client("eu-west-1")
    assert isinstance(read_quotas(there, [NEW], load_cache(there, NOW))[NEW], Quota)


@pytest.mark.parametrize("fault", [DENIED, BROKEN, THROTTLED, CLOSED, GARBLED])
@pytest.mark.parametrize("applied", [4, None])
@pytest.mark.usefixtures("no_backoff")
def test_what_cannot_be_read_is_unread_and_never_the_default_or_absent(
    fake_aws: FakeAws, fault: Fault, applied: float | None
) -> None:
    fake_aws.quotas = [cached_entry(TRAINING, applied=applied)]
    fake_aws.fault = lambda called, _: fault if called in ("GetServiceQuota", "ListServiceQuotas") else None
    answer = read_one_quota(TRAINING)
    assert isinstance(answer, Unknown)
    assert answer.reason
    fake_aws.fault = lambda called, _: None
    assert quota_numbers(read_one_quota(TRAINING))[0] == applied


@pytest.mark.usefixtures("no_backoff")
def test_a_default_that_cannot_be_read_is_unread_too(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING, applied=None)]
    fake_aws.fault = lambda called, _: DENIED if "Default" in called else None
    assert isinstance(read_one_quota(TRAINING), Unknown)


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.usefixtures("no_backoff")
def test_half_a_look_is_no_proof_of_absence(fake_aws: FakeAws, listing: str) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    fake_aws.fault = lambda called, _: DENIED if called == listing else None
    assert isinstance(read_one_quota(NEW), Unknown)
    fake_aws.quotas.append(cached_entry(NEW))
    fake_aws.fault = lambda called, _: None
    assert quota_numbers(read_one_quota(NEW)) == (4, 1)


@pytest.mark.usefixtures("no_backoff")
def test_a_listing_that_breaks_off_falls_back_on_codes(fake_aws: FakeAws) -> None:
    names = [name for name in bundled_codes() if "training job" in name][:8]
    fake_aws.quotas = [cached_entry(name, applied=None) for name in names]
    fake_aws.fault = lambda called, _: DENIED if called == "ListServiceQuotas" else None
    assert {quota_numbers(answer) for answer in read_once(names).values()} == {(None, 1)}


@pytest.mark.parametrize("way", ["GetServiceQuota", "ListServiceQuotas"])
@pytest.mark.usefixtures("no_backoff")
def test_where_one_way_is_closed_the_other_is_taken(fake_aws: FakeAws, way: str) -> None:
    fake_aws.quotas = [cached_entry(name) for name in (TRAINING, TRANSFORM, OTHER)]
    read_once([TRAINING, TRANSFORM, OTHER])
    fake_aws.fault = lambda called, _: DENIED if called == way else None
    assert {quota_numbers(answer)[0] for answer in read_once([TRAINING, TRANSFORM, OTHER]).values()} == {4}


def test_a_filter_that_finds_nothing_proves_nothing(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING, applied=0, default=9)]
    read_one_quota(TRAINING)
    fake_aws.filters_by_code = None
    assert quota_numbers(read_one_quota(TRAINING)) == (0, 9)


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("filters", [None, False])
def test_where_only_a_filter_that_tells_nothing_is_open_nothing_is_told(
    fake_aws: FakeAws, filters: bool | None
) -> None:
    fake_aws.quotas, fake_aws.page = [cached_entry(OTHER), cached_entry(TRAINING, applied=0, default=9)], 1
    read_one_quota(TRAINING)
    fake_aws.filters_by_code = filters
    fake_aws.fault = lambda called, _: THROTTLED if called == "GetServiceQuota" else None
    answer = read_one_quota(TRAINING)
    assert isinstance(answer, Unknown)
    assert answer.code == "throttled"


def test_an_endpoint_that_does_not_know_the_filter_is_asked_the_old_way(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(f"ml.m4.xlarge number {at} usage") for at in range(150)] + [cached_entry(TRAINING)]
    fake_aws.filters_by_code = False
    assert quota_numbers(read_one_quota(TRAINING))[0] == 4
    assert quota_numbers(read_one_quota(TRAINING))[0] == 4
    assert fake_aws.count("ListServiceQuotas") == 1


def test_a_quota_without_a_value_is_unread_with_awss_reason(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [replace(cached_entry(TRAINING), reason="the service did not tell")]
    answer = read_one_quota(TRAINING)
    assert isinstance(answer, Unknown)
    assert "the service did not tell" in answer.reason


def test_many_are_read_from_the_listings(fake_aws: FakeAws) -> None:
    names = [name for name in bundled_codes() if name.startswith("ml.")][:60]
    fake_aws.quotas = [cached_entry(name) for name in names]
    assert {quota_numbers(answer) for answer in read_once(names).values()} == {(4, 1)}
    assert fake_aws.count("GetServiceQuota") == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99}', '{"version":1,"listed":"x","quotas":{"a":1}}'])
def test_a_broken_cache_is_an_empty_one(fake_aws: FakeAws, isolated_home: Path, content: str) -> None:
    fake_aws.quotas = [cached_entry(NEW)]
    read_one_quota(NEW)
    (file,) = (isolated_home / "cache" / "opskit" / "quota-codes").iterdir()
    file.write_text(content)
    assert quota_numbers(read_one_quota(NEW)) == (4, 1)
    assert json.loads(file.read_text())["quotas"]


def test_a_cache_that_cannot_be_written_is_none(fake_aws: FakeAws, isolated_home: Path) -> None:
    (isolated_home / "cache").write_text("not a folder")
    fake_aws.quotas = [cached_entry(NEW)]
    assert quota_numbers(read_one_quota(NEW)) == (4, 1)
    assert quota_numbers(read_one_quota(NEW)) == (4, 1)


def test_two_runs_that_learn_at_once_both_count(fake_aws: FakeAws) -> None:
    fake_aws.quotas = [cached_entry(TRAINING), cached_entry(TRANSFORM)]
    ctx = region_client()
    first, second = load_cache(ctx, NOW), load_cache(ctx, NOW)
    read_quotas(ctx, [TRAINING], first)
    read_quotas(ctx, [TRANSFORM], second)
    latest = load_cache(ctx, NOW)
    assert latest.get(TRAINING)
    assert latest.get(TRANSFORM)


def test_what_nobody_believes_any_more_is_cleared_away(fake_aws: FakeAws, isolated_home: Path) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    read_one_quota(TRAINING)
    assert len(list((isolated_home / "cache" / "opskit" / "quota-codes").iterdir())) == 1
    later = datetime.now(UTC) + timedelta(days=30)
    there = region_client("eu-west-1")
    read_quotas(there, [TRAINING], load_cache(there, later))
    assert list((isolated_home / "cache" / "opskit" / "quota-codes").iterdir()) == []


@pytest.mark.usefixtures("no_backoff")
def test_nobody_s_account_is_remembered_for_nobody(fake_aws: FakeAws, isolated_home: Path) -> None:
    fake_aws.quotas = [cached_entry(TRAINING)]
    fake_aws.fault = lambda called, _: BROKEN if called == "GetCallerIdentity" else None
    assert quota_numbers(read_one_quota(TRAINING))[0] == 4
    assert not (isolated_home / "cache").exists()


def test_a_future_seen_is_not_believed() -> None:
    cache = QuotaCodeCache(NOW, listed_at=NOW + timedelta(days=1))
    assert cache.get(NEW) is None


def test_no_rate_of_awss_is_overrun(fake_aws: FakeAws) -> None:
    fake_aws.rates = True
    names = [name for name in bundled_codes() if "endpoint usage" in name][:24]
    fake_aws.quotas = [cached_entry(name, applied=None if at % 4 == 0 else 2) for at, name in enumerate(names)]
    ctx = region_client()
    read_quotas(ctx, names, load_cache(ctx, NOW))
    assert len(read_quotas(ctx, names, load_cache(ctx, NOW))) == 24
    assert fake_aws.refused == 0
