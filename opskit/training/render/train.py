"""The result of ``train`` for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.core.cost import CostItem, find_cost_item, usd_per_day
from opskit.core.described_resources import TransformJob
from opskit.core.exceptions import ExitCode, Problem
from opskit.core.file_errors import file_error_text
from opskit.core.live_resources import running_records
from opskit.core.model import Price, Unknown, Workload
from opskit.core.owners import made_for_record, made_for_text
from opskit.guards.render.guard import guard_record, why_skipped
from opskit.increases.render.increase import increase_result
from opskit.output.cost import cost_lines
from opskit.output.result import Cell, Column, CommandResult, Table
from opskit.training.flows.plan import RunPlan
from opskit.training.flows.train import TrainingRun
from opskit.training.metrics import DataSplits
from opskit.training.render.class_plot import confusion_text, save_class_plot
from opskit.training.render.plot import save_plot, terminal_plot
from opskit.training.render.scores import class_table, format_scores, score_lines, scores_record, shown_numbers
from opskit.training.render.workflows import finding_record
from opskit.training.rules.instance_preferences import LeftOutType
from opskit.training.rules.job_names import Attach, Create, JobAction, Reuse
from opskit.training.rules.model import Task
from opskit.training.rules.scores import Scores


@dataclass(frozen=True)
class RunFiles:
    """The local files of a run. None: there are none; ``problem`` says why they could not be written."""

    folder: Path | None = None
    plot: Path | None = None
    problem: Problem | None = None


def save_run_files(run: TrainingRun, runs: Path) -> RunFiles:
    """Write a run's data, its predictions and the plot into a folder of its own below ``runs``."""
    if run.scores is None or run.data is None or run.job is None:
        return RunFiles()
    folder = runs.absolute() / run.job
    plot = folder / "predictions.png"
    contents = {
        "train.csv": run.data.train,
        "validation.csv": run.data.validation,
        "test.csv": run.data.test,
        "test.csv.out": run.predictions,
    }
    try:
        make_run_folder(folder)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        _save_picture(plot, run, run.data, run.scores)
    except OSError as error:
        hint = "The run is done; the same command in another folder shows it and pays nothing."
        text = f"{error.filename or folder} cannot be written: {file_error_text(error)}."
        return RunFiles(problem=Problem("files-not-written", text, hint))
    return RunFiles(folder, plot)


def make_run_folder(folder: Path) -> None:
    """Make a run's folder. Where one stands may be a stranger's folder: links in the places of what is about to be
    written are removed, not followed.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_symlink():
            path.unlink()


def _save_picture(path: Path, run: TrainingRun, data: DataSplits, scores: Scores) -> None:
    title, target = f"{run.workflow.name}: {run.job}", run.workflow.target
    match scores.task:
        case Task.REGRESSION:
            save_plot(path, title, target, data.truth, shown_numbers(run.outputs))
        case Task.BINARY | Task.MULTICLASS:
            save_class_plot(path, title, target, scores)


def train_result(run: TrainingRun, files: RunFiles, *, columns: int | None) -> CommandResult:
    """The result of ``train``; with the small plot on a terminal of ``columns`` characters (None: not a terminal)."""
    problems = (*run.problems, *([files.problem] if files.problem else []))
    exit = ExitCode.PARTIAL if files.problem and run.exit.is_ok else run.exit
    return CommandResult(
        _run_data(run, files),
        exit,
        problems,
        _cost_tables(run) + class_table(run.scores),
        tuple(_run_notes(run, files, columns)),
    )


def _run_data(run: TrainingRun, files: RunFiles) -> dict[str, Any]:
    return {
        "job": run.job,
        "model": run.model,
        "transform": run.transform and run.transform.name,
        "artifacts": _artifact_uris(run.model_uri, run.transform),
        "task": run.workflow.task.value,
        **scores_record(run.scores),
        "plot": files.plot and str(files.plot),
        "folder": files.folder and str(files.folder),
        "estimate_usd": run.plan and run.plan.estimate_usd,
        "billable_seconds": run.billable_seconds,
        "selected_type": run.selected_type,
        "owner": made_for_record(run.wanted.owner),
        "guard": _run_guard_record(run),
        "endpoint": run.endpoint,
        "endpoint_usd_per_day": usd_per_day((item,)) if run.endpoint and (item := _endpoint_item(run)) else None,
        "endpoint_stop_with": f"opskit cleanup {run.workflow.cli_ref}" if run.endpoint else None,
        "plan": run.plan and _plan_record(run.plan),
        "requests": list(increase_result(run.increases).data["requests"]),
        "running": running_records(run.running),
        "findings": [finding_record(each) for each in (run.inspection.findings if run.inspection else ())],
        "notes": list(run.inspection.notes) if run.inspection else [],
    }


def _artifact_uris(model_uri: str | None, transform: TransformJob | None) -> dict[str, str | None]:
    return {
        "model": model_uri,
        "test": transform.input_uri if transform else None,
        "predictions": transform.predictions_uri if transform else None,
    }


def _run_guard_record(run: TrainingRun) -> dict[str, Any]:
    check = run.plan.check if run.plan else None
    record = guard_record(check, why_skipped(guard=run.wanted.guard, exists=False))
    is_needless = run.plan is not None and check is None and run.wanted.guard
    return {**record, "verdict": "not-needed", "skipped_because": None} if is_needless else record


def _plan_record(plan: RunPlan) -> dict[str, Any]:
    return {
        "job": plan.job.name,
        "transform": plan.transform.name,
        "steps": plan_steps(plan),
        "image": plan.image,
        "role": plan.role,
        "role_reason": plan.role_reason or None,
        "bucket": plan.bucket,
        "hyperparameters": dict(plan.workflow.hyperparameters),
        "parts": [cost_item_record(item) for item in plan.cost_items],
        "left_out": left_out_records(plan.left_out),
        "longest_seconds": plan.longest_seconds,
        "last_seconds": None if isinstance(plan.last_seconds, Unknown) else plan.last_seconds,
        "last_seconds_unknown_because": plan.last_seconds.reason if isinstance(plan.last_seconds, Unknown) else None,
    }


def plan_steps(plan: RunPlan) -> list[str]:
    """The steps of the run, in order, as text."""
    steps = [f"make the bucket {plan.bucket}"] if plan.creates_bucket else []
    steps += [f"upload train.csv and validation.csv to {plan.bucket}"] if plan.job.is_new else []
    steps.append(f"{_action_verb(plan.job)} the training job {plan.job.name}")
    if plan.transform.is_new:
        steps += ["make its model, unless it is there", f"upload test.csv to {plan.bucket}"]
    steps.append(f"{_action_verb(plan.transform)} the transform job {plan.transform.name}")
    steps.append("fetch test.csv.out and score it")
    return steps + ([f"put the model behind the endpoint {plan.job.name}"] if plan.will_deploy else [])


def _action_verb(next: JobAction) -> str:
    match next:
        case Create():
            return "start"
        case Attach():
            return "follow"
        case Reuse():
            return "show"


def cost_item_record(item: CostItem) -> dict[str, Any]:
    """One part of the cost, for JSON."""

    return {
        "usage": item.workload.value,
        "instance_type": item.config.instance_type,
        "any_of": list(item.config.preferences),
        "instance_count": item.config.count,
        "max_seconds": item.config.max_seconds,
        "usd_per_hour": item.price.usd_per_hour if isinstance(item.price, Price) else None,
        "price_source": item.price.source if isinstance(item.price, Price) else item.price.reason,
    }


def _cost_tables(run: TrainingRun) -> tuple[Table, ...]:
    """What would be paid for, if the run is a plan or was refused."""
    if run.plan is None or not run.plan.cost_items or not (run.wanted.dry_run or run.plan.blockers):
        return ()
    rows = tuple(
        (
            Cell(item.workload.value),
            Cell(f"{item.config.count} x {item.config.types_text}"),
            Cell(f"{item.config.max_seconds} s" if item.config.max_seconds else "until cleanup"),
            Cell("?" if isinstance(item.price, Unknown) else f"{item.price.usd_per_hour}"),
            Cell(item.price.reason if isinstance(item.price, Unknown) else item.price.source),
        )
        for item in run.plan.cost_items
    )
    columns = (
        Column("Would start"),
        Column("On"),
        Column("At most"),
        Column("USD/h", right=True),
        Column("Price by", wrap=True, optional=True),
    )
    return (Table(columns, rows),)


def _run_notes(run: TrainingRun, files: RunFiles, columns: int | None) -> list[str]:
    notes = list(run.inspection.notes) if run.inspection else []
    if run.plan and run.wanted.dry_run:
        notes += [f"{at}. {step}" for at, step in enumerate(plan_steps(run.plan), 1)]
        notes.append(f"{made_for_text(run.wanted.owner)} {_role_text(run.plan)} Nothing was changed.")
    notes += left_out_notes(run.plan.left_out if run.plan else ())
    # A run that began has said so already.
    if run.plan and (run.wanted.dry_run or run.plan.blockers):
        notes += cost_lines(run.plan.cost_items)
    if run.scores and run.data:
        if columns and (drawn := _draw_in_terminal(run, run.data, run.scores, columns)):
            notes.append(drawn)
        notes.append(f"{run.job}: {format_scores(run.scores.metrics)} on {len(run.outputs)} rows it never saw.")
        notes += score_lines(run.scores)
    return notes + _finished_notes(run, files)


def _role_text(plan: RunPlan) -> str:
    if plan.role:
        return f"Role {plan.role} ({plan.role_reason})."
    return "Its role is not known." if plan.blockers else "It needs no role."


def _draw_in_terminal(run: TrainingRun, data: DataSplits, scores: Scores, columns: int) -> str:
    match scores.task:
        case Task.REGRESSION:
            return terminal_plot(run.workflow.target, data.truth, shown_numbers(run.outputs), columns)
        case Task.BINARY | Task.MULTICLASS:
            return confusion_text(scores, columns)


def left_out_records(left_out: Sequence[LeftOutType]) -> list[dict[str, str]]:
    """The types that were named and are not sent, in JSON."""
    return [
        {"usage": each.workload.value, "instance_type": each.instance_type, "because": each.reason} for each in left_out
    ]


def left_out_notes(left_out: Sequence[LeftOutType]) -> list[str]:
    """The types that were named and are not sent, for people."""
    return [f"{each.instance_type} is left out for {each.workload.value}: {each.reason}." for each in left_out]


def _finished_notes(run: TrainingRun, files_: RunFiles) -> list[str]:
    """What was paid, where the files are, and what is left."""
    workflow, notes = run.workflow.cli_ref, []
    if run.billable_seconds is not None:
        notes.append(f"AWS bills {run.billable_seconds} s of training{_billed_line(run)}.")
    notes += _warm_pool_notes(run)
    if files_.folder:
        notes.append(f"Data, predictions and plot: {files_.folder}")
    if run.problems and run.uploaded and not run.running:
        files = ", ".join(uri.rpartition("/")[2] for uri in run.uploaded)
        # A cleanup goes by the tags of jobs: of files that no job was made for it does not know whose they are.
        home = run.uploaded[0].rsplit("/", 2)[0]
        remove = f"opskit cleanup {workflow}" if run.job else f"aws s3 rm --recursive {home}/"
        notes.append(f"Left in S3 for the next try: {files}. To remove what there is: {remove}")
    return notes + (endpoint_notes(run.endpoint, workflow, _endpoint_item(run)) if run.endpoint else [])


def _warm_pool_notes(run: TrainingRun) -> list[str]:
    """What a warm pool goes on to cost, and how to end it."""
    seconds = run.workflow.settings.keep_alive_seconds
    if not seconds or run.job is None or run.plan is None or not run.plan.job.is_new:
        return []
    stop = f"aws sagemaker update-training-job --training-job-name {run.job} --region {run.region}"
    return [
        f"The instances of {run.job} stay as a warm pool for up to {seconds} s, billed as training. To end it:",
        f"  {stop} --resource-config KeepAlivePeriodInSeconds=0",
    ]


def _billed_line(run: TrainingRun) -> str:
    """The cost of the training, if this run started it and the price is known."""
    item = find_cost_item(run.plan.cost_items, Workload.TRAINING) if run.plan else None
    if item is None or not isinstance(item.price, Price) or run.billable_seconds is None:
        return ""
    # The price is that of the dearest of the types that AWS may have taken.
    bound = "at most " if item.config.preferences else ""
    return f", {bound}{item.price.usd_per_hour * item.config.count * run.billable_seconds / 3600:.4f} USD"


def _endpoint_item(run: TrainingRun) -> CostItem | None:
    """What the run's endpoint costs; None: it was there already, or none was asked for."""
    return find_cost_item(run.plan.cost_items, Workload.ENDPOINT) if run.plan else None


def endpoint_notes(name: str, workflow: str, item: CostItem | None) -> list[str]:
    """What to know about an endpoint in service: what it costs a day, where that is known, and what ends it.
    ``workflow`` is the workflow's name on the command line.
    """
    usd = usd_per_day((item,)) if item else None
    costs = "" if usd is None else f" {usd.normalize():f} USD a day, used or not,"
    return [
        f"The endpoint {name} answers (opskit predict {workflow}) and bills{costs} until",
        f"  opskit cleanup {workflow}",
    ]
