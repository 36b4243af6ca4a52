"""What an execution of a SageMaker pipeline starts, as far as its definition tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opskit.guards.rules.pipeline_plans import plan_pipeline
from opskit.guards.rules.planned_calls import judge_plan
from opskit.guards.rules.request_model import (
    Describe,
    NotJudgeable,
    Request,
    RequestNeeds,
    entries_of,
    member_of,
    whole_number,
)


def execution_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of StartPipelineExecution, or of RetryPipelineExecution: of all steps, though some may have run."""
    execution = request.get("PipelineExecutionArn")
    if execution:
        told = describe("describe_pipeline_definition_for_execution", {"PipelineExecutionArn": execution})
        values = describe("list_pipeline_parameters_for_execution", {"PipelineExecutionArn": execution})
        settings = {**describe("describe_pipeline_execution", {"PipelineExecutionArn": execution}), **_set_in(request)}
    else:
        version = {key: request[key] for key in ("PipelineVersionId",) if request.get(key)}
        told = describe("describe_pipeline", {"PipelineName": request.get("PipelineName"), **version})
        values, settings = request, {**told, **_set_in(request)}
    parameters = {str(each.get("Name")): each.get("Value") for each in entries_of(values, "PipelineParameters", "")}
    bound = member_of(settings, "ParallelismConfiguration", "")
    most = whole_number(bound, "MaxParallelExecutionSteps", "ParallelismConfiguration", 0) or None
    return judge_plan(plan_pipeline(_parse_definition(told), parameters, most), describe)


def _set_in(request: Request) -> Request:
    """What a request says of how many steps run at once, which overrides what the pipeline says."""
    name = "ParallelismConfiguration"
    return {name: request[name]} if request.get(name) else {}


def _parse_definition(told: Request) -> Mapping[str, Any]:
    try:
        definition = json.loads(str(told.get("PipelineDefinition")))
    except ValueError as error:
        raise NotJudgeable("PipelineDefinition", f"it is not JSON ({error})") from error
    if not isinstance(definition, Mapping):
        raise NotJudgeable("PipelineDefinition", "it is not a JSON object")
    return definition
