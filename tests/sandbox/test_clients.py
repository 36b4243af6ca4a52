"""Clients nobody here wrote: the AWS CLI, and the SageMaker SDK v3 in both its styles."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.prefork import SDK_MODULES, start_forkserver

needs_sdk = pytest.mark.skipif(importlib.util.find_spec("sagemaker") is None, reason="sagemaker is not installed")


@pytest.fixture
def client_environment(lab_account: Any) -> dict[str, str]:
    """What makes any client talk to the lab, and to nobody else."""
    return {
        **lab_account.account.sandbox.isolated_environment(os.environ),
        "ROLE": lab_account.role,
        "IMAGE": lab_account.image,
        "BUCKET": lab_account.bucket,
        "AWS_PAGER": "",
    }


@pytest.fixture
def run_aws_cli(client_environment: dict[str, str], aws_cli: Any) -> Any:
    """Runs one command of the AWS CLI; returns what it printed, read as JSON."""

    def run(*words: str, fails: bool = False) -> Any:
        code, said, complained = aws_cli(client_environment, *words)
        assert bool(code) == fails, complained
        if fails:
            return complained
        return json.loads(said) if said.strip() else None

    return run


def test_the_aws_cli_trains_and_predicts(
    run_aws_cli: Any, lab_account: Any, tmp_path: Path, wait_for_state: Any
) -> None:
    name = lab_account.name("cli")
    request = tmp_path / "job.json"
    request.write_text(json.dumps(lab_account.job("x", TrainingJobName=name)))
    assert run_aws_cli("sagemaker", "create-training-job", "--cli-input-json", f"file://{request}")["TrainingJobArn"]
    lab_account.over(name)
    job = run_aws_cli("sagemaker", "describe-training-job", "--training-job-name", name)
    assert job["TrainingJobStatus"] == "Completed"
    listed = run_aws_cli("sagemaker", "list-training-jobs", "--name-contains", name)["TrainingJobSummaries"]
    assert [one["TrainingJobName"] for one in listed] == [name]
    again = run_aws_cli("sagemaker", "create-training-job", "--cli-input-json", f"file://{request}", fails=True)
    assert "(ResourceInUse) when calling the CreateTrainingJob operation" in again

    container = f"Image={lab_account.image},ModelDataUrl={job['ModelArtifacts']['S3ModelArtifacts']}"
    role = ("--execution-role-arn", lab_account.role)
    run_aws_cli("sagemaker", "create-model", "--model-name", name, "--primary-container", container, *role)
    variant = f"VariantName=A,ModelName={name},InstanceType=ml.m4.xlarge,InitialInstanceCount=1"
    run_aws_cli("sagemaker", "create-endpoint-config", "--endpoint-config-name", name, "--production-variants", variant)
    run_aws_cli("sagemaker", "create-endpoint", "--endpoint-name", name, "--endpoint-config-name", name)
    # The waiters look every half minute: by the time they look, there is nothing to wait for.
    wait_for_state(
        lambda: lab_account.sagemaker.describe_endpoint(EndpointName=name),
        lambda one: one["EndpointStatus"] == "InService",
    )
    run_aws_cli("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", name)
    answer = tmp_path / "answer"
    row = tmp_path / "row.csv"
    row.write_text("1.0,2.0,3.0")
    body = ("--body", f"fileb://{row}", "--content-type", "text/csv")
    run_aws_cli("sagemaker-runtime", "invoke-endpoint", "--endpoint-name", name, *body, str(answer))
    assert -30 < float(answer.read_text()) < 40
    run_aws_cli("sagemaker", "delete-endpoint", "--endpoint-name", name)
    wait_for_state(
        lambda: lab_account.sagemaker.list_endpoints(NameContains=name, MaxResults=100)["Endpoints"],
        lambda found: not found,
    )
    run_aws_cli("sagemaker", "wait", "endpoint-deleted", "--endpoint-name", name)


CORE = """
import json, os
import boto3
from sagemaker.core import image_uris
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TrainingJob, TransformJob
from sagemaker.core.shapes import (
    AlgorithmSpecification, Channel, ContainerDefinition, DataSource, OutputDataConfig, ProductionVariant,
    ResourceConfig, S3DataSource, StoppingCondition, TransformDataSource, TransformInput, TransformOutput,
    TransformResources, TransformS3DataSource,
)
region, bucket, role, name = os.environ["AWS_REGION"], os.environ["BUCKET"], os.environ["ROLE"], os.environ["NAME"]
session = boto3.Session(region_name=region)
here = {"session": session, "region": region}
image = image_uris.retrieve("xgboost", region, version="1.7-1")

def channel(name):
    uri = f"s3://{bucket}/table/{name}"
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated")
    return Channel(channel_name=name, content_type="text/csv", data_source=DataSource(s3_data_source=source))

job = TrainingJob.create(
    training_job_name=name, role_arn=role, hyper_parameters={"num_round": "4"},
    algorithm_specification=AlgorithmSpecification(training_image=image, training_input_mode="File"),
    input_data_config=[channel("train"), channel("validation")],
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/sdk"),
    resource_config=ResourceConfig(instance_type="ml.m4.xlarge", instance_count=1, volume_size_in_gb=5),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600), tags=[{"key": "a", "value": "b"}], **here)
job.wait(poll=1, logs=True)
job = TrainingJob.get(name, **here)
found = [one.training_job_name for one in TrainingJob.get_all(name_contains=name, **here)]
artifacts = job.model_artifacts.s3_model_artifacts
model = Model.create(model_name=name, execution_role_arn=role, primary_container=ContainerDefinition(
    image=image, model_data_url=artifacts), **here)
source = TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/table/test/test.csv")
transform = TransformJob.create(
    transform_job_name=name, model_name=name,
    transform_input=TransformInput(content_type="text/csv", split_type="Line",
        data_source=TransformDataSource(s3_data_source=source)),
    transform_output=TransformOutput(s3_output_path=f"s3://{bucket}/sdk/{name}", accept="text/csv",
        assemble_with="Line"),
    transform_resources=TransformResources(instance_type="ml.m4.xlarge", instance_count=1), **here)
transform.wait(poll=1)
config = EndpointConfig.create(endpoint_config_name=name, production_variants=[ProductionVariant(
    variant_name="AllTraffic", model_name=name, initial_instance_count=1, instance_type="ml.m4.xlarge",
    initial_variant_weight=1.0)], **here)
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name, **here)
endpoint.wait_for_status("InService", poll=1)
answer = endpoint.invoke(body="1.0,2.0,3.0", content_type="text/csv", accept="text/csv", **here)
prediction = float(answer.body.read())
endpoint.delete()
endpoint.wait_for_delete(poll=1)
config.delete()
model.delete()
told = {"status": job.training_job_status, "metrics": len(job.final_metric_data_list), "found": found,
        "transform": transform.transform_job_status, "prediction": prediction}
"""

TRAINER = """
from sagemaker.core.helper.session_helper import Session
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition

bucket = os.environ["BUCKET"]
session = Session(boto_session=boto3.Session(region_name=os.environ["AWS_REGION"]), default_bucket=bucket)
trainer = ModelTrainer(
    sagemaker_session=session, role=os.environ["ROLE"], training_image=os.environ["IMAGE"], base_job_name="trainer",
    compute=Compute(instance_type="ml.m4.xlarge", instance_count=1, volume_size_in_gb=5),
    hyperparameters={"num_round": "4", "objective": "reg:linear", "eta": "0.3"},
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/trainer"),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600))
uri = f"s3://{bucket}/table/train"
trainer.train(input_data_config=[InputData(channel_name="train", data_source=uri, content_type="text/csv")], wait=False)
told["trainer"] = trainer._latest_training_job.training_job_name
open(os.environ["TOLD"], "w").write(json.dumps(told))
"""


GUARDED = """
import json, os
import boto3
import opskit
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import TrainingJob
from sagemaker.core.shapes import AlgorithmSpecification, OutputDataConfig, ResourceConfig, StoppingCondition
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute

import opskit.aws.outgoing_calls as reads
import opskit.guards.flows.call_guard as guard

reads.READ_SECONDS = guard.READING_SECONDS = 300.0  # a busy machine takes its time
bucket, told = os.environ["BUCKET"], {}
boto = boto3.Session(region_name=os.environ["AWS_REGION"])
session = Session(boto_session=boto, default_bucket=bucket)
opskit.guard(max_usd="0.10")

def attempt(name, start):
    try:
        start()
        told[name] = "sent"
    except opskit.GuardRefused as refused:
        told[name] = refused.verdict.reasons

trainer = ModelTrainer(
    sagemaker_session=session, role=os.environ["ROLE"], training_image=os.environ["IMAGE"], base_job_name="guarded",
    compute=Compute(instance_type="ml.m4.xlarge", instance_count=1000, volume_size_in_gb=5))
attempt("trainer", lambda: trainer.train(wait=False))
resources = ResourceConfig(instance_type="ml.m4.xlarge", instance_count=1, volume_size_in_gb=5)
attempt("core", lambda: TrainingJob.create(
    training_job_name="guarded-core", role_arn=os.environ["ROLE"], session=boto, region=boto.region_name,
    algorithm_specification=AlgorithmSpecification(training_image=os.environ["IMAGE"], training_input_mode="File"),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/guarded"), resource_config=resources,
    stopping_condition=StoppingCondition(max_runtime_in_seconds=86400)))
"""


STS = """
import json, os
import boto3
region = os.environ["AWS_REGION"]
# As SDK v2 does it, in default_bucket and get_execution_role.
sts = boto3.Session().client("sts", region_name=region, endpoint_url=f"https://sts.{region}.amazonaws.com")
told = {"v2": sts.get_caller_identity()["Account"], "role": sts.assume_role(
    RoleArn="arn:aws:iam::111122223333:role/r", RoleSessionName="me")["AssumedRoleUser"]["Arn"]}
"""

STS_OF_SDK = """
from sagemaker.core.helper.session_helper import Session
session = Session(boto_session=boto3.Session(region_name=region))
told |= {"caller": session.get_caller_identity_arn(), "bucket": session.default_bucket()}
from sagemaker.core.telemetry import telemetry_logging
from sagemaker.core.telemetry.constants import Feature
sent = []
telemetry_logging._send_telemetry_request = lambda *what, **more: sent.append(what)
class Trainer:
    sagemaker_session = session
    @telemetry_logging._telemetry_emitter(Feature.MODEL_TRAINER, "train")
    def train(self): return "trained"
told |= {"telemetry": [Trainer().train(), len(sent)]}
"""
TELLS = """
open(os.environ["TOLD"], "w").write(json.dumps(told))
"""


@pytest.fixture
def script_output(client_environment: dict[str, str], tmp_path: Path) -> Any:
    """Runs a script in a process of its own; returns what it tells."""

    def run(script: str, name: str = "") -> dict[str, Any]:
        answer, file = tmp_path / "told.json", tmp_path / "script.py"
        file.write_text(script)
        more = {"NAME": name, "TOLD": str(answer)}
        code, _, complained = start_forkserver(*SDK_MODULES).run([str(file)], tmp_path, {**client_environment, **more})
        assert code == 0, complained[-3000:]
        return dict(json.loads(answer.read_text()))

    return run


@needs_sdk
def test_the_sdk_goes_all_the_way_in_both_its_styles(lab_account: Any, script_output: Any) -> None:
    name = lab_account.name("sdk")
    answer = script_output(CORE + TRAINER, name)
    assert (answer["status"], answer["transform"], answer["metrics"]) == ("Completed", "Completed", 2)
    assert answer["found"] == [name]
    assert -30 < answer["prediction"] < 40
    assert len(lab_account.read(f"s3://{lab_account.bucket}/sdk/{name}/test.csv.out").splitlines()) == 30
    job = lab_account.over(answer["trainer"])
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert lab_account.read(job["ModelArtifacts"]["S3ModelArtifacts"])


@needs_sdk
def test_the_guard_stands_before_both_styles_of_the_sdk(lab_account: Any, script_output: Any) -> None:
    told = script_output(GUARDED + TELLS)
    (quota, *_), (money, *_) = told["trainer"], told["core"]
    assert "needed: 1000" in quota
    assert "MaxRuntimeInSeconds is 86400 (1d), and 1285 would fit" in money
    listed = lab_account.sagemaker.list_training_jobs(NameContains="guarded")["TrainingJobSummaries"]
    assert listed == []


@pytest.fixture
def no_way_out(client_environment: dict[str, str]) -> None:
    """A call that leaves for AWS fails at once, whether or not this machine has a network."""
    client_environment["HTTPS_PROXY"] = client_environment["https_proxy"] = "http://127.0.0.1:9"


@pytest.mark.usefixtures("no_way_out")
def test_a_client_that_names_awss_sts_is_answered_inside(script_output: Any) -> None:
    told = script_output(STS + TELLS)
    assert told == {"v2": "123456789012", "role": "arn:aws:sts::111122223333:assumed-role/r/me"}


@needs_sdk
@pytest.mark.usefixtures("no_way_out")
def test_the_sdk_finds_its_account_and_its_bucket_inside(script_output: Any) -> None:
    told = script_output(STS + STS_OF_SDK + TELLS)
    assert told["caller"].startswith("arn:aws:iam::123456789012:")
    assert told["bucket"] == "sagemaker-us-east-1-123456789012"
    assert told["telemetry"] == ["trained", 0], "the SDK would send what was called to a bucket of AWS's"
