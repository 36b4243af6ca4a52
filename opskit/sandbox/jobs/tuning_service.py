"""Hyperparameter tuning: the quotas let a job in as on AWS, and then moto keeps a record of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import owns
from opskit.sandbox.errors import NotOurs
from opskit.sandbox.quotas.quota_ledger import QuotaBook
from opskit.sandbox.state import Call, Held, World


class TuningFront:
    """What stands in front of moto's CreateHyperParameterTuningJob."""

    def __init__(self, world: World, book: QuotaBook) -> None:
        self._world = world
        self._book = book

    @owns("sagemaker", "CreateHyperParameterTuningJob")
    def create_tuning_job(self, call: Call) -> dict[str, Any]:
        """AWS asks the quotas for as many training jobs as run side by side, when the tuning job is made."""
        definition = call.params.get("TrainingJobDefinition")
        definitions = [definition] if definition else call.params.get("TrainingJobDefinitions", [])
        side_by_side = call.params["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"]
        for each in definitions:
            check_role(self._world, call.place, each["RoleArn"])
            with self._world.lock(call.place):
                for one in _held(each):
                    self._book.admit(call.place, call.operation, one, times=side_by_side)
        raise NotOurs


def _held(definition: Mapping[str, Any]) -> Iterator[Held]:
    """What one training job of a tuning job holds."""
    resources = definition.get("ResourceConfig") or definition.get("HyperParameterTuningResourceConfig", {})
    kind = "spot-training-job" if definition.get("EnableManagedSpotTraining") else "training-job"
    for each in resources.get("InstanceGroups") or resources.get("InstanceConfigs") or [resources]:
        if "InstanceType" in each:
            yield Held(kind, each["InstanceType"], each.get("InstanceCount", 1))
