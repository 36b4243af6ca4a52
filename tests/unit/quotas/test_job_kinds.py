"""Each kind of job that is listed is one of AWS's, and each of its statuses is known as ended or not."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore import xform_name

from opskit.quotas.reads.job_listings import JobKind
from tools.whole_tables import find_modules


@cache
def sagemaker_model() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def find_job_kinds() -> dict[str, JobKind]:
    """All that a module of opskit has, by itself or in a field of something else."""
    values = [value for name in find_modules() for value in vars(importlib.import_module(name)).values()]
    inner = [each for value in values if hasattr(value, "__dict__") for each in vars(value).values()]
    return {kind.name: kind for kind in (*values, *inner) if isinstance(kind, JobKind)}


KINDS = find_job_kinds()


def output_of(operation: str) -> Any:
    """The shape of what an operation answers, as boto3 names it."""
    (name,) = [name for name in sagemaker_model().operation_names if xform_name(name) == operation]
    return sagemaker_model().operation_model(name).output_shape


def test_all_kinds_are_looked_at() -> None:
    assert {"training_job", "hyper_parameter_tuning_job", "labeling_job"} <= KINDS.keys()


@pytest.mark.parametrize("name", KINDS)
def test_every_status_of_a_kind_is_one_that_its_enumeration_has(name: str) -> None:
    """One that it does not know would count as unended for ever, although the job may have ended."""
    kind = KINDS[name]
    words = output_of(kind.description).members[f"{kind.prefix}Status"].enum
    unknown = [word for word in words if kind.statuses(word) == kind.statuses("Hibernating")]
    assert unknown == [], f"add them to an enumeration in core/job_statuses.py, and name it in the JobKind of {name}"


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_of_job_ends_and_runs(name: str) -> None:
    kind = KINDS[name]
    statuses = [kind.statuses(word) for word in output_of(kind.description).members[f"{kind.prefix}Status"].enum]
    assert {status.is_finished for status in statuses} == {True, False}
    assert not kind.statuses("Hibernating").is_finished


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_listed_and_described_as_its_row_says(name: str) -> None:
    kind = KINDS[name]
    listed = output_of(kind.listing).members[kind.summaries].member.members
    assert {f"{kind.prefix}Name", f"{kind.prefix}Status", "CreationTime"} <= listed.keys()
    assert f"{kind.prefix}Name" in output_of(kind.description).members
