"""``opskit train``, ``deploy``, ``predict`` and ``cleanup``: a workflow from data to prediction, guarded."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.app import app
from opskit.cli.command import Here, command
from opskit.errors import UsageProblem

if TYPE_CHECKING:
    from opskit.model import Workflow
    from opskit.show.answer import Answer

RUNS = Path("opskit-runs")
"""Where a run's files go, below the current folder."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="A workflow, such as boston, or a folder with one.")]
Type = Annotated[str | None, typer.Option("--instance-type", metavar="TYPE", help="Such as ml.m5.xlarge.")]
Bucket = Annotated[str | None, typer.Option("--bucket", metavar="NAME", help="The S3 bucket to use.")]
NoGuard = Annotated[bool, typer.Option("--no-guard", help="Do not look at the quotas first.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")]


@command(app, "train")
def train(
    here: Here,
    name: Name,
    instance_type: Type = None,
    instance_count: Annotated[
        int | None, typer.Option("--instance-count", min=1, metavar="N", help="How many train; one transforms.")
    ] = None,
    role: Annotated[str | None, typer.Option("--role", metavar="ARN", help="The role SageMaker works with.")] = None,
    bucket: Bucket = None,
    max_usd: Annotated[str | None, typer.Option("--max-usd", metavar="X", help="Refuse what may cost more.")] = None,
    no_guard: NoGuard = False,
    request_increase: Annotated[
        bool, typer.Option("--request-increase", help="Ask for the quota that is missing.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the quota is there.")] = False,
    deploy: Annotated[bool, typer.Option("--deploy", help="Put the model behind an endpoint.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Train anew what was trained.")] = False,
    dry_run: DryRun = False,
) -> Answer:
    """Train, transform and score a workflow, quota first."""
    from opskit.flows.clock import system_clock
    from opskit.flows.look_ahead import Wanted
    from opskit.flows.train import train as run_it
    from opskit.show.progress import watching
    from opskit.show.train import answer_of, keep
    from opskit.workflow import find_workflow

    here.heed_end_from_outside()
    workflow = find_workflow(name)
    wanted = Wanted(
        instance_type=_type(instance_type),
        instance_count=instance_count,
        role=here.settings.chosen("execution-role", role),
        bucket=here.settings.chosen("bucket", bucket),
        max_usd=here.settings.chosen("max-usd", max_usd),
        guard=not no_guard,
        request_increase=request_increase,
        wait=wait,
        deploy=deploy,
        again=again,
        dry_run=dry_run,
    )
    rounds = dict(workflow.hyperparameters).get("num_round", "")
    with watching(here.screen, int(rounds) if rounds.isdecimal() else None) as tell:
        run = run_it(here.door(), workflow, wanted, system_clock(), tell)
    return answer_of(run, keep(run, RUNS), columns=here.screen.columns)


@command(app, "deploy")
def deploy(
    here: Here, name: Name, instance_type: Type = None, no_guard: NoGuard = False, dry_run: DryRun = False
) -> Answer:
    """Put a workflow's newest model behind an endpoint."""
    from opskit.flows.clock import system_clock
    from opskit.flows.deploy import deploy as put_it
    from opskit.show.progress import watching
    from opskit.show.serve import deployed
    from opskit.workflow import find_workflow

    here.heed_end_from_outside()
    workflow, kind = find_workflow(name), _type(instance_type)
    with watching(here.screen) as tell:
        done = put_it(here.door(), workflow, kind, system_clock(), tell, guard=not no_guard, dry_run=dry_run)
    return deployed(done)


@command(app, "predict")
def predict(
    here: Here,
    name: Name,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="CSV of features, or -; none: the test set.")
    ] = None,
) -> Answer:
    """Ask a workflow's endpoint."""
    from opskit.decide.rows import parse_rows
    from opskit.flows.predict import predict as ask
    from opskit.show.serve import predictions
    from opskit.workflow import feature_names, find_workflow, verified_data

    workflow = find_workflow(name)
    if file is None:
        return _test_set(here, workflow)
    source = "standard input" if str(file) == "-" else str(file)
    rows = parse_rows(source, _text(file), feature_names(workflow, verified_data(workflow)))
    endpoint, values = ask(here.door(), workflow, rows)
    return predictions(endpoint, values)


@command(app, "cleanup")
def cleanup(
    here: Here,
    name: Name,
    bucket: Bucket = None,
    local: Annotated[bool, typer.Option("--local", help="Remove the local files of its runs too.")] = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Answer:
    """Remove what a workflow made: endpoint, model, files."""
    from opskit.flows.clean_up import clean_up
    from opskit.flows.clock import system_clock
    from opskit.flows.leftovers import leftovers
    from opskit.show.progress import watching
    from opskit.show.serve import cleaned, cleanup_plan, planned, staying_notes
    from opskit.workflow import find_workflow

    here.heed_end_from_outside()
    workflow = find_workflow(name)
    door = here.door()
    bucket = here.settings.chosen("bucket", bucket)
    left = leftovers(door, workflow, bucket)
    folders = _local(workflow) if local else []
    if dry_run:
        return planned(left, folders)
    if not left.is_empty or folders:
        here.consent("\n".join([cleanup_plan(left, folders), *staying_notes(left, left.staying)]), yes=yes)
    with watching(here.screen) as tell:
        look_again = partial(leftovers, door, workflow, bucket, endpoints_gone=True)
        done = clean_up(door, left, look_again, system_clock(), tell)
    gone = [] if done.was_interrupted else folders
    _remove(gone)
    return cleaned(done, gone)


def _type(word: str | None) -> str | None:
    from opskit.decide.demands import parse_instance_type

    return parse_instance_type(word) if word else None


def _test_set(here: Here, workflow: Workflow) -> Answer:
    """Ask about the rows that the model never saw, and hold the answers against the truth."""
    from opskit.flows.predict import predict as ask
    from opskit.learning import score, split
    from opskit.sdk import check_installed
    from opskit.show.serve import predictions
    from opskit.workflow import verified_data

    check_installed("The test set")
    sets = split(workflow, verified_data(workflow))
    endpoint, values = ask(here.door(), workflow, sets.test.decode().split())
    return predictions(endpoint, values, sets.truth, score(sets.truth, values))


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem("file-unreadable", f"{file} cannot be read: {error}.") from error


def _local(workflow: Workflow) -> list[Path]:
    """The folders of the workflow's runs below the current one."""
    from opskit.decide.naming import belongs_to

    return sorted(path.resolve() for path in RUNS.glob("*") if path.is_dir() and belongs_to(workflow.name, path.name))


def _remove(folders: list[Path]) -> None:
    import shutil

    try:
        for folder in folders:
            shutil.rmtree(folder)
    except OSError as error:
        raise UsageProblem("files-kept", f"{error.filename} cannot be removed: {error.strerror}.") from error
