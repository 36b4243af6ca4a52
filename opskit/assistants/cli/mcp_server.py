"""The server of the Model Context Protocol: opskit's tools for assistants, by the protocol's own SDK.

It speaks over standard input and output. The SDK keeps what else is printed out of its way: on standard error.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from opskit import __version__
from opskit.assistants.cli.tool_answers import ToolAnswers
from opskit.core.model import Workload

_INSTRUCTIONS = """
opskit tells whether there is room in an AWS account for what is about to start in Amazon SageMaker, what it costs, and
what bills now. It only reads. Ask check_request or check_plan before you start a job, an endpoint, a notebook or a
pipeline, or apply a plan; ask explain_error when SageMaker has refused something. Each answer is the JSON that the
command of opskit prints: status is ok, refused (do not start it), partial or error (not known: do not start it, and
say so). Where something would have to be changed, commands_for_a_person holds the commands: show them to the person
you work for, who decides and runs them; do not run them yourself.
""".strip()

Regions = Annotated[list[str], Field(description="AWS Regions; ['all'] for every enabled one; empty: the default one.")]
Region = Annotated[str | None, Field(description="AWS Region; null: the default one.")]
_USAGES = f"What the instances are for: {', '.join(Workload)}."
Usages = Annotated[list[str], Field(description=_USAGES)]
MaxUsd = Annotated[float | None, Field(description="The most that it may cost, in USD; null: no budget.")]
Hours = Annotated[float, Field(description="How many hours of what has no end, such as an endpoint, count.")]

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)


def build_server(answers: ToolAnswers) -> MCPServer[Any]:
    """The server with its tools."""
    server: MCPServer[Any] = MCPServer(
        "opskit", title="opskit", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING"
    )
    logging.getLogger("mcp").setLevel(logging.WARNING)
    _add_reading_tools(server, answers)
    _add_judging_tools(server, answers)
    return server


def _add_reading_tools(server: MCPServer[Any], answers: ToolAnswers) -> None:
    @server.tool(title="Check SageMaker quotas", annotations=_READS)
    def check_quotas(
        instance_types: Annotated[
            list[str], Field(description="Such as ml.g5.xlarge; empty: what a small workflow needs.")
        ] = [],  # noqa: B006 - it becomes a schema's default, and nothing adds to it
        usages: Annotated[list[str], Field(description=f"{_USAGES} Empty: the usual ones.")] = [],  # noqa: B006
        need: Annotated[int, Field(description="Instances needed of each type.")] = 1,
        regions: Regions = [],  # noqa: B006
    ) -> CallToolResult:
        """Check SageMaker quotas: the applied value, what is in use, and whether there is room for more instances."""
        return _tool_result(answers.check_quotas(instance_types, usages, need, regions))

    @server.tool(title="Explain a SageMaker error", annotations=_READS)
    def explain_error(
        text: Annotated[str, Field(description="The error as AWS gave it; it may stand in a log.")],
        region: Region = None,
    ) -> CallToolResult:
        """Explain an error of SageMaker's or of Service Quotas': the quota behind it, the numbers, whether an increase
        can help, other instance types that have room, and the command that helps.
        """
        return _tool_result(answers.explain_error(text, region))

    @server.tool(title="List what bills in SageMaker", annotations=_READS)
    def list_costs(
        by: Annotated[str | None, Field(description="Sum by owner, kind, region or tag:KEY; null: no sums.")] = None,
        regions: Regions = [],  # noqa: B006
    ) -> CallToolResult:
        """List everything in SageMaker that bills now, with its price, its owner, whether it is idle, and in stop_with
        the command with which a person ends it.
        """
        return _tool_result(answers.list_costs(by, regions))


def _add_judging_tools(server: MCPServer[Any], answers: ToolAnswers) -> None:
    @server.tool(title="Check room for a SageMaker request", annotations=_READS)
    def check_request(
        operation: Annotated[str, Field(description="Such as CreateTrainingJob or create-endpoint.")],
        request: Annotated[dict[str, Any], Field(description="The parameters, as boto3 and the AWS CLI take them.")],
        max_usd: MaxUsd = None,
        hours: Hours = 24,
        region: Region = None,
    ) -> CallToolResult:
        """Check whether quotas and a budget allow one call of SageMaker's API, before it is sent: which instances it
        starts, what they cost at most, and why it would not fit. Nothing is sent.
        """
        return _tool_result(answers.check_request(operation, request, max_usd, hours, region))

    @server.tool(title="Check a plan before it is applied", annotations=_READS)
    def check_plan(
        path: Annotated[
            str | None, Field(description="A file on this machine, or a folder of CDK's (cdk.out).")
        ] = None,
        # The SDK parses a text that holds JSON before it comes here.
        text: Annotated[
            str | dict[str, Any] | list[Any] | None, Field(description="The plan itself, where it is in no file.")
        ] = None,
        parameters: Annotated[
            Mapping[str, str], Field(description="Values of a template's or a pipeline's parameters.")
        ] = {},
        max_usd: MaxUsd = None,
        hours: Hours = 24,
        region: Region = None,
    ) -> CallToolResult:
        """Check what applying a plan starts in SageMaker, and whether quotas and a budget allow it: a plan of
        Terraform's (`terraform show -json`), a CloudFormation template, a cdk.out, the definition of a Step Functions
        state machine or of a SageMaker pipeline, or a list of requests.
        """
        return _tool_result(answers.check_plan(path, text, parameters, max_usd, hours, region))

    @server.tool(title="Plan a quota increase", annotations=_READS)
    def plan_increase(
        instance_type: Annotated[str, Field(description="Such as ml.g5.xlarge; 'total': of all types together.")],
        usages: Usages,
        to: Annotated[int, Field(description="The value that the quota is to have.")],
        why: Annotated[str, Field(description="The use case, for AWS Support.")] = "",
        regions: Regions = [],  # noqa: B006
    ) -> CallToolResult:
        """Plan a quota increase: what would be asked of AWS, and what is open or enough already. Nothing is sent: the
        command that sends it is for a person.
        """
        return _tool_result(answers.plan_increase(instance_type, usages, to, why, regions))


def _tool_result(answer: Mapping[str, Any]) -> CallToolResult:
    """An answer for the protocol."""
    # As structure, and as text for clients that know no structures. A refusal is an answer; an error is what could not
    # be answered.
    return CallToolResult(
        content=[TextContent(type="text", text=json.dumps(answer))],
        structured_content=dict(answer),
        is_error=answer["status"] == "error",
    )
