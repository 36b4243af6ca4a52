"""What an execution of a SageMaker pipeline starts, as far as its definition tells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
        values = _parameter_values(execution, describe)
        settings = {**describe("describe_pipeline_execution", {"PipelineExecutionArn": execution}), **_set_in(request)}
    else:
        version = {key: request[key] for key in ("PipelineVersionId",) if request.get(key)}
        told = describe("describe_pipeline", {"PipelineName": request.get("PipelineName"), **version})
        values, settings = entries_of(request, "PipelineParameters", ""), {**told, **_set_in(request)}
    parameters = {str(each.get("Name")): each.get("Value") for each in values}
    bound = member_of(settings, "ParallelismConfiguration", "")
    most = whole_number(bound, "MaxParallelExecutionSteps", "ParallelismConfiguration", 0) or None
    return judge_plan(plan_pipeline(_parse_definition(told), parameters, most), describe)


def _parameter_values(execution: object, describe: Describe) -> Sequence[Request]:
    """The parameters of an execution, of all pages: one that is left out would seem to have its default."""
    found: list[Request] = []
    tokens: list[object] = []
    while True:
        start = {"NextToken": tokens[-1]} if tokens else {}
        page = describe("list_pipeline_parameters_for_execution", {"PipelineExecutionArn": execution, **start})
        found += entries_of(page, "PipelineParameters", "")
        token = page.get("NextToken")
        if not token:
            return found
        if token in tokens:
            raise NotJudgeable("PipelineParameters", "AWS does not tell all of them")
        tokens.append(token)


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
