"""A run's name: the same inputs, the same name; anything else, another; and which attempt it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opskit.core.job_statuses import JobStatus
from opskit.core.model import InstanceConfig
from opskit.training.rules.job_names import (
    Attach,
    Create,
    Reuse,
    base_name,
    choose_job,
    choose_transform,
    is_owned_name,
)
from opskit.training.rules.model import SplitRatios
from opskit.training.workflow import find_workflow

BOSTON = find_workflow("boston")
FLEET = BOSTON.training
DONE, FAILED, LIVE = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.IN_PROGRESS
STOPPED, STOPPING = JobStatus.STOPPED, JobStatus.STOPPING


def test_the_same_inputs_give_the_same_name() -> None:
    assert base_name(BOSTON, FLEET, "me") == base_name(
        replace(BOSTON, title="another", folder="/elsewhere"), InstanceConfig("ml.m4.xlarge", 1), "me"
    )


@pytest.mark.parametrize(
    ("workflow", "fleet"),
    [
        (replace(BOSTON, sha256="0" * 64), FLEET),
        (replace(BOSTON, split=SplitRatios(0.33, 0.33, 1)), FLEET),
        (replace(BOSTON, version="3.0-5"), FLEET),
        (replace(BOSTON, hyperparameters=(*BOSTON.hyperparameters, ("lambda", "2"))), FLEET),
        (replace(BOSTON, target="LSTAT"), FLEET),
        (BOSTON, InstanceConfig("ml.m5.xlarge")),
        (BOSTON, InstanceConfig("ml.m4.xlarge", 2)),
    ],
)
def test_whatever_decides_the_model_gives_another_name(workflow: object, fleet: InstanceConfig) -> None:
    assert base_name(workflow, fleet, "me") != base_name(BOSTON, FLEET, "me")  # type: ignore[arg-type]


def test_two_people_share_no_name() -> None:
    assert base_name(BOSTON, FLEET, "you") != base_name(BOSTON, FLEET, "me")


@pytest.mark.parametrize(
    ("jobs", "usable", "again", "expected"),
    [
        ({}, (), False, Create("b-1")),
        ({"b-1": LIVE}, (), False, Attach("b-1")),
        ({"b-1": STOPPING}, (), False, Attach("b-1")),
        ({"b-1": LIVE}, (), True, Attach("b-1")),  # never two at once
        ({"b-1": DONE}, ("b-1",), False, Reuse("b-1")),
        ({"b-1": DONE}, ("b-1",), True, Create("b-2", ("b-1", DONE))),
        ({"b-1": DONE}, (), False, Create("b-2", ("b-1", DONE))),  # its model was cleaned up
        ({"b-1": FAILED}, (), False, Create("b-2", ("b-1", FAILED))),
        ({"b-1": STOPPED, "b-2": FAILED}, (), False, Create("b-3", ("b-2", FAILED))),
        ({"b-1": DONE, "b-2": FAILED}, ("b-1",), False, Reuse("b-1")),
        ({"b-9": FAILED, "b-10": FAILED}, (), False, Create("b-11", ("b-10", FAILED))),
        ({"b-1-2": DONE, "b-x": LIVE, "bb-1": LIVE}, (), False, Create("b-1")),  # other people's
    ],
)
def test_job_name_of_the_next_attempt(
    jobs: dict[str, JobStatus], usable: tuple[str, ...], again: bool, expected: Attach | Reuse | Create
) -> None:
    assert choose_job("b", jobs, again=again, usable=usable) == expected


@pytest.mark.parametrize(
    ("jobs", "usable", "expected"),
    [
        ({}, (), Create("b-1")),
        ({"b-1": LIVE}, (), Attach("b-1")),
        ({"b-1": DONE}, ("b-1",), Reuse("b-1")),
        ({"b-1": FAILED}, (), Create("b-1-2", ("b-1", FAILED))),
        ({"b-1": FAILED, "b-1-2": DONE}, ("b-1-2",), Reuse("b-1-2")),
        ({"b-1": FAILED, "b-1-2": FAILED}, (), Create("b-1-3", ("b-1-2", FAILED))),
        ({"b-10": LIVE, "b-11-2": LIVE}, (), Create("b-1")),
    ],
)
def test_job_name_of_the_next_transform(
    jobs: dict[str, JobStatus], usable: tuple[str, ...], expected: Attach | Reuse | Create
) -> None:
    assert choose_transform("b-1", jobs, usable) == expected


@given(some.dictionaries(some.integers(1, 50).map("b-{}".format), some.sampled_from(JobStatus)), some.booleans())
def test_nothing_is_started_beside_a_live_job_and_no_name_twice(jobs: dict[str, JobStatus], again: bool) -> None:
    decided = choose_job("b", jobs, again=again, usable=tuple(jobs))
    if any(not status.is_finished for status in jobs.values()):
        assert isinstance(decided, Attach)
    if isinstance(decided, Create):
        assert decided.name not in jobs


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("boston-0123456789-1", True),
        ("boston-0123456789-12-3", True),
        ("boston-0123456789", False),
        ("boston-housing-endpoint", False),
        ("my-boston-0123456789-1", False),
        ("boston-0123456789-1-copy", False),
        ("boston-2020-10-11-12-13-14", False),
    ],
)
def test_only_names_that_opskit_gave_are_its_own(name: str, ours: bool) -> None:
    assert is_owned_name("boston", name) is ours


def test_the_longest_name_fits_into_sagemakers_63_characters() -> None:
    longest = base_name(replace(BOSTON, name="w" * 32), FLEET, "me")
    assert len(f"{longest}-9999-999") <= 63
