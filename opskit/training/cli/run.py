"""``opskit train``, ``deploy``, ``predict`` and ``cleanup``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.command import CommandContext, register_command
from opskit.cli.command_tree import app
from opskit.cli.common_options import NoOwnerOption, OwnerOption, resolve_owner
from opskit.core.exceptions import ConfirmationRequired, UsageError
from opskit.core.file_errors import file_error_text
from opskit.core.setting_values import parse_duration

if TYPE_CHECKING:
    from opskit.core.owners import Owner
    from opskit.output.result import CommandResult
    from opskit.training.flows.predict import KnownData
    from opskit.training.rules.model import Workflow

RUNS_FOLDER = Path("opskit-runs")
"""The folder for the files of runs, below the current folder."""


def complete_workflow(incomplete: str) -> list[str]:
    """The workflows that can be named, for completion in a shell."""
    from opskit.training.workflow import known_workflows

    return [name for name in known_workflows() if name.startswith(incomplete)]


WorkflowNameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="Workflow, such as boston, or a folder with a workflow.toml.",
        autocompletion=complete_workflow,
    ),
]
TypeOption = Annotated[
    str | None, typer.Option("--instance-type", metavar="TYPE", help="Instance type, such as ml.m5.xlarge.")
]
BucketOption = Annotated[str | None, typer.Option("--bucket", metavar="NAME", help="The S3 bucket to use.")]
AnyOfOption = Annotated[
    str | None,
    typer.Option(
        "--any-of",
        metavar="TYPES",
        help="Instance types in order of preference, separated by commas: AWS takes the first with capacity.",
    ),
]
NoGuardOption = Annotated[bool, typer.Option("--no-guard", help="Skip the quota check.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]


@register_command(app, "train")
def train_command(
    ctx: CommandContext,
    name: WorkflowNameArgument,
    instance_type: TypeOption = None,
    any_of: AnyOfOption = None,
    instance_count: Annotated[
        int | None,
        typer.Option(
            "--instance-count",
            min=1,
            metavar="N",
            help="Number of training instances (batch transform always uses one).",
        ),
    ] = None,
    role: Annotated[str | None, typer.Option("--role", metavar="ARN", help="Execution role for SageMaker.")] = None,
    bucket: BucketOption = None,
    max_usd: Annotated[
        str | None,
        typer.Option("--max-usd", metavar="X", help="Refuse to start if the estimated maximum cost exceeds X USD."),
    ] = None,
    fit_budget: Annotated[
        bool, typer.Option("--fit-budget", help="Shorten the allowed training time to what --max-usd allows.")
    ] = False,
    no_guard: NoGuardOption = False,
    request_increase: Annotated[
        bool, typer.Option("--request-increase", help="Request the quota increases that are missing.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the quotas are in effect.")] = False,
    deploy: Annotated[bool, typer.Option("--deploy", help="Deploy the model to an endpoint.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Retrain even if a completed job exists.")] = False,
    owner: OwnerOption = None,
    no_owner: NoOwnerOption = False,
    dry_run: DryRunOption = False,
) -> CommandResult:
    """Train, transform and score a workflow if quotas and budget allow it."""
    from opskit.core.clock import Clock
    from opskit.training.cli.role_choice import choose_role
    from opskit.training.flows.plan import TrainOptions
    from opskit.training.flows.train import run_training
    from opskit.training.render.progress import watch_run
    from opskit.training.render.train import save_run_files, train_result
    from opskit.training.workflow import find_workflow

    ctx.treat_sigterm_as_interrupt()
    workflow = find_workflow(name)
    # What can be wrong without AWS is said first: who the owner is may take credentials.
    parsed_type, types = _parse_type_option(instance_type), _parse_any_of_option(any_of, instance_type)
    if not (parsed_type or types):
        _check_own_types(workflow)
    options = TrainOptions(
        owner=resolve_owner(ctx, owner, untagged=no_owner),
        instance_type=parsed_type,
        any_of=types,
        instance_count=instance_count,
        role=ctx.settings.resolve("execution-role", role),
        bucket=ctx.settings.resolve("bucket", bucket),
        max_usd=ctx.settings.resolve("max-usd", max_usd),
        fit_budget=fit_budget,
        guard=not no_guard,
        request_increase=request_increase,
        wait=wait,
        deploy=deploy,
        again=again,
        dry_run=dry_run,
    )
    if fit_budget and options.max_usd is None:
        raise UsageError("bad-flags", "--fit-budget needs a budget.", "Add --max-usd.")
    with watch_run(ctx.screen, workflow) as emit:
        run = run_training(ctx.client(), workflow, options, Clock(), emit)
    if chosen := choose_role(ctx, run):
        with watch_run(ctx.screen, workflow) as emit:
            run = run_training(ctx.client(), workflow, replace(options, role=chosen), Clock(), emit)
    return train_result(run, save_run_files(run, RUNS_FOLDER), columns=ctx.screen.terminal_columns)


@register_command(app, "deploy")
def deploy_command(
    ctx: CommandContext,
    name: WorkflowNameArgument,
    instance_type: TypeOption = None,
    any_of: AnyOfOption = None,
    no_guard: NoGuardOption = False,
    owner: OwnerOption = None,
    no_owner: NoOwnerOption = False,
    use_for: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="TIME",
            help="How long the endpoint is meant to be used, such as 4h: a tag, after which `opskit endpoint stop "
            "--idle` takes it once it has had no request for 1h.",
        ),
    ] = None,
    dry_run: DryRunOption = False,
) -> CommandResult:
    """Deploy a workflow's newest model to an endpoint."""
    from opskit.core.clock import Clock
    from opskit.training.flows.deploy import DeployChoice, deploy_latest_model
    from opskit.training.render.endpoints import deploy_result
    from opskit.training.render.progress import watch_run
    from opskit.training.workflow import find_workflow

    ctx.treat_sigterm_as_interrupt()
    workflow, parsed_type = find_workflow(name), _parse_type_option(instance_type)
    types = _parse_any_of_option(any_of, instance_type) or ((parsed_type,) if parsed_type else ())
    if not types:
        _check_own_types(workflow)
    whose = resolve_owner(ctx, owner, untagged=no_owner)
    choice = DeployChoice(types, not no_guard, dry_run, parse_duration(use_for) if use_for else None)
    with watch_run(ctx.screen, workflow) as emit:
        done = deploy_latest_model(ctx.client(), workflow, whose, choice, Clock(), emit)
    return deploy_result(done)


@register_command(app, "predict")
def predict_command(
    ctx: CommandContext,
    name: WorkflowNameArgument,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="CSV file of feature rows, or - for stdin. Default: the held-out test set."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="CSV", help="Write the rows of FILE with their predictions to this CSV file."),
    ] = None,
    owner: OwnerOption = None,
    no_owner: NoOwnerOption = False,
) -> CommandResult:
    """Get predictions from a workflow's endpoint."""
    from opskit.training.flows.predict import check_data
    from opskit.training.flows.predict_file import open_rows, predict_file
    from opskit.training.render.endpoints import file_predictions_result
    from opskit.training.render.progress import watch_run
    from opskit.training.workflow import find_workflow

    workflow = find_workflow(name)
    known = check_data(workflow)
    if file is None:
        if out is not None:
            raise UsageError(
                "bad-flags", "--out needs a FILE of rows.", "Give the file that contains the rows to predict."
            )
        return _predict_test_set(ctx, workflow, known, partial(resolve_owner, ctx, owner, untagged=no_owner))
    with open_rows(file, known.features) as rows:
        whose = resolve_owner(ctx, owner, untagged=no_owner)
        with watch_run(ctx.screen, workflow) as emit:
            done = predict_file(ctx.client(), workflow, whose, known, rows, emit, out)
    return file_predictions_result(workflow, done, known.classes)


@register_command(app, "cleanup")
def cleanup_command(
    ctx: CommandContext,
    name: WorkflowNameArgument,
    bucket: BucketOption = None,
    local: Annotated[bool, typer.Option("--local", help="Also remove the local files of its runs.")] = False,
    owner: OwnerOption = None,
    no_owner: NoOwnerOption = False,
    everyones: Annotated[
        bool, typer.Option("--everyones", help="Also delete what others created, or nobody owns; needs --yes.")
    ] = False,
    dry_run: DryRunOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> CommandResult:
    """Delete what you created with a workflow: endpoint, model, files."""
    from opskit.core.clock import Clock
    from opskit.training.flows.cleanup import delete_resources
    from opskit.training.flows.find_resources import find_resources
    from opskit.training.render.endpoints import cleanup_plan_result, cleanup_prompt, cleanup_result, kept_notes
    from opskit.training.render.progress import watch_run
    from opskit.training.rules.workflow_resources import CleanupScope
    from opskit.training.workflow import find_workflow

    ctx.treat_sigterm_as_interrupt()
    workflow = find_workflow(name)
    client = ctx.client()
    if everyones and not (yes or dry_run):  # a prompt shows names: nobody there sees whose work it is that ends
        raise ConfirmationRequired("consent-missing", "--everyones removes what others made.", "Add --yes.")
    scope = CleanupScope(workflow.name, resolve_owner(ctx, owner, untagged=no_owner), everyones)
    bucket = ctx.settings.resolve("bucket", bucket)
    resources = find_resources(client, scope, bucket)
    folders = local_run_folders(workflow) if local else []
    if dry_run:
        return cleanup_plan_result(resources, folders)
    if not resources.is_empty or folders:
        ctx.confirm("\n".join([cleanup_prompt(resources, folders), *kept_notes(resources, resources.staying)]), yes=yes)
    with watch_run(ctx.screen, workflow) as emit:
        look_again = partial(find_resources, client, scope, bucket, endpoints_gone=True)
        done = delete_resources(client, resources, look_again, Clock(), emit)
    gone = [] if done.was_interrupted else folders
    _remove_folders(gone)
    return cleanup_result(done, gone)


def _check_own_types(workflow: Workflow) -> None:
    """See that the workflow's own instance types are such.

    Raises:
        UsageError: one is none.
    """
    for config in (workflow.training, workflow.transform, workflow.endpoint):
        _parse_type_option(config.instance_type)


def _parse_type_option(word: str | None) -> str | None:
    from opskit.quotas.rules.requirements import parse_instance_type

    return parse_instance_type(word) if word else None


def _parse_any_of_option(text: str | None, instance_type: str | None) -> tuple[str, ...]:
    from opskit.training.rules.instance_preferences import parse_any_of

    if text and instance_type:
        raise UsageError("bad-flags", "--any-of and --instance-type exclude each other.", "Give one of them.")
    return parse_any_of(text)


def _predict_test_set(
    ctx: CommandContext, workflow: Workflow, known: KnownData, read_owner: Callable[[], Owner]
) -> CommandResult:
    """Predict the rows of the held-out test set, and compare the predictions with the true values."""
    from opskit.training.flows.predict import predict_rows
    from opskit.training.metrics import score_outputs, split_rows
    from opskit.training.render.endpoints import predict_result
    from opskit.training.sagemaker_sdk import check_installed

    check_installed("The test set")
    sets = split_rows(workflow, known.content, known.classes)
    endpoint, outputs = predict_rows(ctx.client(), workflow, read_owner(), sets.test.decode().splitlines())
    scores = score_outputs(workflow.task, sets, outputs)
    return predict_result(workflow, endpoint, outputs, known.classes, sets.truth, scores)


def local_run_folders(workflow: Workflow) -> list[Path]:
    """The folders of the workflow's runs below the current folder. A link is none: where it leads is not a run's."""
    from opskit.training.rules.job_names import is_owned_name

    return sorted(
        path.absolute()
        for path in RUNS_FOLDER.glob("*")
        if path.is_dir() and not path.is_symlink() and is_owned_name(workflow.name, path.name)
    )


def _remove_folders(folders: list[Path]) -> None:
    import shutil

    try:
        for folder in folders:
            shutil.rmtree(folder)
    except OSError as error:
        raise UsageError("files-kept", f"{error.filename} cannot be removed: {file_error_text(error)}.") from error
