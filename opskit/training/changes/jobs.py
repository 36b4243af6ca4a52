"""Starts training and transform jobs and creates models, through the SageMaker SDK v3.

Every name is chosen by opskit and unique, so AWS itself refuses a duplicate. A refusal or a lost response is raised as
it is: the flow checks whether the resource exists before it reports a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opskit.aws.client import AwsClient
from opskit.aws.tagged_create import create_with_tags
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import OutcomeUnknown
from opskit.core.live_resources import ResourceKind
from opskit.core.model import InstanceConfig
from opskit.core.owners import Owner
from opskit.state.journal import journal_action
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.job_settings import (
    container_settings,
    environment_settings,
    output_key,
    training_instances,
    volume_key,
)
from opskit.training.rules.model import TrainingFiles, Workflow
from opskit.training.rules.workflow_resources import workflow_tags
from opskit.training.sagemaker_sdk import load_sdk, reraise_interrupt


def start_training(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    config: InstanceConfig,
    name: str,
    image: str,
    role: str,
    files: TrainingFiles,
) -> None:
    """Start a training job on CSV channels.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    shapes = load_sdk().shapes
    request = {
        "training_job_name": name,
        "role_arn": role,
        "algorithm_specification": shapes.AlgorithmSpecification(training_image=image, training_input_mode="File"),
        "hyper_parameters": dict(workflow.hyperparameters),
        "input_data_config": [
            _input_channel(shapes, workflow, channel, uri) for channel, uri in files.channels.items()
        ],
        "output_data_config": shapes.OutputDataConfig(s3_output_path=files.output_uri, **output_key(workflow)),
        "resource_config": training_instances(shapes, workflow, config),
        "stopping_condition": shapes.StoppingCondition(max_runtime_in_seconds=config.max_seconds),
        **container_settings(shapes, workflow),
        **environment_settings(workflow),
    }

    def send(tags: Mapping[str, Any]) -> None:
        AwsWriter(client).call_via_sdk(
            "sagemaker",
            "create_training_job",
            lambda session: load_sdk().resources.TrainingJob.create(
                **request, **tags, session=session, region=client.region
            ),
        )

    create_for_workflow(client, workflow, owner, "create training job", name, send, starts=ResourceKind.TRAINING_JOB)


def create_model(
    client: AwsClient, workflow: Workflow, owner: Owner, name: str, image: str, role: str, model_uri: str
) -> None:
    """Create a model from the artifacts of a training job.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    request = {
        "model_name": name,
        "primary_container": load_sdk().shapes.ContainerDefinition(image=image, model_data_url=model_uri),
        "execution_role_arn": role,
        **container_settings(load_sdk().shapes, workflow),
    }

    def send(tags: Mapping[str, Any]) -> None:
        AwsWriter(client).call_via_sdk(
            "sagemaker",
            "create_model",
            lambda session: load_sdk().resources.Model.create(**request, **tags, session=session, region=client.region),
        )

    create_for_workflow(client, workflow, owner, "create model", name, send)


def start_transform(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    config: InstanceConfig,
    name: str,
    model: str,
    source: str,
    output_uri: str,
) -> None:
    """Start a batch transform of the CSV at ``source``, one record per line, that writes below the S3 URI
    ``output_uri``.

    Raises:
        AwsError: AWS refused, or its response was lost (OutcomeUnknown).
    """
    shapes, algorithm = load_sdk().shapes, algorithm_of(workflow)
    data = shapes.TransformDataSource(
        s3_data_source=shapes.TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=source)
    )
    request = {
        "transform_job_name": name,
        "model_name": model,
        "transform_input": shapes.TransformInput(
            data_source=data, content_type=algorithm.serving_content_type, split_type="Line"
        ),
        "transform_output": shapes.TransformOutput(
            s3_output_path=output_uri, accept=algorithm.serving_accept, assemble_with="Line", **output_key(workflow)
        ),
        "transform_resources": shapes.TransformResources(
            instance_type=config.instance_type, instance_count=config.count, **volume_key(workflow)
        ),
    }

    def send(tags: Mapping[str, Any]) -> None:
        AwsWriter(client).call_via_sdk(
            "sagemaker",
            "create_transform_job",
            lambda session: load_sdk().resources.TransformJob.create(
                **request, **tags, session=session, region=client.region
            ),
        )

    create_for_workflow(client, workflow, owner, "create transform job", name, send, starts=ResourceKind.TRANSFORM_JOB)


def stop_transform(client: AwsClient, name: str, reason: str) -> None:
    """Stop a transform job.

    Raises:
        AwsError: AWS refused.
    """
    with journal_action(client, "stop transform job", name, reason):
        AwsWriter(client).call("sagemaker", "stop_transform_job", TransformJobName=name)


def create_for_workflow(
    client: AwsClient,
    workflow: Workflow,
    owner: Owner,
    action: str,
    name: str,
    send: Callable[[Mapping[str, Any]], None],
    *,
    starts: ResourceKind | None = None,
) -> None:
    """Journal and ``send`` what creates one resource through the SDK, which then describes it; ``send`` is given the
    SDK's argument with the tags that say whose and of which workflow it is. ``starts``: its kind, if it runs from then
    on.

    Raises:
        AwsError: AWS refused, or its response was lost or invalid (OutcomeUnknown).
    """

    def create(tags: Mapping[str, str]) -> None:
        tagged = {"tags": [{"key": key, "value": value} for key, value in tags.items()]} if tags else {}
        with journal_action(client, action, name, "workflow run", starts=starts):
            try:
                with reraise_interrupt():
                    send(tagged)
            # Pydantic's, about an argument or a response: only a lookup can tell whether the call was sent.
            except ValueError as error:
                text = f"The SageMaker SDK failed on {name}: {error}"
                raise OutcomeUnknown(
                    "sdk-stumbled", text, "Run the command again: it checks what exists before it creates anything."
                ) from error

    create_with_tags(create, owner, workflow_tags(workflow.name), dict(workflow.settings.tags))


def _input_channel(shapes: Any, workflow: Workflow, name: str, uri: str) -> Any:
    source = shapes.S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated")
    content_type = algorithm_of(workflow).training_content_type
    return shapes.Channel(
        channel_name=name, content_type=content_type, data_source=shapes.DataSource(s3_data_source=source)
    )
