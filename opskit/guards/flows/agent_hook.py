"""Judges the command that a coding agent is about to run in a shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.exceptions import UnreadableState
from opskit.guards.flows.plan_check import PlanCheck, check_plan
from opskit.guards.reads.captured_request import CapturedRequest, capture_aws_request, names_sagemaker
from opskit.guards.rules.call_budget import CallPolicy
from opskit.guards.rules.planned_calls import PlanKind, PlannedCall, PlannedCalls
from opskit.guards.rules.shell_commands import (
    LaunchKind,
    ShellLaunch,
    find_launches,
    terraform_folder,
)

OpenClient = Callable[[str | None, str | None], AwsClient]
"""Opens a reader for a profile and a Region; None: those that are set."""


def shell_command_of(event: Any) -> tuple[str, str]:
    """The command line and the folder of an agent's hook event; an empty command line: the event is about something
    else.
    """
    given = event.get("tool_input") if isinstance(event, Mapping) else None
    command = given.get("command") if isinstance(given, Mapping) else None
    folder = event.get("cwd") if isinstance(event, Mapping) else None
    return command if isinstance(command, str) else "", folder if isinstance(folder, str) else ""


def judge_shell_command(
    command: str, folder: str, policy: CallPolicy, open_client: OpenClient, clock: Clock
) -> list[PlanCheck]:
    """What was found about each command of a command line that starts something in SageMaker.

    Raises:
        UnreadableState: one cannot be read.
        CredentialsError: there are no valid credentials.
    """
    captured: dict[tuple[str | None, str], list[CapturedRequest]] = {}
    for launch in find_launches(command):
        match launch.kind:
            case LaunchKind.UNREADABLE:
                text = f"Cannot tell what the command starts: {launch.reason}."
                raise UnreadableState("unreadable-command", text, "Write the command with literal values.")
            case LaunchKind.AWS_CLI:
                request = capture_aws_request(launch.words, launch.variables, folder)
                captured.setdefault((request.profile, request.region), []).append(request)
            case LaunchKind.TERRAFORM:
                _refuse_terraform(launch, folder)
    return [
        check_plan(open_client(*place), _planned_calls(requests), policy, clock) for place, requests in captured.items()
    ]


def _planned_calls(requests: Sequence[CapturedRequest]) -> PlannedCalls:
    """The requests of one command line together; a configuration that it makes is known to the endpoint after it."""
    configs = {
        ("describe_endpoint_config", str(request.params.get("EndpointConfigName"))): request.params
        for request in requests
        if request.operation == "CreateEndpointConfig"
    }
    calls = tuple(PlannedCall(request.operation, request.params, request.operation) for request in requests)
    return PlannedCalls(PlanKind.REQUEST, calls, configs)


def _refuse_terraform(launch: ShellLaunch, folder: str) -> None:
    """Refuse what applies a plan to SageMaker. Reading a saved plan runs the providers that the folder holds, so that
    is not for a hook to do.
    """
    if not names_sagemaker(Path(folder or ".") / terraform_folder(launch.words)):
        return
    text = "`terraform apply` is not judged where the folder has resources of SageMaker's."
    hint = (
        "Run `terraform plan -out plan.bin`, `terraform show -json plan.bin > plan.json`, and then "
        "`opskit guard --from plan.json -- terraform apply plan.bin`."
    )
    raise UnreadableState("terraform-apply", text, hint)
