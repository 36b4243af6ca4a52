"""AWS's own texts, in words that help."""

from __future__ import annotations

import pytest

from opskit.core.aws_names import TRANSFORM_LOG_GROUP, LogTail, endpoint_log_group
from opskit.core.described_resources import Endpoint, TrainingJob, TransformJob
from opskit.core.exceptions import AwsError, ExitCode, GuardRefused
from opskit.core.job_statuses import JobStatus
from opskit.core.model import Unknown
from opskit.explain.rules.aws_errors import endpoint_failure, explain_start_error, training_failure, transform_failure

SHORT = (
    "The account-level service limit '{}' is {} Instances, with current utilization of {} Instances and a request "
    "delta of {} Instances. Please use AWS Service Quotas to request an increase for this quota."
)


def refused(message: str, code: str = "ResourceLimitExceeded") -> AwsError:
    return AwsError("aws-refused", message, region="us-east-1", aws_code=code, aws_message=message)


@pytest.mark.parametrize(
    ("name", "numbers", "hint"),
    [
        (
            "ml.m4.xlarge for training job usage",
            (0, 0, 1),
            "opskit quotas increase ml.m4.xlarge --for training --to 1",
        ),
        (
            "ml.p3.8xlarge for training job usage",  # in use above the quota happens
            (2, 3, 1),
            "opskit quotas increase ml.p3.8xlarge --for training --to 4",
        ),
        (
            "Number of instances across all processing jobs",  # named by CreateTrainingJob, for its debugger rules
            (4, 0, 11),
            "opskit quotas increase total --for processing --to 11",
        ),
        (
            "KernelGateway Apps running on ml.m5.12xlarge instance",  # Service Quotas says "Studio" before it
            (0, 0, 1),
            "opskit quotas increase ml.m5.12xlarge --for studio-kernelgateway --to 1 --region us-east-1",
        ),
    ],
)
def test_a_short_quota_becomes_its_numbers_and_the_command_that_helps(
    name: str, numbers: tuple[int, int, int], hint: str
) -> None:
    error = explain_start_error(refused(SHORT.format(name, *numbers)))
    assert isinstance(error, GuardRefused)
    assert name in error.problem.message
    assert hint in error.problem.hint


def test_a_limit_in_words_nobody_has_seen_is_a_no_all_the_same() -> None:
    error = explain_start_error(refused("Something else is exceeded"))
    assert error.exit is ExitCode.REFUSED
    assert "Something else is exceeded" in error.problem.message


def test_what_is_not_offered_needs_no_increase() -> None:
    error = explain_start_error(
        refused("The requested resource training-job/ml.t3.medium is not available in this region")
    )
    assert isinstance(error, GuardRefused)
    assert "no increase helps" in error.problem.hint


def test_any_other_refusal_stays_what_it_was() -> None:
    failure = refused("Could not assume role", "ValidationException")
    assert explain_start_error(failure) is failure


def test_a_failed_job_shows_its_reason_and_the_end_of_its_log() -> None:
    job = TrainingJob("boston-1", JobStatus.FAILED, "Failed", "AlgorithmError: bad", None, None)
    problem = training_failure(job, [f"line {at}" for at in range(30)], "us-east-1").problem
    assert "AlgorithmError: bad" in problem.message
    assert "line 29" in problem.hint
    assert "line 19" not in problem.hint


def test_a_failed_job_whose_log_could_not_be_read_names_it() -> None:
    job = TrainingJob("boston-1", JobStatus.FAILED, "Failed", "AlgorithmError: bad", None, None)
    hint = training_failure(job, [], "us-east-1").problem.hint
    assert "aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix boston-1" in hint


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (TrainingJob("b", JobStatus.FAILED, "Failed", "CapacityError: Unable to provision", None, None), "no quota"),
        (TrainingJob("b", JobStatus.STOPPED, "MaxRuntimeExceeded", None, None, None), "training.max_run"),
        (TrainingJob("b", JobStatus.STOPPED, "Stopped", None, None, None), "another attempt"),
    ],
)
def test_the_next_step_depends_on_how_a_job_ended(job: TrainingJob, words: str) -> None:
    assert words in training_failure(job, [], "us-east-1").problem.hint


@pytest.mark.parametrize(
    ("reason", "is_own_fault"),
    [
        ("AlgorithmError: framework error: \nUserError: Hyperparameter eta: 2.0 is not in [0, 1], exit code: 1", True),
        ("ClientError: Data download failed: NoSuchKey (404)", True),
        ("CustomerError: label must be in [0,1] for logistic regression", True),
        ("InternalServerError: We encountered an internal error. Please try again.", False),
        ("CapacityError: Unable to provision requested ML compute capacity.", False),
    ],
)
def test_what_would_fail_the_same_way_is_not_advised_to_be_run_again(reason: str, is_own_fault: bool) -> None:
    job = TrainingJob("b", JobStatus.FAILED, "Failed", reason, None, None)
    transform = TransformJob("b", JobStatus.FAILED, reason, "s3://b/test.csv", "s3://b/out")
    for problem in (training_failure(job, [], "us-east-1").problem, transform_failure(transform, "us-east-1").problem):
        assert ("would fail the same way" in problem.hint) is is_own_fault
        assert not (is_own_fault and "again for another attempt" in problem.hint)


def test_a_transform_that_opskit_stopped_says_so() -> None:
    job = TransformJob("b", JobStatus.STOPPED, None, "s3://b/test.csv", "s3://b/out")
    assert "opskit stopped it" in transform_failure(job, "us-east-1", ran_out=True).problem.message
    assert "AWS gave no reason" in transform_failure(job, "us-east-1").problem.message


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("a", "it broke"), "The last lines of its log:\n  a\n  it broke\nAll of it: "),
        ((), "Its log, which may say why, has no lines yet: "),
        (
            Unknown("You may not call logs:GetLogEvents."),
            "not be read here (You may not call logs:GetLogEvents): ",
        ),
    ],
)
def test_a_failed_transform_or_endpoint_shows_its_log(lines: tuple[str, ...] | Unknown, said: str) -> None:
    job = TransformJob("b-1", JobStatus.FAILED, "ClientError: See job logs", "s3://b/test.csv", "s3://b/out")
    hint = transform_failure(job, "us-east-1", LogTail(TRANSFORM_LOG_GROUP, "b-1/", lines)).problem.hint
    command = "aws logs tail /aws/sagemaker/TransformJobs --log-stream-name-prefix b-1 --since 1d --region us-east-1"
    assert said + command in hint
    tail = LogTail(endpoint_log_group("b"), "", lines)
    problem = endpoint_failure(Endpoint("b", "Failed", "did not pass the ping"), "boston", "us-east-1", tail).problem
    assert said + "aws logs tail /aws/sagemaker/Endpoints/b " in problem.hint


def test_a_failed_endpoint_names_the_way_out() -> None:
    problem = endpoint_failure(Endpoint("b", "Failed", "InsufficientInstanceCapacity error"), "boston", "us-east-1")
    assert "opskit cleanup boston" in problem.problem.hint
    assert "no quota helps" in problem.problem.hint
