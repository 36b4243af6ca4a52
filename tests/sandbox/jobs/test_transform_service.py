"""Batch transform jobs: a prediction for every line, or a reason."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from botocore.exceptions import ClientError

GROUP = "/aws/sagemaker/TransformJobs"


@pytest.fixture
def start_transform(lab_account: Any, model_name: str) -> Any:
    """Starts a transform job over an S3 URI; returns its name."""

    def started(uri: str, **changes: Any) -> str:
        name = str(lab_account.name("transform"))
        request = {
            "TransformJobName": name,
            "ModelName": model_name,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": f"s3://{lab_account.bucket}/{name}", "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
            **changes,
        }
        lab_account.sagemaker.create_transform_job(**request)
        return name

    return started


@pytest.fixture
def finished_transform(lab_account: Any, wait_for_state: Any) -> Any:
    """The transform job of this name once it is over."""

    def ended(name: str) -> dict[str, Any]:
        look = functools.partial(lab_account.sagemaker.describe_transform_job, TransformJobName=name)
        return dict(wait_for_state(look, lambda job: job["TransformJobStatus"] not in ("InProgress", "Stopping")))

    return ended


def test_each_line_gets_a_prediction(lab_account: Any, start_transform: Any, finished_transform: Any) -> None:
    job = finished_transform(start_transform(f"s3://{lab_account.bucket}/table/test/test.csv"))

    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    text = lab_account.read(f"{job['TransformOutput']['S3OutputPath']}/test.csv.out").decode()
    predictions = [float(line) for line in text.splitlines()]
    rows = [
        [float(cell) for cell in line.split(",")]
        for line in lab_account.read(f"s3://{lab_account.bucket}/table/test/test.csv").decode().split()
    ]
    assert len(predictions) == len(rows) == 30
    true = [3 * row[0] - 2 * row[1] + row[2] for row in rows]
    worst = max(abs(guess - truth) for guess, truth in zip(predictions, true, strict=True))
    assert worst < 15, "the labels spread over 60"
    assert text.endswith("\n")


def test_prefixes_filters_joins_and_single_records(
    lab_account: Any, start_transform: Any, finished_transform: Any
) -> None:
    rows = lab_account.read(f"s3://{lab_account.bucket}/table/test/test.csv").decode().split()[:4]
    lab_account.put("numbered/a.csv", "".join(f"{number},{row}\n" for number, row in enumerate(rows)))
    lab_account.put("numbered/more/b.csv", f"9,{rows[0]}\n")
    lab_account.put("numbered/empty.csv", "")
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}

    joined = start_transform(
        f"s3://{lab_account.bucket}/numbered", DataProcessing=processing, BatchStrategy="SingleRecord"
    )
    plain = start_transform(f"s3://{lab_account.bucket}/table/test", MaxPayloadInMB=1)

    job = finished_transform(joined)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    output = job["TransformOutput"]["S3OutputPath"]
    lines = [line.split(",") for line in lab_account.read(f"{output}/a.csv.out").decode().splitlines()]
    assert [line[0] for line in lines] == ["0", "1", "2", "3"]
    assert lab_account.read(f"{output}/more/b.csv.out").decode().split(",")[1].strip() == lines[0][1]
    assert lab_account.read(f"{output}/empty.csv.out") == b""
    whole = (
        lab_account.read(f"{finished_transform(plain)['TransformOutput']['S3OutputPath']}/test.csv.out")
        .decode()
        .split()
    )
    assert [line[1] for line in lines] == whole[:4]


def test_answers_come_as_asked(lab_account: Any, start_transform: Any, finished_transform: Any) -> None:
    uri = f"s3://{lab_account.bucket}/table/test/test.csv"
    output = {
        "S3OutputPath": f"s3://{lab_account.bucket}/json",
        "Accept": "application/jsonlines",
        "AssembleWith": "Line",
    }
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}, "ContentType": "text/csv"}
    names = [start_transform(uri, TransformOutput=output), start_transform(uri, TransformInput=source)]
    assert [finished_transform(name)["TransformJobStatus"] for name in names] == ["Completed", "Completed"]
    assert lab_account.read(f"s3://{lab_account.bucket}/json/test.csv.out").startswith(b'{"score": ')
    assert finished_transform(names[1])["TransformInput"]["SplitType"] == "None"


def test_bad_rows_fail_the_job_and_the_log_says_which(
    lab_account: Any, start_transform: Any, finished_transform: Any
) -> None:
    names = {
        "could not convert string to float": start_transform(lab_account.put("bad/words.csv", "a,b,c\n")),
        "is not consistent with feature size of trained model 3": start_transform(
            lab_account.put("bad/wide.csv", "1,2,3,4\n")
        ),
    }
    logs = lab_account.client("logs")
    for reason, name in names.items():
        job = finished_transform(name)
        assert job["TransformJobStatus"] == "Failed"
        assert job["FailureReason"] == "ClientError: See job logs for more information"
        events = logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["events"]
        assert any(reason in event["message"] and "[sagemaker logs]" in event["message"] for event in events)


def test_a_model_that_is_none_fails_the_job(lab_account: Any, start_transform: Any, finished_transform: Any) -> None:
    uri = f"s3://{lab_account.bucket}/table/test/test.csv"
    job = finished_transform(
        start_transform(uri, ModelName=lab_account.make_model(lab_account.put("models/broken.tar.gz", "no archive")))
    )
    assert job["TransformJobStatus"] == "Failed"
    assert "Failed to extract model data archive" in job["FailureReason"]


def test_transforms_can_be_stopped(lab_account: Any, start_transform: Any, finished_transform: Any) -> None:
    rows = lab_account.read(f"s3://{lab_account.bucket}/table/test/test.csv").decode() * 3000
    name = start_transform(lab_account.put("long/test.csv", rows), BatchStrategy="SingleRecord")
    lab_account.sagemaker.stop_transform_job(TransformJobName=name)
    assert finished_transform(name)["TransformJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="is in status Stopped"):
        lab_account.sagemaker.stop_transform_job(TransformJobName=name)


def test_bad_requests_are_refused(lab_account: Any, start_transform: Any, finished_transform: Any) -> None:
    uri = f"s3://{lab_account.bucket}/table/test/test.csv"
    three = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 3}
    with pytest.raises(ClientError, match=r"'ml.m5.xlarge for transform job usage' is 1 Instances"):
        start_transform(uri, TransformResources=three)
    with pytest.raises(ClientError, match="No S3 objects found under S3 URL"):
        start_transform(f"s3://{lab_account.bucket}/not/there")
    with pytest.raises(ClientError, match=r'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/no"'):
        start_transform(uri, ModelName="no")
    with pytest.raises(ClientError, match="ValidationException"):
        start_transform(uri, DataProcessing={"InputFilter": "$.features"})
    with pytest.raises(ClientError, match="Could not find requested job with name: nobody"):
        lab_account.sagemaker.describe_transform_job(TransformJobName="nobody")
    name = start_transform(uri)
    with pytest.raises(ClientError, match="Job name must be unique") as caught:
        start_transform(uri, TransformJobName=name)
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    finished_transform(name)
    listed = lab_account.sagemaker.list_transform_jobs(NameContains=name, StatusEquals="Completed", MaxResults=100)[
        "TransformJobSummaries"
    ]
    assert [job["TransformJobName"] for job in listed] == [name]
    assert "FailureReason" not in listed[0]


def test_what_a_scenario_says_is_running_is_seen_and_stopped(full_account: Any) -> None:
    sagemaker = full_account.client("sagemaker")
    name = "churn-scores"
    job = sagemaker.describe_transform_job(TransformJobName=name)
    assert (job["TransformJobStatus"], job["TransformResources"]["InstanceType"]) == ("InProgress", "ml.m4.xlarge")
    sagemaker.stop_transform_job(TransformJobName=name)
    assert sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopped"
