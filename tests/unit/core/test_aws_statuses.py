"""The statuses are those of AWS's model, and a word that AWS invents later is unknown."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any

import botocore.session
import pytest

from opskit.core.aws_statuses import AppStatus, AwsStatus, ClusterStatus, EndpointStatus, NotebookStatus
from opskit.core.described_resources import Endpoint
from opskit.core.job_statuses import JobStatus, LabelingJobStatus, TuningJobStatus, WarmPoolStatus

STATUSES: dict[type[StrEnum], list[str]] = {
    NotebookStatus: ["NotebookInstanceStatus"],
    EndpointStatus: ["EndpointStatus"],
    JobStatus: ["TrainingJobStatus", "TransformJobStatus", "ProcessingJobStatus", "AutoMLJobStatus"],
    TuningJobStatus: ["HyperParameterTuningJobStatus"],
    LabelingJobStatus: ["LabelingJobStatus"],
    AppStatus: ["AppStatus"],
    ClusterStatus: ["ClusterStatus"],
    WarmPoolStatus: ["WarmPoolResourceStatus"],
}
"""The shapes of botocore's model that hold AWS's words."""


def test_every_enumeration_of_statuses_is_held_against_awss_model() -> None:
    missing = {kind.__name__ for kind in AwsStatus.__subclasses__() if kind not in STATUSES}
    assert not missing, f"add its shape in botocore's model to STATUSES: {missing}"


@cache
def sagemaker_model() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.__name__)
def test_the_words_are_those_of_awss_model(kind: type[StrEnum]) -> None:
    words = {word for shape in STATUSES[kind] for word in sagemaker_model().shape_for(shape).enum}
    assert {member.value for member in kind} == words | {"unknown"}


@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("word", ["Hibernating", "", "inservice"])
def test_a_word_that_aws_invents_later_is_unknown(kind: type[StrEnum], word: str) -> None:
    assert kind(word).name == "UNKNOWN"


def test_a_notebook_in_an_unknown_status_is_not_idle_and_not_free() -> None:
    traits = NotebookStatus("Hibernating").traits
    assert traits.may_hold_quota
    assert not (traits.may_run_jupyter or traits.can_start or traits.stop_took_effect or traits.is_in_service)


def test_an_endpoint_in_an_unknown_status_is_watched_on_and_may_bill() -> None:
    endpoint = Endpoint("boston", "Hibernating")
    assert (endpoint.status, endpoint.state) == ("Hibernating", EndpointStatus.UNKNOWN)
    assert endpoint.traits.may_bill
    assert not (endpoint.traits.is_settled or endpoint.traits.is_in_service or endpoint.traits.surely_bills)


def test_a_job_an_app_and_a_pool_in_an_unknown_status_may_go_on() -> None:
    assert not JobStatus("Hibernating").is_finished
    assert not JobStatus("Hibernating").is_completed
    assert not TuningJobStatus("Hibernating").is_finished
    assert not LabelingJobStatus("Hibernating").is_finished


def test_a_tuning_job_that_could_not_be_deleted_has_ended() -> None:
    assert TuningJobStatus("DeleteFailed").is_finished
    assert AppStatus("Hibernating").may_hold_quota
    assert WarmPoolStatus("Hibernating").may_hold_quota
