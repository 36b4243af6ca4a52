"""A run's name: the same inputs, the same name; anything else, another; and which attempt it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from opskit.decide.naming import Follow, Show, Start, belongs_to, next_job, next_transform, stem
from opskit.model import Fleet, JobStatus, Split
from opskit.workflow import find_workflow

BOSTON = find_workflow("boston")
FLEET = BOSTON.training
DONE, FAILED, LIVE = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.IN_PROGRESS
STOPPED, STOPPING = JobStatus.STOPPED, JobStatus.STOPPING


def test_the_same_inputs_give_the_same_name() -> None:
    assert stem(BOSTON, FLEET) == stem(replace(BOSTON, title="another", folder="/elsewhere"), Fleet("ml.m4.xlarge", 1))


@pytest.mark.parametrize(
    ("workflow", "fleet"),
    [
        (replace(BOSTON, sha256="0" * 64), FLEET),
        (replace(BOSTON, split=Split(0.33, 0.33, 1)), FLEET),
        (replace(BOSTON, version="3.0-5"), FLEET),
        (replace(BOSTON, hyperparameters=(*BOSTON.hyperparameters, ("lambda", "2"))), FLEET),
        (replace(BOSTON, target="LSTAT"), FLEET),
        (BOSTON, Fleet("ml.m5.xlarge")),
        (BOSTON, Fleet("ml.m4.xlarge", 2)),
    ],
)
def test_whatever_decides_the_model_gives_another_name(workflow: object, fleet: Fleet) -> None:
    assert stem(workflow, fleet) != stem(BOSTON, FLEET)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("jobs", "usable", "again", "expected"),
    [
        ({}, (), False, Start("b-1")),
        ({"b-1": LIVE}, (), False, Follow("b-1")),
        ({"b-1": STOPPING}, (), False, Follow("b-1")),
        ({"b-1": LIVE}, (), True, Follow("b-1")),  # never two at once
        ({"b-1": DONE}, ("b-1",), False, Show("b-1")),
        ({"b-1": DONE}, ("b-1",), True, Start("b-2", ("b-1", DONE))),
        ({"b-1": DONE}, (), False, Start("b-2", ("b-1", DONE))),  # its model was cleaned up
        ({"b-1": FAILED}, (), False, Start("b-2", ("b-1", FAILED))),
        ({"b-1": STOPPED, "b-2": FAILED}, (), False, Start("b-3", ("b-2", FAILED))),
        ({"b-1": DONE, "b-2": FAILED}, ("b-1",), False, Show("b-1")),
        ({"b-9": FAILED, "b-10": FAILED}, (), False, Start("b-11", ("b-10", FAILED))),
        ({"b-1-2": DONE, "b-x": LIVE, "bb-1": LIVE}, (), False, Start("b-1")),  # other people's
    ],
)
def test_the_next_attempt(
    jobs: dict[str, JobStatus], usable: tuple[str, ...], again: bool, expected: Follow | Show | Start
) -> None:
    assert next_job("b", jobs, again=again, usable=usable) == expected


@pytest.mark.parametrize(
    ("jobs", "usable", "expected"),
    [
        ({}, (), Start("b-1")),
        ({"b-1": LIVE}, (), Follow("b-1")),
        ({"b-1": DONE}, ("b-1",), Show("b-1")),
        ({"b-1": FAILED}, (), Start("b-1-2", ("b-1", FAILED))),
        ({"b-1": FAILED, "b-1-2": DONE}, ("b-1-2",), Show("b-1-2")),
        ({"b-1": FAILED, "b-1-2": FAILED}, (), Start("b-1-3", ("b-1-2", FAILED))),
        ({"b-10": LIVE, "b-11-2": LIVE}, (), Start("b-1")),
    ],
)
def test_the_next_transform(
    jobs: dict[str, JobStatus], usable: tuple[str, ...], expected: Follow | Show | Start
) -> None:
    assert next_transform("b-1", jobs, usable) == expected


@given(some.dictionaries(some.integers(1, 50).map("b-{}".format), some.sampled_from(JobStatus)), some.booleans())
def test_nothing_is_started_beside_a_live_job_and_no_name_twice(jobs: dict[str, JobStatus], again: bool) -> None:
    decided = next_job("b", jobs, again=again, usable=tuple(jobs))
    if any(not status.is_over for status in jobs.values()):
        assert isinstance(decided, Follow)
    if isinstance(decided, Start):
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
    assert belongs_to("boston", name) is ours


def test_the_longest_name_fits_into_sagemakers_63_characters() -> None:
    longest = stem(replace(BOSTON, name="w" * 32), FLEET)
    assert len(f"{longest}-9999-999") <= 63
