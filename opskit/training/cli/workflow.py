"""``opskit workflow init``, ``check``, ``list`` and ``show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import command_group
from opskit.core.exceptions import UsageError
from opskit.training.cli.run import WorkflowNameArgument

if TYPE_CHECKING:
    from opskit.output.result import CommandResult
    from opskit.training.rules.model import Task

workflow_app = command_group("workflow")


@register_command(workflow_app, "workflow", "init")
def init_workflow_command(
    ctx: CommandContext,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to make it in, or an existing one.")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="The CSV file to learn from, with a header.")],
    target: Annotated[str, typer.Option("--target", metavar="COLUMN", help="The column to predict.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The workflow's name. Default: the folder's.")
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            "--task", metavar="TASK", help="regression, binary or multiclass. Default: by the target's values."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="COLUMN", help="A column to leave out; repeatable.")
    ] = None,
    skip_lines: Annotated[
        int, typer.Option("--skip-lines", metavar="N", min=0, help="The lines above the header.")
    ] = 0,
    instance_type: Annotated[
        str | None, typer.Option("--instance-type", metavar="TYPE", help="Instance type. Default: ml.m5.large.")
    ] = None,
) -> CommandResult:
    """Write a workflow for your own data: workflow.toml with the checksum, and a model card to fill in."""
    from opskit.quotas.rules.requirements import parse_instance_type
    from opskit.training.flows.init_workflow import init_workflow
    from opskit.training.render.workflows import init_result
    from opskit.training.rules.workflow_draft import DEFAULT_TYPE

    parsed_type = parse_instance_type(instance_type) if instance_type else DEFAULT_TYPE
    made = init_workflow(
        folder,
        data,
        target,
        parsed_type,
        name=name,
        task=_parse_task(task),
        ignore=tuple(ignore or ()),
        skip_lines=skip_lines,
    )
    return init_result(made)


@register_command(workflow_app, "workflow", "check")
def check_workflow_command(
    ctx: CommandContext,
    name: WorkflowNameArgument,
    update: Annotated[
        bool, typer.Option("--update", help="Write the checksum of the data as they are now into workflow.toml.")
    ] = False,
) -> CommandResult:
    """Check a workflow's settings and every cell of its data, as training does before anything is made."""
    from opskit.training.flows.init_workflow import check_workflow, update_checksum
    from opskit.training.render.workflows import workflow_check_result
    from opskit.training.workflow import find_workflow

    workflow = find_workflow(name)
    updated = update and update_checksum(workflow)
    workflow = find_workflow(name) if updated else workflow
    return workflow_check_result(workflow, check_workflow(workflow), updated=updated)


@register_command(workflow_app, "workflow", "list")
def list_workflows_command(ctx: CommandContext) -> CommandResult:
    """List the workflows that can be named: opskit's and those of installed packages."""
    from opskit.training.render.workflows import list_result
    from opskit.training.workflow import list_workflows

    return list_result(list_workflows())


@register_command(workflow_app, "workflow", "show")
def show_workflow_command(ctx: CommandContext, name: WorkflowNameArgument) -> CommandResult:
    """Show a workflow's settings, with the defaults filled in."""
    from opskit.training.render.workflows import show_result
    from opskit.training.workflow import find_workflow

    return show_result(find_workflow(name))


def _parse_task(word: str | None) -> Task | None:
    from opskit.training.rules.model import Task

    if word is None:
        return None
    try:
        return Task(word.strip().lower())
    except ValueError as error:
        known = ", ".join(task.value for task in Task)
        raise UsageError("bad-task", f"'{word}' is not a task.", f"The tasks are: {known}.") from error
