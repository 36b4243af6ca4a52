"""Hyperparameter tuning: the quotas let a job in as on AWS, and then moto keeps a record of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opskit.sandbox.account.execution_roles import check_role
from opskit.sandbox.dispatcher import aws_operation
from opskit.sandbox.errors import FallThrough
from opskit.sandbox.jobs.training_job import training_resource
from opskit.sandbox.quotas.quota_ledger import QuotaLedger
from opskit.sandbox.state import ApiCall, InstanceUsage, SandboxState


class TuningService:
    """What stands in front of moto's CreateHyperParameterTuningJob."""

    def __init__(self, state: SandboxState, ledger: QuotaLedger) -> None:
        self._state = state
        self._ledger = ledger

    @aws_operation("sagemaker", "CreateHyperParameterTuningJob")
    def create_tuning_job(self, call: ApiCall) -> dict[str, Any]:
        """AWS asks the quotas for as many training jobs as run side by side, when the tuning job is made."""
        definition = call.params.get("TrainingJobDefinition")
        definitions = [definition] if definition else call.params.get("TrainingJobDefinitions", [])
        side_by_side = call.params["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"]
        for training in definitions:
            check_role(self._state, call.account_region, training["RoleArn"])
            with self._state.lock(call.account_region):
                for usage in _training_usage(training):
                    self._ledger.check_capacity(call.account_region, call.operation, usage, times=side_by_side)
        raise FallThrough


def _training_usage(definition: Mapping[str, Any]) -> Iterator[InstanceUsage]:
    """What one training job of a tuning job holds."""
    resources = definition.get("ResourceConfig") or definition.get("HyperParameterTuningResourceConfig", {})
    for group in resources.get("InstanceGroups") or resources.get("InstanceConfigs") or [resources]:
        if "InstanceType" in group:
            yield InstanceUsage(training_resource(definition), group["InstanceType"], group.get("InstanceCount", 1))
