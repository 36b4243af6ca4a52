"""Which other types are like one that has no room, and which of them have some."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.model import NotOffered, Quota, QuotaLookup, Requirement, Unknown, Workload
from opskit.quotas.render.check import describe_alternative
from opskit.quotas.rules.alternatives import (
    MAX_ALTERNATIVES,
    InstanceClass,
    find_alternatives,
    instance_class,
    select_candidates,
    similar_types,
    unmet_by_quota,
)
from opskit.quotas.rules.model import InUseCounts
from opskit.quotas.rules.requirements import parse_instance_type, quota_name_for, with_totals

HERE = "eu-west-1"
GONE = Requirement("ml.p2.xlarge", Workload.TRAINING)
TOTAL, PER_JOB = (quota_name_for(requirement) for requirement in with_totals([GONE])[1:])
UNREAD = Unknown("AWS says no")


def training_quota_name(instance_type: str) -> str:
    return quota_name_for(Requirement(instance_type, Workload.TRAINING))


def alternative_quota(name: str, applied: float | None, default: float | None = 0) -> Quota:
    return Quota(HERE, name, "L-1", applied, default)


@pytest.mark.parametrize(
    ("workload", "price"),
    [(Workload.TRAINING, "its price was not read"), (Workload.WARM_POOL, None)],
)
def test_a_price_that_was_not_read_is_not_called_none(workload: Workload, price: str | None) -> None:
    wanted = Requirement("ml.m4.xlarge", workload)
    name = quota_name_for(Requirement("ml.m5.xlarge", workload))
    [found] = find_alternatives(HERE, wanted, {name: alternative_quota(name, 4)}, InUseCounts({}), {})
    assert found.price == (price and Unknown(price))
    assert ("no price of its own" in describe_alternative(found)) is (price is None)


@pytest.mark.parametrize(
    ("kind", "closest"),
    [
        ("ml.p2.xlarge", ["ml.g4dn.xlarge", "ml.g5.xlarge", "ml.g6.xlarge"]),
        ("ml.p3.8xlarge", ["ml.g4dn.12xlarge", "ml.g5.12xlarge", "ml.g6.12xlarge"]),
        ("ml.p4d.24xlarge", ["ml.p3dn.24xlarge", "ml.p4de.24xlarge"]),
        ("ml.m4.xlarge", ["ml.m5.xlarge", "ml.m6i.xlarge", "ml.m7i.xlarge"]),
        ("ml.t2.medium", ["ml.t3.medium"]),
        ("ml.c4.8xlarge", ["ml.c6i.8xlarge", "ml.c7i.8xlarge"]),
        ("ml.r4.large", ["ml.r5.large"]),
        ("ml.m9gd.metal-24xl", ["ml.m5.24xlarge"]),
        ("ml.inf1.xlarge", ["ml.inf2.xlarge", "ml.inf1.2xlarge"]),
        ("ml.geospatial.interactive", []),
        ("", []),
    ],
)
def test_the_closest_of_the_same_class(kind: str, closest: list[str]) -> None:
    assert list(similar_types(kind)[: len(closest)]) == closest
    assert kind not in similar_types(kind)


@pytest.mark.parametrize("kind", list(InstanceClass))
def test_every_class_has_types_that_are_like_each_other(kind: InstanceClass) -> None:
    every = {each for word in ("m5", "c5", "r5", "p3", "inf1", "trn1") for each in similar_types(f"ml.{word}.2xlarge")}
    some = next(each for each in every if instance_class(each) is kind)
    assert similar_types(some)
    assert {instance_class(each) for each in similar_types(some)} == {kind}
    assert all(parse_instance_type(each) == each for each in similar_types(some))


@given(st.from_regex(r"ml\.[a-z]{1,3}\d{1,2}[a-z]{0,2}\.(\d{0,3}xlarge|metal|nano|medium)", fullmatch=True))
def test_no_type_is_a_bug(kind: str) -> None:
    assert kind not in similar_types(kind)


def test_what_had_room_is_asked_first_and_each_demand_has_its_turn() -> None:
    two = [GONE, Requirement("ml.m4.xlarge", Workload.TRAINING)]
    seen = {
        training_quota_name("ml.p3.2xlarge"): 4.0,
        training_quota_name("ml.g4dn.xlarge"): 0.0,
        training_quota_name("ml.g5.xlarge"): inf,
        training_quota_name("ml.m5.xlarge"): 1.0,
    }
    asked = select_candidates(two, seen.get, 3)
    assert [requirement.instance_type for requirement in asked] == ["ml.p3.2xlarge", "ml.m5.xlarge", "ml.g5.xlarge"]
    assert select_candidates(two, lambda name: None, 3) == ()
    assert select_candidates(two, lambda name: 0.0, 3) == ()


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, [("ml.g4dn.xlarge", 2), ("ml.p3.2xlarge", 5)]),
        ({training_quota_name("ml.g4dn.xlarge"): alternative_quota("", 0)}, [("ml.p3.2xlarge", 5)]),
        ({training_quota_name("ml.g4dn.xlarge"): UNREAD}, [("ml.p3.2xlarge", 5)]),
        ({training_quota_name("ml.g4dn.xlarge"): NotOffered(HERE, "")}, [("ml.p3.2xlarge", 5)]),
        (
            {training_quota_name("ml.g4dn.xlarge"): alternative_quota("", None, 3)},
            [("ml.g4dn.xlarge", 3), ("ml.p3.2xlarge", 5)],
        ),
        ({TOTAL: alternative_quota(TOTAL, 2)}, [("ml.g4dn.xlarge", 1), ("ml.p3.2xlarge", 1)]),
        ({TOTAL: alternative_quota(TOTAL, 1)}, []),
        ({TOTAL: UNREAD}, []),
        ({TOTAL: NotOffered(HERE, TOTAL)}, [("ml.g4dn.xlarge", 2), ("ml.p3.2xlarge", 5)]),
        ({PER_JOB: alternative_quota(PER_JOB, 0)}, []),
    ],
)
def test_only_what_has_room_is_named(changed: dict[str, QuotaLookup], found: list[tuple[str, int]]) -> None:
    quotas: dict[str, QuotaLookup] = {
        training_quota_name("ml.g4dn.xlarge"): alternative_quota("", 2),
        training_quota_name("ml.p3.2xlarge"): alternative_quota("", 6),
        TOTAL: alternative_quota(TOTAL, 30),
        PER_JOB: alternative_quota(PER_JOB, 20),
    }
    in_use = InUseCounts({"ml.p3.2xlarge": 1})
    told = find_alternatives(HERE, GONE, {**quotas, **changed}, in_use, {})
    assert [(alternative.instance_type, alternative.free) for alternative in told] == found
    assert find_alternatives(HERE, GONE, quotas, InUseCounts({}, UNREAD), {}) == ()


values = st.none() | st.floats(0, 20)
answers = st.builds(lambda applied, default: alternative_quota("", applied, default), values, values) | st.just(UNREAD)
names = st.sampled_from([*map(training_quota_name, similar_types("ml.p2.xlarge")), TOTAL, PER_JOB])


@given(
    st.dictionaries(names, answers), st.dictionaries(st.sampled_from(similar_types("ml.p2.xlarge")), st.integers(0, 9))
)
def test_nothing_is_named_that_does_not_fit(quotas: dict[str, QuotaLookup], running: dict[str, int]) -> None:
    told = find_alternatives(HERE, GONE, quotas, InUseCounts(running), {})
    assert len(told) <= MAX_ALTERNATIVES
    for alternative in told:
        answer = quotas[training_quota_name(alternative.instance_type)]
        assert isinstance(answer, Quota)
        assert answer.effective_value is not None
        assert 1 <= alternative.free <= answer.effective_value - running.get(alternative.instance_type, 0)


def test_what_another_type_could_mend() -> None:
    wanted = with_totals([GONE, Requirement("ml.m4.xlarge", Workload.TRAINING)])
    roomy = {quota_name_for(requirement): alternative_quota("", 9) for requirement in wanted}
    assert unmet_by_quota(wanted, roomy) == []
    assert unmet_by_quota(wanted, {**roomy, training_quota_name("ml.p2.xlarge"): NotOffered(HERE, "")}) == [GONE]
    assert unmet_by_quota(wanted, {**roomy, training_quota_name("ml.p2.xlarge"): alternative_quota("", 0)}) == [GONE]
    assert unmet_by_quota(wanted, {**roomy, training_quota_name("ml.p2.xlarge"): UNREAD}) == []
    assert (
        unmet_by_quota(
            wanted,
            {
                **roomy,
                training_quota_name("ml.p2.xlarge"): alternative_quota("", 0),
                TOTAL: alternative_quota(TOTAL, 1),
            },
        )
        == []
    )
