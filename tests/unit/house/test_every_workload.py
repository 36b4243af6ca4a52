"""Where a workload, or what counts it, is written a second time in another form, a new one is asked for there too."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import typer

import opskit
from opskit.cli.command_tree import load_all
from opskit.core.model import Workload
from opskit.core.workloads import UsageCounter
from opskit.inventory.flows.inventory import READERS

BILLED_AS: Mapping[UsageCounter, str] = {
    UsageCounter.TRAINING_JOBS: "training jobs",
    UsageCounter.TRANSFORM_JOBS: "transform jobs",
    UsageCounter.PROCESSING_JOBS: "processing jobs",
    UsageCounter.ENDPOINTS: "endpoints",
    UsageCounter.NOTEBOOKS: "notebook instances",
    UsageCounter.WARM_POOLS: "training jobs",
    UsageCounter.STUDIO_APPS: "Studio apps and spaces",
    UsageCounter.CLUSTERS: "HyperPod clusters",
}
"""By which reader of what bills `opskit costs` finds what takes a quota."""
NOT_DECLARED: Mapping[Workload, str] = {
    Workload.WARM_POOL: "a pool stays from a job, and is declared with it",
    Workload.STUDIO_JUPYTERLAB: "people open apps in Studio, no command does",
    Workload.STUDIO_CODEEDITOR: "the same",
    Workload.STUDIO_KERNELGATEWAY: "the same",
    Workload.CLUSTER: "a cluster is there for months; its request is checked by --from",
}
"""Workloads that have no flag of `opskit guard` and no argument of its functions, and why."""


def test_costs_finds_all_that_takes_a_quota() -> None:
    missing = [counter.name for counter in UsageCounter if BILLED_AS.get(counter) not in READERS]
    assert not missing, f"add a reader to opskit/inventory/flows/inventory.py and its name to BILLED_AS: {missing}"


@pytest.mark.parametrize("function", [opskit.guard, opskit.check_room], ids=lambda function: function.__name__)
def test_a_workload_can_be_declared_to_the_functions(function: Callable[..., Any]) -> None:
    declared = inspect.signature(function).parameters
    missing = [each for each in Workload if each.value.replace("-", "_") not in declared and each not in NOT_DECLARED]
    what = f"an argument to {function.__name__} in opskit/__init__.py"
    assert not missing, f"add {what}, or why not to NOT_DECLARED: {missing}"


def test_a_workload_can_be_declared_to_the_command() -> None:
    guard = typer.main.get_command(load_all()).commands["guard"]  # type: ignore[attr-defined]
    flags = {flag for parameter in guard.params for flag in parameter.opts}
    words = {workload: f"--{workload.value.removesuffix('-training')}" for workload in Workload}  # --spot
    missing = [word for workload, word in words.items() if word not in flags and workload not in NOT_DECLARED]
    assert not missing, f"add a flag to opskit/guards/cli/run.py, or why not to NOT_DECLARED: {missing}"
