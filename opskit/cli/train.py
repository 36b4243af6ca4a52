"""``opskit train``, ``deploy``, ``predict`` and ``cleanup``: a workflow from data to prediction, guarded."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opskit.cli.app import app
from opskit.cli.command import Here, command
from opskit.errors import UsageProblem
from opskit.settings import usd

if TYPE_CHECKING:
    from opskit.flows.increase import Clock
    from opskit.model import Workflow
    from opskit.show.answer import Answer

RUNS = Path("opskit-runs")
"""Where a run's files go, below the current folder."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="A workflow, such as boston, or a folder with one.")]
Type = Annotated[str | None, typer.Option("--instance-type", metavar="TYPE", help="Such as ml.m5.xlarge.")]
Bucket = Annotated[str | None, typer.Option("--bucket", metavar="NAME", help="The S3 bucket to use.")]
NoGuard = Annotated[bool, typer.Option("--no-guard", help="Do not look at the quotas first.")]


@command(app, "train")
def train(
    here: Here,
    name: Name,
    instance_type: Type = None,
    instance_count: Annotated[int | None, typer.Option("--instance-count", min=1, metavar="N")] = None,
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, change nothing.")] = False,
) -> Answer:
    """Train, transform and score a workflow, quota first."""
    from opskit.flows.train import Wanted
    from opskit.flows.train import train as run_it
    from opskit.show.train import answer_of
    from opskit.workflow import find_workflow

    workflow = find_workflow(name)
    wanted = Wanted(
        instance_type=_type(instance_type),
        instance_count=instance_count,
        role=role or here.settings.get("execution-role"),
        bucket=bucket or here.settings.get("bucket"),
        max_usd=usd(max_usd) if max_usd else here.settings.get("max-usd"),
        guard=not no_guard,
        request_increase=request_increase,
        wait=wait,
        deploy=deploy,
        again=again,
        dry_run=dry_run,
    )
    with here.screen.progress() as tell:
        run = run_it(here.door(), workflow, wanted, _clock(), tell)
    folder = RUNS.resolve() / run.job if run.job else None
    return answer_of(run, folder, terminal=here.screen.out.isatty())


@command(app, "deploy")
def deploy(here: Here, name: Name, instance_type: Type = None, no_guard: NoGuard = False) -> Answer:
    """Put a workflow's newest model behind an endpoint."""
    from dataclasses import replace

    from opskit.act.training import check_sdk
    from opskit.flows.serve import deploy_newest
    from opskit.show.train import deployed
    from opskit.workflow import find_workflow

    check_sdk()
    workflow = find_workflow(name)
    fleet = replace(workflow.endpoint, instance_type=_type(instance_type) or workflow.endpoint.instance_type)
    with here.screen.progress() as tell:
        return deployed(deploy_newest(here.door(), workflow, fleet, _clock(), tell, guard=not no_guard))


@command(app, "predict")
def predict(
    here: Here,
    name: Name,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="CSV of features; none: the test set.")] = None,
) -> Answer:
    """Ask a workflow's endpoint."""
    from opskit.flows.serve import predict as ask
    from opskit.show.train import predictions
    from opskit.workflow import find_workflow

    workflow = find_workflow(name)
    endpoint, values = ask(here.door(), workflow, _rows(workflow, file))
    return predictions(endpoint, values)


@command(app, "cleanup")
def cleanup(
    here: Here,
    name: Name,
    bucket: Bucket = None,
    local: Annotated[bool, typer.Option("--local", help="Remove the local files of its runs too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Answer:
    """Remove what a workflow made: endpoint, model, files."""
    from opskit.flows.serve import clean_up, leftovers
    from opskit.show.train import cleaned, cleanup_plan
    from opskit.workflow import find_workflow

    workflow = find_workflow(name)
    door = here.door()
    left = leftovers(door, workflow, bucket or here.settings.get("bucket"))
    folders = _local(workflow) if local else []
    if not left.is_empty or folders:
        here.consent(cleanup_plan(left), yes=yes)
        clean_up(door, left)
        _remove(folders)
    return cleaned(left, folders)


def _type(word: str | None) -> str | None:
    from opskit.decide.demands import parse_instance_type

    return parse_instance_type(word) if word else None


def _rows(workflow: Workflow, file: Path | None) -> list[str]:
    """The rows to ask about, features alone."""
    from opskit.learning import columns, split
    from opskit.workflow import verified_data

    content = verified_data(workflow)
    if file is None:
        return split(workflow, content).test.decode().split()
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem("file-unreadable", f"{file} cannot be read: {error}.") from error
    names = columns(workflow, content)
    rows = [(at, line.strip()) for at, line in enumerate(lines, 1) if line.strip()]
    if rows and [cell.strip().strip('"') for cell in rows[0][1].split(",")] == list(names):
        rows = rows[1:]
    if not rows:
        raise UsageProblem(
            "file-empty", f"{file} has no rows.", f"A row has the {len(names)} features: {', '.join(names)}."
        )
    return [_checked(file, at, row, len(names)) for at, row in rows]


def _checked(file: Path, at: int, row: str, width: int) -> str:
    cells = row.split(",")
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError as error:
        raise UsageProblem("bad-row", f"{file}, line {at}: {error}.", f"A row is {width} numbers.") from error
    if len(numbers) != width:
        text = f"{file}, line {at} has {len(numbers)} values, not {width}."
        raise UsageProblem("bad-row", text, "Features only, in the data's order, without the target.")
    return row


def _local(workflow: Workflow) -> list[Path]:
    from opskit.decide.naming import belongs_to

    return sorted(path for path in RUNS.glob("*") if path.is_dir() and belongs_to(workflow.name, path.name))


def _remove(folders: list[Path]) -> None:
    import shutil

    for folder in folders:
        shutil.rmtree(folder)


def _clock() -> Clock:
    from opskit.flows.increase import Clock

    return Clock(lambda: datetime.now(UTC), time.sleep)
