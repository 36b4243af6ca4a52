"""Quotas as an AWS tells them that has latency, gaps and moods of its own, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest

from benchmarks.small_aws import BROKEN, CLOSED, DENIED, GARBLED, THROTTLED, Entry, Fault, SmallAws
from opskit.aws import Door, connect
from opskit.model import NotOffered, Quota, QuotaAnswer, Unread
from opskit.observe.known_codes import Memory, memory_of, shipped_codes
from opskit.observe.quotas import read_quotas

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TRAINING = "ml.m4.xlarge for training job usage"
TRANSFORM = "ml.m4.xlarge for transform job usage"
NEW = "ml.zzz9.xlarge for training job usage"
OTHER = "ml.c5.xlarge for training job usage"
LISTINGS = ("ListServiceQuotas", "ListAWSDefaultServiceQuotas")


def entry(name: str, applied: float | None = 4, default: float | None = 1) -> Entry:
    return Entry(name, shipped_codes().get(name, f"L-{crc32(name.encode()):08X}"), applied, default)


def door(region: str = "us-east-1") -> Door:
    return connect().door(region)


def read(names: Iterable[str], now: datetime = NOW) -> dict[str, QuotaAnswer]:
    """One run: what it learns, the next run knows."""
    here = door()
    return read_quotas(here, list(names), memory_of(here, now))


def one(name: str, now: datetime = NOW) -> QuotaAnswer:
    return read([name], now)[name]


def numbers(answer: QuotaAnswer) -> tuple[float | None, float | None]:
    assert isinstance(answer, Quota)
    return answer.applied, answer.default


def test_a_known_code_is_one_call_and_its_default_one_beside_it(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING)]
    assert one(TRAINING) == Quota("us-east-1", TRAINING, "L-A373146E", 4, 1)
    first, *rest = [called for called, _ in small_aws.calls]
    assert (first, {*rest}) == ("GetCallerIdentity", {"GetServiceQuota", "GetAWSDefaultServiceQuota"})
    small_aws.calls.clear()
    assert one(TRAINING) == Quota("us-east-1", TRAINING, "L-A373146E", 4, 1)
    assert [called for called, _ in small_aws.calls] == ["GetCallerIdentity", "ListServiceQuotas"]


@pytest.mark.usefixtures("impatient")
def test_a_default_that_nobody_needs_may_be_unreadable(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING)]
    small_aws.fault = lambda called, _: DENIED if "Default" in called else None
    assert numbers(one(TRAINING)) == (4, None)


def test_without_an_applied_value_the_default_counts(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING, applied=None, default=3)]
    assert numbers(one(TRAINING)) == (None, 3)
    assert numbers(one(TRAINING)) == (None, 3)


def test_an_applied_zero_is_not_the_default(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING, applied=0, default=9)]
    answer = one(TRAINING)
    assert isinstance(answer, Quota)
    assert answer.value == 0


def test_a_code_that_answers_another_name_is_dropped_and_the_name_is_found(small_aws: SmallAws) -> None:
    code = shipped_codes()[TRAINING]
    small_aws.quotas = [Entry(OTHER, code, 99, 99), Entry(TRAINING, "L-MOVED000", 2, 1)]
    assert one(TRAINING) == Quota("us-east-1", TRAINING, "L-MOVED000", 2, 1)
    small_aws.calls.clear()
    assert one(TRAINING) == Quota("us-east-1", TRAINING, "L-MOVED000", 2, 1)
    assert small_aws.count("ListAWSDefaultServiceQuotas") == 0


def test_a_remembered_code_that_leads_nowhere_is_looked_up_again(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING)]
    one(TRAINING)
    small_aws.quotas = [Entry(TRAINING, "L-MOVED000", 7, 1)]
    assert numbers(one(TRAINING)) == (7, 1)


def test_a_name_without_a_code_costs_one_look_through_both_listings(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(f"ml.m4.xlarge number {at} usage") for at in range(250)] + [entry(NEW)]
    assert numbers(one(NEW)) == (4, 1)
    assert [small_aws.count(listing) for listing in LISTINGS] == [3, 3]
    small_aws.calls.clear()
    assert numbers(one(NEW)) == (4, 1)
    assert [called for called, _ in small_aws.calls] == ["GetCallerIdentity", "ListServiceQuotas"]


def test_absence_is_remembered_for_seven_days(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING)]
    assert one(NEW) == NotOffered("us-east-1", NEW)
    small_aws.quotas.append(entry(NEW))
    small_aws.calls.clear()
    assert one(NEW, NOW + timedelta(days=6)) == NotOffered("us-east-1", NEW, looked=NOW)
    assert not any(small_aws.count(listing) for listing in LISTINGS)
    assert numbers(one(NEW, NOW + timedelta(days=8))) == (4, 1)


def test_what_was_absent_but_has_a_code_elsewhere_is_asked_again_at_no_cost(small_aws: SmallAws) -> None:
    assert isinstance(one(TRAINING), NotOffered)
    small_aws.quotas = [entry(TRAINING)]
    assert numbers(one(TRAINING)) == (4, 1)
    assert small_aws.count("ListAWSDefaultServiceQuotas") == 1


def test_one_look_teaches_the_codes_of_all(small_aws: SmallAws) -> None:
    other_new = "ml.zzz9.2xlarge for training job usage"
    small_aws.quotas = [entry(NEW), Entry(other_new, "L-NEW00002", 1, 1)]
    one(NEW)
    small_aws.calls.clear()
    assert numbers(one(other_new)) == (1, 1)
    assert small_aws.count("ListAWSDefaultServiceQuotas") == 0


def test_regions_accounts_and_endpoints_are_remembered_apart(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING)]
    assert isinstance(one(NEW), NotOffered)
    small_aws.quotas.append(entry(NEW))
    there = door("eu-west-1")
    assert isinstance(read_quotas(there, [NEW], memory_of(there, NOW))[NEW], Quota)


@pytest.mark.parametrize("fault", [DENIED, BROKEN, THROTTLED, CLOSED, GARBLED])
@pytest.mark.parametrize("applied", [4, None])
@pytest.mark.usefixtures("impatient")
def test_what_cannot_be_read_is_unread_and_never_the_default_or_absent(
    small_aws: SmallAws, fault: Fault, applied: float | None
) -> None:
    small_aws.quotas = [entry(TRAINING, applied=applied)]
    small_aws.fault = lambda called, _: fault if called in ("GetServiceQuota", "ListServiceQuotas") else None
    answer = one(TRAINING)
    assert isinstance(answer, Unread)
    assert answer.because
    small_aws.fault = lambda called, _: None
    assert numbers(one(TRAINING))[0] == applied


@pytest.mark.usefixtures("impatient")
def test_a_default_that_cannot_be_read_is_unread_too(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING, applied=None)]
    small_aws.fault = lambda called, _: DENIED if "Default" in called else None
    assert isinstance(one(TRAINING), Unread)


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.usefixtures("impatient")
def test_half_a_look_is_no_proof_of_absence(small_aws: SmallAws, listing: str) -> None:
    small_aws.quotas = [entry(TRAINING)]
    small_aws.fault = lambda called, _: DENIED if called == listing else None
    assert isinstance(one(NEW), Unread)
    small_aws.quotas.append(entry(NEW))
    small_aws.fault = lambda called, _: None
    assert numbers(one(NEW)) == (4, 1)


@pytest.mark.usefixtures("impatient")
def test_a_listing_that_breaks_off_falls_back_on_codes(small_aws: SmallAws) -> None:
    names = [name for name in shipped_codes() if "training job" in name][:8]
    small_aws.quotas = [entry(name, applied=None) for name in names]
    small_aws.fault = lambda called, _: DENIED if called == "ListServiceQuotas" else None
    assert {numbers(answer) for answer in read(names).values()} == {(None, 1)}


@pytest.mark.parametrize("way", ["GetServiceQuota", "ListServiceQuotas"])
@pytest.mark.usefixtures("impatient")
def test_where_one_way_is_closed_the_other_is_taken(small_aws: SmallAws, way: str) -> None:
    small_aws.quotas = [entry(name) for name in (TRAINING, TRANSFORM, OTHER)]
    read([TRAINING, TRANSFORM, OTHER])
    small_aws.fault = lambda called, _: DENIED if called == way else None
    assert {numbers(answer)[0] for answer in read([TRAINING, TRANSFORM, OTHER]).values()} == {4}


def test_a_filter_that_finds_nothing_proves_nothing(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING, applied=0, default=9)]
    one(TRAINING)
    small_aws.filters_by_code = None
    assert numbers(one(TRAINING)) == (0, 9)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("filters", [None, False])
def test_where_only_a_filter_that_tells_nothing_is_open_nothing_is_told(
    small_aws: SmallAws, filters: bool | None
) -> None:
    small_aws.quotas, small_aws.page = [entry(OTHER), entry(TRAINING, applied=0, default=9)], 1
    one(TRAINING)
    small_aws.filters_by_code = filters
    small_aws.fault = lambda called, _: THROTTLED if called == "GetServiceQuota" else None
    answer = one(TRAINING)
    assert isinstance(answer, Unread)
    assert answer.code == "throttled"


def test_an_endpoint_that_does_not_know_the_filter_is_asked_the_old_way(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(f"ml.m4.xlarge number {at} usage") for at in range(150)] + [entry(TRAINING)]
    small_aws.filters_by_code = False
    assert numbers(one(TRAINING))[0] == 4
    assert numbers(one(TRAINING))[0] == 4
    assert small_aws.count("ListServiceQuotas") == 1


def test_a_quota_without_a_value_is_unread_with_awss_reason(small_aws: SmallAws) -> None:
    small_aws.quotas = [replace(entry(TRAINING), reason="the service did not tell")]
    answer = one(TRAINING)
    assert isinstance(answer, Unread)
    assert "the service did not tell" in answer.because


def test_many_are_read_from_the_listings(small_aws: SmallAws) -> None:
    names = [name for name in shipped_codes() if name.startswith("ml.")][:60]
    small_aws.quotas = [entry(name) for name in names]
    assert {numbers(answer) for answer in read(names).values()} == {(4, 1)}
    assert small_aws.count("GetServiceQuota") == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99}', '{"version":1,"listed":"x","quotas":{"a":1}}'])
def test_a_broken_cache_is_an_empty_one(small_aws: SmallAws, own_folders: Path, content: str) -> None:
    small_aws.quotas = [entry(NEW)]
    one(NEW)
    (file,) = (own_folders / "cache" / "opskit" / "quota-codes").iterdir()
    file.write_text(content)
    assert numbers(one(NEW)) == (4, 1)
    assert json.loads(file.read_text())["quotas"]


def test_a_cache_that_cannot_be_written_is_none(small_aws: SmallAws, own_folders: Path) -> None:
    (own_folders / "cache").write_text("not a folder")
    small_aws.quotas = [entry(NEW)]
    assert numbers(one(NEW)) == (4, 1)
    assert numbers(one(NEW)) == (4, 1)


def test_two_runs_that_learn_at_once_both_count(small_aws: SmallAws) -> None:
    small_aws.quotas = [entry(TRAINING), entry(TRANSFORM)]
    here = door()
    first, second = memory_of(here, NOW), memory_of(here, NOW)
    read_quotas(here, [TRAINING], first)
    read_quotas(here, [TRANSFORM], second)
    latest = memory_of(here, NOW)
    assert latest.recall(TRAINING)
    assert latest.recall(TRANSFORM)


def test_what_nobody_believes_any_more_is_cleared_away(small_aws: SmallAws, own_folders: Path) -> None:
    small_aws.quotas = [entry(TRAINING)]
    one(TRAINING)
    assert len(list((own_folders / "cache" / "opskit" / "quota-codes").iterdir())) == 1
    later = datetime.now(UTC) + timedelta(days=30)
    there = door("eu-west-1")
    read_quotas(there, [TRAINING], memory_of(there, later))
    assert list((own_folders / "cache" / "opskit" / "quota-codes").iterdir()) == []


@pytest.mark.usefixtures("impatient")
def test_nobody_s_account_is_remembered_for_nobody(small_aws: SmallAws, own_folders: Path) -> None:
    small_aws.quotas = [entry(TRAINING)]
    small_aws.fault = lambda called, _: BROKEN if called == "GetCallerIdentity" else None
    assert numbers(one(TRAINING))[0] == 4
    assert not (own_folders / "cache").exists()


def test_a_future_seen_is_not_believed() -> None:
    memory = Memory(NOW, listed=NOW + timedelta(days=1))
    assert memory.recall(NEW) is None


def test_no_rate_of_awss_is_overrun(small_aws: SmallAws) -> None:
    small_aws.rates = True
    names = [name for name in shipped_codes() if "endpoint usage" in name][:24]
    small_aws.quotas = [entry(name, applied=None if at % 4 == 0 else 2) for at, name in enumerate(names)]
    here = door()
    read_quotas(here, names, memory_of(here, NOW))
    assert len(read_quotas(here, names, memory_of(here, NOW))) == 24
    assert small_aws.refused == 0
