"""Training jobs: real ones, and every way they end."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import psutil

from opskit.sandbox.container.images import xgboost_image_uri
from opskit.sandbox.server import run_sandbox
from tests.fakes.training_lab import FOREVER, log_lines, refused_code_and_text
from tests.sandbox.tidy import tidy_options

DATA = Path(__file__).parents[3] / "workflows" / "boston" / "data" / "boston_house_prices.csv"
COURSE = {
    "max_depth": "5",
    "eta": "0.2",
    "gamma": "4",
    "min_child_weight": "6",
    "subsample": "0.8",
    "objective": "reg:linear",
    "early_stopping_rounds": "10",
    "num_round": "200",
}


def boston_rows() -> list[str]:
    rows = [line.split(",") for line in DATA.read_text().splitlines()[2:]]
    return [",".join([row[-1], *row[:-1]]) for row in rows]


def children_of(name: str) -> list[str]:
    lines = []
    for process in psutil.process_iter(["cmdline"]):
        lines.append(" ".join(process.info["cmdline"] or []))
    return [line for line in lines if name in line]


def test_the_course_s_notebook_trains(lab_account: Any) -> None:
    rows = boston_rows()
    train, validation = (
        lab_account.put("boston/train.csv", "\n".join(rows[::2])),
        lab_account.put("boston/v.csv", "\n".join(rows[1::4])),
    )
    channels = [lab_account.channel(train), lab_account.channel(validation, "validation", ContentType="text/csv")]

    job = lab_account.train("boston", COURSE, InputDataConfig=channels)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    steps = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert steps == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert all(step["StatusMessage"] and step["EndTime"] for step in job["SecondaryStatusTransitions"])
    rounds = [
        line for line in log_lines(lab_account, job["TrainingJobName"]) if line.startswith("[") and "#011" in line
    ]
    first = re.fullmatch(r"\[0\]#011train-rmse:([\d.]+)#011validation-rmse:([\d.]+)", rounds[0])
    assert first is not None
    assert 18 < float(first[1]) < 22
    assert 10 < len(rounds) < 200, "early stopping ended it"
    final = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    last = rounds[-1].split("#011")[1:]
    assert [f"{name.replace(':', '-')}:{value:g}" for name, value in final.items()] == last
    assert final["validation:rmse"] < 6
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"/{job['TrainingJobName']}/output/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(lab_account.read(job["ModelArtifacts"]["S3ModelArtifacts"]))) as archive:
        assert archive.getnames() == ["xgboost-model"]


def test_logs_flow_while_it_trains_and_stopping_ends_the_process(lab_account: Any, wait_for_state: Any) -> None:
    name = lab_account.create("long", {**FOREVER, "save_model_on_termination": "true"})
    wait_for_state(lambda: log_lines(lab_account, name), lambda lines: any("#011" in line for line in lines))
    assert lab_account.sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "InProgress"
    assert children_of(name)

    lab_account.sagemaker.stop_training_job(TrainingJobName=name)
    job = lab_account.over(name)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]][-2:] == ["Stopping", "Stopped"]
    assert not children_of(name)
    assert lab_account.read(job["ModelArtifacts"]["S3ModelArtifacts"]), "what was learned so far is kept when asked for"
    assert refused_code_and_text(lab_account.sagemaker.stop_training_job, TrainingJobName=name) == (
        "ValidationException",
        "The request was rejected because the training job is in status Stopped.",
    )


def test_a_job_that_runs_too_long_is_stopped(lab_account: Any) -> None:
    job = lab_account.train("endless", FOREVER, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert not children_of(job["TrainingJobName"])


HYPERPARAMETERS = {
    "missing": ({}, "Missing required hyperparameter: num_round"),
    "unknown": ({"num_round": "5", "silent": "0"}, "Extraneous hyperparameter found: silent"),
    "no-number": ({"num_round": "many"}, "Hyperparameter num_round: could not parse value"),
    "out-of-range": ({"num_round": "5", "eta": "2"}, "Hyperparameter eta: 2.0 is not in [0, 1]"),
    "wrong-data": ({"num_round": "5", "objective": "binary:logistic"}, "XGB train call failed"),
}


def test_hyperparameters_are_refused_as_the_container_does(lab_account: Any) -> None:
    names = {lab_account.create(case, parameters): reason for case, (parameters, reason) in HYPERPARAMETERS.items()}
    for name, reason in names.items():
        job = lab_account.over(name)
        assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
        assert job["FailureReason"].startswith("AlgorithmError: framework error:")
        assert reason in job["FailureReason"]
        assert job["FailureReason"].endswith(", exit code: 1")
        assert any(reason in line for line in log_lines(lab_account, name))


def test_data_is_refused_as_the_container_does(lab_account: Any) -> None:
    header = lab_account.put("header/train.csv", "MEDV,CRIM\n24.0,0.1\n")
    good = f"s3://{lab_account.bucket}/table/train"
    jobs = {
        "Non-numeric value 'MEDV' found in the header line": [lab_account.channel(header)],
        "Missing required channel: train": [lab_account.channel(good, "validation")],
        "Extraneous channel found: test": [lab_account.channel(good), lab_account.channel(good, "test")],
        "image/png is not an accepted ContentType": [lab_account.channel(good, ContentType="image/png")],
        "is not 'LIBSVM' format": [{**lab_account.channel(good), "ContentType": "libsvm"}],
    }
    names = {reason: lab_account.create("bad", InputDataConfig=channels) for reason, channels in jobs.items()}
    for reason, name in names.items():
        job = lab_account.over(name)
        assert job["TrainingJobStatus"] == "Failed"
        assert reason in job["FailureReason"]


def test_only_xgboost_is_there(lab_account: Any) -> None:
    other = {"TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1", "TrainingInputMode": "File"}
    job = lab_account.train("other", AlgorithmSpecification=other)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: The sandbox has one image alone, the built-in XGBoost")
    wrong_region = {"TrainingImage": xgboost_image_uri("eu-west-1"), "TrainingInputMode": "File"}
    assert lab_account.train("elsewhere", AlgorithmSpecification=wrong_region)["TrainingJobStatus"] == "Failed"


def test_the_first_image_knows_its_own_hyperparameters(lab_account: Any) -> None:
    image = "811284229777.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"
    algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
    job = lab_account.train("old", {"num_round": "2", "silent": "0"}, AlgorithmSpecification=algorithm)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]


def test_a_model_that_cannot_be_stored_fails_the_job(lab_account: Any) -> None:
    job = lab_account.train("nowhere", OutputDataConfig={"S3OutputPath": "s3://no-such-bucket-anywhere/x"})
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")


def test_channels_come_from_manifests_archives_and_libsvm(lab_account: Any) -> None:
    lines = lab_account.read(f"s3://{lab_account.bucket}/table/train/train.csv").decode().splitlines()
    lab_account.put("forms/a.csv", "\n".join(lines[:60]))
    lab_account.put("forms/b.csv", "\n".join(lines[60:]))
    manifest = lab_account.put(
        "forms/list.manifest", json.dumps([{"prefix": f"s3://{lab_account.bucket}/forms/"}, "a.csv", "b.csv"])
    )
    listed = lab_account.channel(manifest)
    listed["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    zipped = lab_account.channel(
        lab_account.put("zipped/a.csv.gz", gzip.compress("\n".join(lines).encode())), CompressionType="Gzip"
    )
    rows = [line.split(",") for line in lines]
    sparse = "\n".join(f"{row[0]} 0:{row[1]} 1:{row[2]} 2:{row[3]}" for row in rows)
    libsvm = {**lab_account.channel(lab_account.put("sparse/a.txt", sparse)), "ContentType": "text/libsvm"}
    weighted = lab_account.channel(
        lab_account.put("weighted/a.csv", "\n".join(f"{r[0]},1.5,{','.join(r[1:])}" for r in rows))
    )
    names = [lab_account.create("form", InputDataConfig=[one]) for one in (listed, zipped, libsvm)]
    names.append(lab_account.create("form", {"num_round": "5", "csv_weights": "1"}, InputDataConfig=[weighted]))
    scores = []
    for name in names:
        job = lab_account.over(name)
        assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
        scores.append(job["FinalMetricDataList"][0]["Value"])
    assert len(set(scores[:3])) == 1, "the same table in three forms gives the same model"
    assert scores[3] not in scores[:3], "weights are weights, not a feature"


def test_a_model_can_be_left_unpacked(lab_account: Any) -> None:
    output = {"S3OutputPath": f"s3://{lab_account.bucket}/output", "CompressionType": "NONE"}
    job = lab_account.train("plain", OutputDataConfig=output)
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model/")
    assert lab_account.read(f"{job['ModelArtifacts']['S3ModelArtifacts']}xgboost-model")


def test_jobs_can_be_deleted_and_changed_only_in_their_time(lab_account: Any) -> None:
    name = lab_account.create("gone", FOREVER)
    assert refused_code_and_text(lab_account.sagemaker.delete_training_job, TrainingJobName=name)[0] == "ResourceInUse"
    lab_account.sagemaker.update_training_job(TrainingJobName=name, RemoteDebugConfig={"EnableRemoteDebug": True})
    assert lab_account.sagemaker.describe_training_job(TrainingJobName=name)["RemoteDebugConfig"] == {
        "EnableRemoteDebug": True
    }
    lab_account.sagemaker.stop_training_job(TrainingJobName=name)
    lab_account.over(name)
    assert (
        refused_code_and_text(lab_account.sagemaker.update_training_job, TrainingJobName=name)[0]
        == "ValidationException"
    )
    lab_account.sagemaker.delete_training_job(TrainingJobName=name)
    assert (
        refused_code_and_text(lab_account.sagemaker.describe_training_job, TrainingJobName=name)[0]
        == "ValidationException"
    )


def test_what_a_scenario_says_is_running_is_seen_counted_and_stopped(full_account: Any) -> None:
    sagemaker = full_account.client("sagemaker")
    running = sagemaker.list_training_jobs(StatusEquals="InProgress", MaxResults=100)["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in running] == ["churn-nightly-1", "churn-nightly-2", "ranking-2024"]
    job = sagemaker.describe_training_job(TrainingJobName="ranking-2024")
    assert (job["SecondaryStatus"], job["ResourceConfig"]["InstanceCount"]) == ("Training", 2)
    sagemaker.stop_training_job(TrainingJobName="ranking-2024")
    assert sagemaker.describe_training_job(TrainingJobName="ranking-2024")["TrainingJobStatus"] == "Stopped"


def test_training_ends_with_the_sandbox(lab_account: Any, wait_for_state: Any) -> None:
    with run_sandbox(tidy_options(scenario="classroom", approve_after_seconds=0)) as running:
        account = type(lab_account.account)(running)
        request = lab_account.job("orphan", FOREVER)
        account.client("sagemaker").create_training_job(**request)
        wait_for_state(lambda: children_of(request["TrainingJobName"]), bool)
    assert not children_of(request["TrainingJobName"])
