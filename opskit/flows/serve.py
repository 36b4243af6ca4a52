"""What comes after training: deploy a finished model, ask it, and clean everything up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opskit.act import training as act
from opskit.aws import Door
from opskit.decide.guard import refusal
from opskit.decide.headroom import QuotaCheck
from opskit.decide.naming import belongs_to
from opskit.errors import Refused, UsageProblem
from opskit.flows.check_quotas import check_quotas
from opskit.flows.increase import Clock
from opskit.flows.train import Tell, deploy
from opskit.model import Demand, Fleet, Usage, Workflow
from opskit.observe import jobs

_ROWS_AT_ONCE = 500


@dataclass(frozen=True)
class Deployed:
    """An endpoint that answers, and the look at the quotas that let it be made; None when it was there already."""

    endpoint: str
    check: QuotaCheck | None


@dataclass(frozen=True)
class Leftovers:
    """What of a workflow is in the account: names, newest first, and object keys."""

    endpoints: tuple[str, ...]
    configs: tuple[str, ...]
    models: tuple[str, ...]
    bucket: str
    keys: tuple[str, ...]
    jobs: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not (self.endpoints or self.configs or self.models or self.keys)


def deploy_newest(door: Door, workflow: Workflow, fleet: Fleet, clock: Clock, tell: Tell, *, guard: bool) -> Deployed:
    """Deploy the newest model of a workflow.

    Raises:
        UsageProblem: nothing was trained yet.
        Refused: there is no room.
    """
    model = _newest(door, workflow, "list_models", "Models", "ModelName")
    if model is None:
        text = f"There is no model of '{workflow.name}' in {door.region}."
        raise UsageProblem("no-model", text, f"Train one: opskit train {workflow.name}")
    check = None
    if guard and jobs.endpoint(door, model) is None:
        demand = Demand(fleet.instance_type, Usage.ENDPOINT, fleet.count)
        check = check_quotas([door], [demand], clock.now())
        error = refusal(check)
        if error:
            raise error
    return Deployed(deploy(door, workflow, fleet, model, clock, tell), check)


def predict(door: Door, workflow: Workflow, rows: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """Ask the workflow's endpoint; a prediction a row of features, and the endpoint's name.

    Raises:
        Refused: no endpoint of the workflow is in service.
        AwsFailure: it did not answer.
    """
    names = _ours(door, workflow, "list_endpoints", "Endpoints", "EndpointName")
    live = [name for name in names if (found := jobs.endpoint(door, name)) and found.status == "InService"]
    if not live:
        text = f"No endpoint of '{workflow.name}' is in service in {door.region}."
        raise Refused("no-endpoint", text, f"opskit deploy {workflow.name}")
    values: list[float] = []
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        body = "\n".join(rows[at : at + _ROWS_AT_ONCE]).encode()
        answer = door.read(
            "sagemaker-runtime", "invoke_endpoint", EndpointName=live[0], ContentType="text/csv", Body=body
        )
        values += [float(value) for value in answer["Body"].decode().replace(",", "\n").split()]
    return live[0], tuple(values)


def leftovers(door: Door, workflow: Workflow, bucket: str | None) -> Leftovers:
    """Everything of a workflow that is in the account. Changes nothing.

    Raises:
        AwsFailure: it could not be listed.
    """
    home = bucket or f"sagemaker-{door.region}-{door.connection.caller().account}"
    keys = jobs.objects_under(door, home, f"opskit/{workflow.name}/") if jobs.bucket_exists(door, home) else []
    return Leftovers(
        endpoints=_ours(door, workflow, "list_endpoints", "Endpoints", "EndpointName"),
        configs=_ours(door, workflow, "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        models=_ours(door, workflow, "list_models", "Models", "ModelName"),
        bucket=home,
        keys=tuple(keys),
        jobs=_ours(door, workflow, "list_training_jobs", "TrainingJobSummaries", "TrainingJobName"),
    )


def clean_up(door: Door, left: Leftovers) -> None:
    """Remove what was found: what bills first. Jobs stay: SageMaker keeps them, and they cost nothing.

    Raises:
        AwsFailure: something could not be removed; run it again.
    """
    for name in left.endpoints:
        act.delete(door, "endpoint", name)
    for name in left.configs:
        act.delete(door, "endpoint_config", name)
    for name in left.models:
        act.delete(door, "model", name)
    act.delete_objects(door, left.bucket, list(left.keys))


def _newest(door: Door, workflow: Workflow, operation: str, key: str, name: str) -> str | None:
    found = _ours(door, workflow, operation, key, name)
    return found[0] if found else None


def _ours(door: Door, workflow: Workflow, operation: str, key: str, name: str) -> tuple[str, ...]:
    listed = jobs.names_of(door, operation, key, name, f"{workflow.name}-")
    return tuple(each for each in listed if belongs_to(workflow.name, each))
