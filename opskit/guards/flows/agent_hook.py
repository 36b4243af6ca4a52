"""Judges the command that a coding agent is about to run in a shell."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opskit.aws.client import AwsClient
from opskit.core.clock import Clock
from opskit.core.exceptions import UnreadableState
from opskit.guards.flows.plan_check import PlanCheck, check_plan
from opskit.guards.reads.captured_request import CapturedRequest, capture_aws_request
from opskit.guards.reads.source_files import cdk_names_sagemaker, names_sagemaker, template_names_sagemaker
from opskit.guards.rules.call_budget import CallPolicy
from opskit.guards.rules.planned_calls import PlanKind, PlannedCall, PlannedCalls, linked_definitions
from opskit.guards.rules.shell_commands import (
    LaunchKind,
    ShellLaunch,
    find_launches,
    template_path,
    terraform_folder,
)

OpenClient = Callable[[str | None, str | None], AwsClient]
"""Opens a reader for a profile and a Region; None: those that are set."""


def shell_command_of(event: Any) -> tuple[str, str]:
    """The command line and the folder of an agent's hook event; an empty command line: the event is about something
    else. Cursor has the command in the event itself, Claude Code and Codex have it in the input of a tool.
    """
    if not isinstance(event, Mapping):
        return "", ""
    given = event.get("tool_input")
    command = (given if isinstance(given, Mapping) else event).get("command")
    if isinstance(command, list):
        command = shlex.join(map(str, command))
    roots = event.get("workspace_roots")
    folder = event.get("cwd") or (roots[0] if isinstance(roots, list) and roots else "")
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
            case LaunchKind.CDK:
                _refuse_cdk(folder)
            case LaunchKind.TEMPLATE:
                _refuse_template(launch, folder)
    return [
        check_plan(open_client(*place), _planned_calls(requests), policy, clock) for place, requests in captured.items()
    ]


def _planned_calls(requests: Sequence[CapturedRequest]) -> PlannedCalls:
    """The requests of one command line together; a configuration that it makes is known to the endpoint after it."""
    configs = linked_definitions((request.operation, request.params) for request in requests)
    calls = tuple(PlannedCall(request.operation, request.params, request.operation) for request in requests)
    return PlannedCalls(PlanKind.REQUEST, calls, configs)


def _refuse_terraform(launch: ShellLaunch, folder: str) -> None:
    """Refuse what applies a plan to SageMaker."""
    # By the folder's own text: reading a saved plan runs the providers that the folder holds, which is not for a hook
    # to do.
    if not names_sagemaker(Path(folder or ".") / terraform_folder(launch.words)):
        return
    text = "`terraform apply` is not judged where the folder has resources of SageMaker's."
    hint = (
        "Run `terraform plan -out plan.bin`, `terraform show -json plan.bin > plan.json`, and then "
        "`opskit guard --from plan.json -- terraform apply plan.bin`."
    )
    raise UnreadableState("terraform-apply", text, hint)


def _refuse_cdk(folder: str) -> None:
    """Refuse what deploys an app of CDK's: which templates it makes is known only when its program has run."""
    if not cdk_names_sagemaker(Path(folder or ".")):
        return
    text = "`cdk deploy` is not judged where the app has resources of SageMaker's."
    hint = "Run `cdk synth`, and then `opskit guard --from cdk.out -- cdk deploy --app cdk.out`."
    raise UnreadableState("cdk-deploy", text, hint)


def _refuse_template(launch: ShellLaunch, folder: str) -> None:
    """Refuse what makes a stack of a template with resources of SageMaker's."""
    named = template_path(launch.words)
    path = Path(folder or ".") / (named or "template.yaml")
    if named is None and launch.words[0].endswith("aws"):
        return  # a template in S3 or one that is kept
    if not template_names_sagemaker(path):
        return
    # Which values its parameters get, and what the stack has already, is in words and accounts that a hook does not
    # read.
    text = "A stack is not made here of a template with resources of SageMaker's."
    hint = f"Run `opskit guard --from {shlex.quote(named or 'template.yaml')} -- COMMAND`, which judges it first."
    raise UnreadableState("template-deploy", text, hint)
