"""What is left running, and how to stop it."""

from __future__ import annotations

import pytest

from opskit.decide.running import interrupted, still_running, stop_command
from opskit.left_running import Kind, LeftRunning, Running


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.TRAINING_JOB, "aws sagemaker stop-training-job --training-job-name b-1 --region eu-west-1"),
        (Kind.TRANSFORM_JOB, "aws sagemaker stop-transform-job --transform-job-name b-1 --region eu-west-1"),
        (Kind.ENDPOINT, "aws sagemaker delete-endpoint --endpoint-name b-1 --region eu-west-1"),
        (
            Kind.NOTEBOOK,
            "aws sagemaker stop-notebook-instance --notebook-instance-name b-1 --region eu-west-1",
        ),
    ],
)
def test_the_command_is_the_aws_clis(kind: Kind, expected: str) -> None:
    assert stop_command(Running(kind, "b-1", "eu-west-1")) == expected


def test_the_profile_is_not_forgotten() -> None:
    assert stop_command(Running(Kind.ENDPOINT, "b", "eu-west-1"), "course").endswith("--profile course")
    assert stop_command(Running(Kind.ENDPOINT, "b", "eu-west-1"), "my own").endswith("--profile 'my own'")


def test_what_was_never_confirmed_is_not_called_running() -> None:
    told = interrupted([Running(Kind.TRAINING_JOB, "b-1", "eu-west-1")], None)
    assert "may be running" in told.message
    sure = still_running([Running(Kind.TRAINING_JOB, "b-1", "eu-west-1", sure=True)], None)
    assert sure.message == "The training job b-1 is still running."


def test_the_newest_that_is_known_counts() -> None:
    left, job = LeftRunning(), (Kind.TRAINING_JOB, "b-1", "eu-west-1")
    left.note_running(Running(*job))
    left.note_running(Running(Kind.ENDPOINT, "b-1", "eu-west-1", sure=True))
    left.note_running(Running(*job, sure=True))
    assert [each.kind for each in left.whatever_runs() if each.sure] == [Kind.TRAINING_JOB, Kind.ENDPOINT]
    left.note_reached(Kind.ENDPOINT, "b-1", "eu-west-1")
    left.note_ended(*job)
    left.note_ended(*job)
    assert (len(left.whatever_runs()), left.whatever_runs(unreached=True)) == (1, ())
