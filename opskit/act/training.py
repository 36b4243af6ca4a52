"""Makes and removes what a workflow needs in SageMaker and S3, through the SageMaker SDK v3.

Names are chosen by us and unique, so a create that AWS has seen before answers "in use", which is as good as done:
nothing here can be made twice. The SDK is loaded only when something is made.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opskit.aws import Door, is_gone, translated
from opskit.decide.guard import explained
from opskit.errors import AwsFailure, ExtraMissing
from opskit.model import Fleet, Workflow
from opskit.state.journal import record

_TAG = "opskit:workflow"
_DELETE_AT_ONCE = 1000


def check_sdk() -> None:
    """Make sure that training is possible here at all, before anything is looked at.

    Raises:
        ExtraMissing: the SDK or what scores a model is not installed.
    """
    from importlib.util import find_spec

    if not all(find_spec(name) for name in ("sagemaker", "pandas", "sklearn", "matplotlib")):
        raise ExtraMissing("train", "Training")


def image_uri(workflow: Workflow, region: str) -> str:
    """The address of the workflow's built-in algorithm in a Region; the SDK knows it without asking."""
    _hush()
    from sagemaker.core import image_uris

    return str(image_uris.retrieve(workflow.framework, region, version=workflow.version))


def make_bucket(door: Door, bucket: str) -> None:
    """Make the account's SageMaker bucket, as the SDK does.

    Raises:
        AwsFailure: AWS refused, or somebody else owns the name.
    """
    where = {} if door.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": door.region}}
    with record(door, "create bucket", bucket, "the account has no SageMaker bucket yet"):
        door.write("s3", "create_bucket", Bucket=bucket, **where)


def put(door: Door, bucket: str, key: str, content: bytes) -> str:
    """Write an object and return its URI.

    Raises:
        AwsFailure: S3 did not take it.
    """
    door.write("s3", "put_object", Bucket=bucket, Key=key, Body=content)
    return f"s3://{bucket}/{key}"


def start_training(
    door: Door, workflow: Workflow, fleet: Fleet, name: str, role: str, channels: Mapping[str, str], output: str
) -> None:
    """Start a training job on CSV channels (name to S3 URI).

    Raises:
        Refused: a quota of AWS's is short after all.
        AwsFailure: AWS refused for another reason.
    """
    with _sdk(door, "create training job", name) as sdk:
        shapes = sdk["shapes"]
        sdk["make"](
            sdk["resources"].TrainingJob,
            training_job_name=name,
            role_arn=role,
            algorithm_specification=shapes.AlgorithmSpecification(
                training_image=image_uri(workflow, door.region), training_input_mode="File"
            ),
            hyper_parameters=dict(workflow.hyperparameters),
            input_data_config=[_channel(shapes, channel, uri) for channel, uri in channels.items()],
            output_data_config=shapes.OutputDataConfig(s3_output_path=output),
            resource_config=shapes.ResourceConfig(
                instance_type=fleet.instance_type, instance_count=fleet.count, volume_size_in_gb=workflow.volume_gb
            ),
            stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=fleet.max_seconds),
            tags=_tags(workflow),
        )


def make_model(door: Door, workflow: Workflow, name: str, role: str, model_uri: str) -> None:
    """Make a model of what a training job left.

    Raises:
        AwsFailure: AWS refused.
    """
    with _sdk(door, "create model", name) as sdk:
        container = sdk["shapes"].ContainerDefinition(image=image_uri(workflow, door.region), model_data_url=model_uri)
        sdk["make"](
            sdk["resources"].Model,
            model_name=name,
            primary_container=container,
            execution_role_arn=role,
            tags=_tags(workflow),
        )


def start_transform(
    door: Door, workflow: Workflow, fleet: Fleet, name: str, model: str, source: str, output: str
) -> None:
    """Start a batch transform of a CSV, a row a line.

    Raises:
        Refused: a quota of AWS's is short after all.
        AwsFailure: AWS refused for another reason.
    """
    with _sdk(door, "create transform job", name) as sdk:
        shapes = sdk["shapes"]
        data = shapes.TransformDataSource(
            s3_data_source=shapes.TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=source)
        )
        sdk["make"](
            sdk["resources"].TransformJob,
            transform_job_name=name,
            model_name=model,
            transform_input=shapes.TransformInput(data_source=data, content_type="text/csv", split_type="Line"),
            transform_output=shapes.TransformOutput(s3_output_path=output, accept="text/csv", assemble_with="Line"),
            transform_resources=shapes.TransformResources(
                instance_type=fleet.instance_type, instance_count=fleet.count
            ),
            tags=_tags(workflow),
        )


def stop_transform(door: Door, name: str, because: str) -> None:
    """Stop a transform job.

    Raises:
        AwsFailure: AWS refused.
    """
    with record(door, "stop transform job", name, because):
        door.write("sagemaker", "stop_transform_job", TransformJobName=name)


def make_endpoint(door: Door, workflow: Workflow, fleet: Fleet, name: str) -> None:
    """Deploy the model of this name behind an endpoint of the same name. It bills until it is deleted.

    Raises:
        Refused: a quota of AWS's is short after all.
        AwsFailure: AWS refused for another reason.
    """
    with _sdk(door, "create endpoint", name) as sdk:
        variant = sdk["shapes"].ProductionVariant(
            variant_name="AllTraffic",
            model_name=name,
            initial_instance_count=fleet.count,
            instance_type=fleet.instance_type,
            initial_variant_weight=1.0,
        )
        resources, make = sdk["resources"], sdk["make"]
        make(resources.EndpointConfig, endpoint_config_name=name, production_variants=[variant], tags=_tags(workflow))
        make(resources.Endpoint, endpoint_name=name, endpoint_config_name=name, tags=_tags(workflow))


def delete(door: Door, kind: str, name: str) -> bool:
    """Delete an ``endpoint``, ``endpoint_config`` or ``model``; False when it was gone already.

    Raises:
        AwsFailure: AWS refused.
    """
    parameter = "".join(word.capitalize() for word in kind.split("_")) + "Name"
    try:
        with record(door, f"delete {kind.replace('_', ' ')}", name, "cleanup"):
            door.write("sagemaker", f"delete_{kind}", **{parameter: name})
    except AwsFailure as failure:
        if is_gone(failure):
            return False
        raise
    return True


def delete_objects(door: Door, bucket: str, keys: list[str]) -> None:
    """Delete objects of a bucket.

    Raises:
        AwsFailure: S3 refused.
    """
    for at in range(0, len(keys), _DELETE_AT_ONCE):
        batch = [{"Key": key} for key in keys[at : at + _DELETE_AT_ONCE]]
        with record(door, "delete objects", f"{len(batch)} in {bucket}", "cleanup"):
            door.write("s3", "delete_objects", Bucket=bucket, Delete={"Objects": batch, "Quiet": True})


def _channel(shapes: Any, name: str, uri: str) -> Any:
    source = shapes.S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated")
    return shapes.Channel(
        channel_name=name, content_type="text/csv", data_source=shapes.DataSource(s3_data_source=source)
    )


def _tags(workflow: Workflow) -> list[dict[str, str]]:
    return [{"key": _TAG, "value": workflow.name}]


@contextmanager
def _sdk(door: Door, action: str, name: str) -> Iterator[Mapping[str, Any]]:
    """The SDK's parts and a ``make`` that treats what exists already as made, with AWS's errors as opskit's."""
    _hush()
    from sagemaker.core import resources, shapes

    def make(kind: Any, **arguments: Any) -> None:
        try:
            kind.create(**arguments, session=door.connection.session, region=door.region)
        except Exception as error:
            if not (_exists_already(error) or _refused_the_answer(error)):
                raise

    with record(door, action, name, "workflow run"):
        try:
            yield {"resources": resources, "shapes": shapes, "make": make}
        except Exception as error:
            failure = translated(error, f"sagemaker:{action}", door.region, writes=True)
            if isinstance(failure, AwsFailure) and failure.aws_code == "ResourceLimitExceeded":
                raise explained(failure.aws_message) from failure
            raise failure from error


def _exists_already(error: Exception) -> bool:
    told = getattr(error, "response", {}).get("Error", {})
    said = str(told.get("Message", "")).lower()
    return told.get("Code") == "ResourceInUse" or "already exist" in said or "must be unique" in said


def _refused_the_answer(error: Exception) -> bool:
    """Whether the SDK choked on AWS's answer: it describes what it has just made, so that is there all the same.
    The flow looks at every resource itself before it goes on.
    """
    return type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic")


def _hush() -> None:
    """Load the SDK without its chatter and without the telemetry some of its parts send."""
    os.environ.setdefault("SAGEMAKER_ENABLE_RICH_LOGGING", "")
    for name in ("sagemaker", "sagemaker.config"):
        logging.getLogger(name).setLevel(logging.ERROR)
