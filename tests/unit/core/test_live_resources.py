"""What is left running, and how to stop it."""

from __future__ import annotations

import pytest

from opskit.core.live_resources import (
    LiveResource,
    LiveResources,
    ResourceKind,
    aws_stop_command,
    interrupted_problem,
    still_running_problem,
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (ResourceKind.TRAINING_JOB, "aws sagemaker stop-training-job --training-job-name b-1 --region eu-west-1"),
        (ResourceKind.TRANSFORM_JOB, "aws sagemaker stop-transform-job --transform-job-name b-1 --region eu-west-1"),
        (ResourceKind.ENDPOINT, "aws sagemaker delete-endpoint --endpoint-name b-1 --region eu-west-1"),
        (
            ResourceKind.NOTEBOOK,
            "aws sagemaker stop-notebook-instance --notebook-instance-name b-1 --region eu-west-1",
        ),
    ],
)
def test_the_command_is_the_aws_clis(kind: ResourceKind, expected: str) -> None:
    assert aws_stop_command(LiveResource(kind, "b-1", "eu-west-1")) == expected


def test_the_profile_is_not_forgotten() -> None:
    assert aws_stop_command(LiveResource(ResourceKind.ENDPOINT, "b", "eu-west-1"), "course").endswith(
        "--profile course"
    )
    assert aws_stop_command(LiveResource(ResourceKind.ENDPOINT, "b", "eu-west-1"), "my own").endswith(
        "--profile 'my own'"
    )


def test_what_was_never_confirmed_is_not_called_running() -> None:
    told = interrupted_problem([LiveResource(ResourceKind.TRAINING_JOB, "b-1", "eu-west-1")], None)
    assert "may be running" in told.message
    sure = still_running_problem([LiveResource(ResourceKind.TRAINING_JOB, "b-1", "eu-west-1", confirmed=True)], None)
    assert sure.message == "The training job b-1 is still running."


def test_the_newest_that_is_known_counts() -> None:
    left, job = LiveResources(), (ResourceKind.TRAINING_JOB, "b-1", "eu-west-1")
    left.note_running(LiveResource(*job))
    left.note_running(LiveResource(ResourceKind.ENDPOINT, "b-1", "eu-west-1", confirmed=True))
    left.note_running(LiveResource(*job, confirmed=True))
    assert [live_resource.kind for live_resource in left.running_resources() if live_resource.confirmed] == [
        ResourceKind.TRAINING_JOB,
        ResourceKind.ENDPOINT,
    ]
    left.note_reached(ResourceKind.ENDPOINT, "b-1", "eu-west-1")
    left.note_ended(*job)
    left.note_ended(*job)
    assert (len(left.running_resources()), left.running_resources(unreached=True)) == (1, ())
