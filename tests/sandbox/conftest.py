"""Running sandboxes for the tests, few of them, and accounts in them that share nothing."""

from __future__ import annotations

import functools
import json
import random
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from opskit.sandbox.container.images import xgboost_image_uri
from opskit.sandbox.server import Sandbox, run_sandbox
from tests.prefork import start_forkserver
from tests.sandbox.strict_client import response_mistakes
from tests.sandbox.tidy import tidy_options
from tests.slow import starts_server
from tests.waiting import wait_until

AN_HOUR = 3600.0


ANSWERED: set[tuple[str, str]] = set()
"""The operations (boto3's service name, operation) that this process's clients were answered."""


def _read_strictly(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
    """Fail the test on any answer, owned or moto's, that is not as botocore's model has it."""
    wrong = response_mistakes(response_dict, operation_model)
    assert not wrong, wrong
    if response_dict["status_code"] < 300:
        ANSWERED.add((operation_model.service_model.service_name, operation_model.name))


@dataclass(frozen=True)
class Account:
    """A client's view of one account of a sandbox."""

    sandbox: Sandbox
    number: str = "123456789012"
    key: str = "sandbox"
    secret: str = "sandbox"
    token: str | None = None

    def client(self, service: str, region: str = "us-east-1") -> Any:
        session = boto3.Session(self.key, self.secret, self.token, region)
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        client = session.client(service, endpoint_url=self.sandbox.url, config=config)
        client.meta.events.register("before-parse", _read_strictly)
        return client

    def other(self) -> Account:
        """An account nobody used before, reached as real ones are: by assuming a role in it."""
        number = str(random.randrange(10**11, 10**12))
        role = {"RoleArn": f"arn:aws:iam::{number}:role/tester", "RoleSessionName": "tester"}
        keys = self.client("sts").assume_role(**role)["Credentials"]
        return Account(self.sandbox, number, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@dataclass(frozen=True)
class Reply:
    """A bare HTTP answer."""

    status: int
    body: bytes

    @property
    def code(self) -> str | None:
        """The AWS error code in it, None where it is no error."""
        return json.loads(self.body).get("__type") if self.status >= 400 else None


def post_signed(url: str, target: str, body: bytes, service: str = "sagemaker", region: str = "us-east-1") -> Reply:
    """One request as no SDK would send it, signed for ``service`` (its name in signatures)."""
    scope = f"Credential=sandbox/20260101/{region}/{service}/aws4_request"
    headers = {
        "X-Amz-Target": target,
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
    }
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return Reply(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        return Reply(error.code, error.read())


@pytest.fixture(scope="session")
@starts_server
def fresh_sandbox() -> Iterator[Sandbox]:
    """A new account, in which increases are granted after half a second."""
    with run_sandbox(tidy_options(approve_after_seconds=0.5)) as running:
        yield running


@pytest.fixture(scope="session")
@starts_server
def slow_sandbox() -> Iterator[Sandbox]:
    """A new account with a Support plan, in which no increase is granted while tests run."""
    with run_sandbox(tidy_options(approve_after_seconds=AN_HOUR, support_plan=True)) as running:
        yield running


@pytest.fixture(scope="session")
@starts_server
def classroom_sandbox() -> Iterator[Sandbox]:
    """The course's account, with its notebooks."""
    with run_sandbox(tidy_options(scenario="classroom", approve_after_seconds=0.5)) as running:
        yield running


@pytest.fixture
def fresh_account(fresh_sandbox: Sandbox) -> Account:
    """The main account of ``fresh``."""
    return Account(fresh_sandbox)


@pytest.fixture
def post_raw() -> Callable[..., Reply]:
    """Posts one raw request: url, target, body."""
    return post_signed


@pytest.fixture(scope="session")
def account_of() -> Callable[[Sandbox], Account]:
    """The main account of any sandbox."""
    return Account


@dataclass(frozen=True)
class Lab:
    """An account with quotas, a bucket, a role and a table: all that jobs and endpoints need."""

    account: Account
    role: str
    image: str
    bucket: str = "the-lab"

    @functools.cache  # noqa: B019 - one lab a session, and a client takes long to make
    def client(self, service: str) -> Any:
        return self.account.client(service)

    @property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    def name(self, stem: str) -> str:
        """A name that no other test uses."""
        return f"{stem}-{random.randrange(16**8):08x}"

    def put(self, key: str, body: str | bytes) -> str:
        """Write an object; returns its URI."""
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def read(self, uri: str) -> bytes:
        """The object at a URI."""
        key = uri.removeprefix(f"s3://{self.bucket}/")
        return bytes(self.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def channel(self, uri: str, name: str = "train", **more: Any) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": uri}
        return {"ChannelName": name, "ContentType": "csv", "DataSource": {"S3DataSource": source}, **more}

    def job(self, stem: str, parameters: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """What CreateTrainingJob needs to train on the lab's table."""
        table = f"s3://{self.bucket}/table"
        request = {
            "TrainingJobName": self.name(stem),
            "RoleArn": self.role,
            "AlgorithmSpecification": {"TrainingImage": self.image, "TrainingInputMode": "File"},
            "HyperParameters": {"num_round": "5"} if parameters is None else parameters,
            "InputDataConfig": [self.channel(f"{table}/train"), self.channel(f"{table}/validation", "validation")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/output"},
            "ResourceConfig": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        }
        return {**request, **changes}

    def create(self, stem: str, parameters: dict[str, str] | None = None, **changes: Any) -> str:
        """Start a training job; returns its name."""
        request = self.job(stem, parameters, **changes)
        self.sagemaker.create_training_job(**request)
        return str(request["TrainingJobName"])

    def over(self, name: str) -> dict[str, Any]:
        """The training job once it is over."""
        look = functools.partial(self.sagemaker.describe_training_job, TrainingJobName=name)
        return dict(wait_until(look, lambda job: job["TrainingJobStatus"] not in ("InProgress", "Stopping")))

    def train(self, stem: str, parameters: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
        """A training job that is over."""
        return self.over(self.create(stem, parameters, **changes))

    def elsewhere(self, region: str, values: dict[str, int]) -> Any:
        """SageMaker in another Region, where these quotas were granted and no other test runs anything."""
        _grant_quotas(self.account, values, region)
        return self.account.client("sagemaker", region)

    def tuning(self, name: str, side_by_side: int) -> dict[str, Any]:
        """What CreateHyperParameterTuningJob needs."""
        limits = {"MaxParallelTrainingJobs": side_by_side, "MaxNumberOfTrainingJobs": 4}
        asked = ("AlgorithmSpecification", "RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition")
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": limits},
            "TrainingJobDefinition": {member: self.job("tuned")[member] for member in asked},
        }

    def make_model(self, data: str) -> str:
        """A model over these artifacts; returns its name."""
        name = self.name("model")
        container = {"Image": self.image, "ModelDataUrl": data}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role)
        return name


_GRANTED = {
    "ml.m4.xlarge for training job usage": 10,
    "ml.m4.xlarge for spot training job usage": 2,
    "ml.m5.xlarge for training job usage": 1,
    "ml.m4.xlarge for transform job usage": 10,
    "ml.m5.xlarge for transform job usage": 1,
    "ml.m4.xlarge for endpoint usage": 10,
    "ml.m5.xlarge for endpoint usage": 1,
    "Number of instances across all training jobs": 20,
    "Number of instances across all transform jobs": 20,
    "Number of instances across active endpoints": 20,
}


def _grant_quotas(account: Account, values: dict[str, int], region: str = "us-east-1") -> None:
    """Let these quotas be increased at once, in a sandbox that approves without waiting."""
    quotas = account.client("service-quotas", region)
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    codes = {quota["QuotaName"]: quota["QuotaCode"] for page in pages for quota in page["Quotas"]}
    for name, value in values.items():
        quotas.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=codes[name], DesiredValue=value)


def _csv_table(rows: int, seed: int, *, labels: bool = True) -> str:
    """CSV rows of a sum of three features, the label first."""
    chance = random.Random(seed)
    lines = []
    for _ in range(rows):
        features = [round(chance.uniform(0, 10), 3) for _ in range(3)]
        label = [round(3 * features[0] - 2 * features[1] + features[2], 3)] if labels else []
        lines.append(",".join(map(str, label + features)))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
@starts_server
def lab_account() -> Iterator[Lab]:
    """A sandbox in which quotas were granted and data was uploaded."""
    with run_sandbox(tidy_options(approve_after_seconds=0)) as running:
        account = Account(running)
        _grant_quotas(account, _GRANTED)
        roles = account.client("iam").list_roles()["Roles"]
        role = next(role["Arn"] for role in roles if "SageMaker-ExecutionRole" in role["RoleName"])
        lab = Lab(account, role, xgboost_image_uri("us-east-1"))
        account.client("s3").create_bucket(Bucket=lab.bucket)
        lab.put("table/train/train.csv", _csv_table(120, 1))
        lab.put("table/validation/validation.csv", _csv_table(40, 2))
        lab.put("table/test/test.csv", _csv_table(30, 3, labels=False))
        yield lab


@pytest.fixture(scope="session")
def completed_job(lab_account: Lab) -> dict[str, Any]:
    """One completed training job of the lab."""
    job = lab_account.train("trained", {"num_round": "30", "max_depth": "3"})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    return job


@pytest.fixture(scope="session")
def model_name(lab_account: Lab, completed_job: dict[str, Any]) -> str:
    """A model of the trained job."""
    return lab_account.make_model(completed_job["ModelArtifacts"]["S3ModelArtifacts"])


@pytest.fixture(scope="session")
@starts_server
def full_account() -> Iterator[Account]:
    """The account whose quotas are used up."""
    with run_sandbox(tidy_options(scenario="full")) as running:
        yield Account(running)


@pytest.fixture
def endless_processing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processing jobs that begin now run until they are stopped, however long the test takes."""
    monkeypatch.setattr("opskit.sandbox.jobs.processing_service.RUN_SECONDS", AN_HOUR)


@pytest.fixture
def aws_cli(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Runs the AWS CLI, in a process that is forked from one that has loaded it: environment, and words; returns its
    exit code, and what it said. Skips where there is none.
    """
    found = find_spec("awscli")
    if found is None or found.origin is None:
        pytest.skip("the AWS CLI is not installed")
    package = Path(found.origin).parent
    own = {"AWS_DATA_PATH": str(package / "data")}  # which its import sets, long before a fork gets its environment

    def run(environment: Mapping[str, str], *words: str) -> tuple[int, str, str]:
        words = (str(package / "__main__.py"), *words)
        return start_forkserver("boto3", "awscli.clidriver").run(words, tmp_path, {**environment, **own})

    return run


@pytest.fixture(scope="session")
def wait_for_state() -> Callable[..., Any]:
    """Looks again and again: what to look at, and what it should be like."""
    return wait_until
