"""The guarded run: look before anything is made, then data, training, transform, scores and, when asked, an endpoint.

Every step looks first whether it was done already, so an interrupted run goes on where it stopped, and the same
command given twice pays once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from opskit.act import storage
from opskit.act import training as act
from opskit.aws import Door
from opskit.decide.guard import worst_exit
from opskit.decide.increase import Ask
from opskit.decide.naming import Follow, Start
from opskit.decide.refusals import explained, training_failed
from opskit.decide.running import NOTHING_RUNS
from opskit.errors import AwsFailure, ExitCode, OpskitError, OutcomeUnknown, Problem
from opskit.flows.clock import Clock
from opskit.flows.endpoint import put_behind_endpoint
from opskit.flows.events import Chosen, Priced, Tell, Uploaded, news_only
from opskit.flows.follow import follow_training, follow_transform
from opskit.flows.look_ahead import Plan, Wanted, began_meanwhile, look_ahead
from opskit.flows.made import made
from opskit.flows.room import make_room
from opskit.learning import Sets, score, split
from opskit.left_running import Kind, Running
from opskit.model import JobStatus, Metrics, TransformJob, Usage, Workflow
from opskit.observe import jobs
from opskit.observe.storage import object_at
from opskit.sdk import check_installed
from opskit.workflow import verified_data

_PREFIX = "opskit"


@dataclass
class Run:
    """A run and how far it came. None, or empty: not reached, or not asked for."""

    workflow: Workflow
    wanted: Wanted
    region: str
    plan: Plan | None = None
    asked: tuple[Ask, ...] = ()
    sets: Sets | None = None
    uploaded: list[str] = field(default_factory=list)
    job: str | None = None
    billable_seconds: int | None = None
    model: str | None = None
    model_uri: str | None = None
    transform: TransformJob | None = None
    predictions: bytes = b""
    predicted: tuple[float, ...] = ()
    metrics: Metrics | None = None
    endpoint: str | None = None
    running: tuple[Running, ...] = ()
    exit: ExitCode = ExitCode.DONE
    problems: list[Problem] = field(default_factory=list)


def train(door: Door, workflow: Workflow, wanted: Wanted, clock: Clock, tell: Tell) -> Run:
    """Run a workflow as far as it may and can; what stopped it is in ``exit`` and ``problems``."""
    run, tell = Run(workflow, wanted, door.region), news_only(tell)
    try:
        check_installed()
        content = verified_data(workflow)
        run.plan = _plan(door, run, clock, tell)
        if _may_go(run, run.plan):
            run.sets = split(workflow, content)
            _go(door, run, run.plan, run.sets, clock, tell)
    except OpskitError as error:
        run.exit = error.exit
        run.problems.append(error.problem)
    except KeyboardInterrupt:
        run.exit = ExitCode.INTERRUPTED
        run.problems.append(NOTHING_RUNS)
    run.running = door.left_running.whatever_runs(unreached=True)
    return run


def _plan(door: Door, run: Run, clock: Clock, tell: Tell) -> Plan:
    """Look, make room where that was asked for, and look again."""
    wanted = run.wanted
    plan = look_ahead(door, run.workflow, wanted, clock.now())
    lacks_room = plan.check is not None and [error.problem.code for error in plan.in_the_way] == ["no-room"]
    if not lacks_room or plan.check is None:
        return plan
    if began_meanwhile(door, plan):
        return look_ahead(door, run.workflow, wanted, clock.now())
    if wanted.dry_run or not (wanted.request_increase or wanted.wait):
        return plan
    why = f"opskit train {run.workflow.word}"
    run.asked = make_room(door, plan.check, why, clock, tell, ask=wanted.request_increase, wait=wanted.wait)
    return look_ahead(door, run.workflow, wanted, clock.now())


def _may_go(run: Run, plan: Plan) -> bool:
    """Whether nothing stands in the way, and the run is meant."""
    run.exit = worst_exit(plan.in_the_way)
    run.problems += [error.problem for error in plan.in_the_way]
    return not plan.in_the_way and not run.wanted.dry_run


def _go(door: Door, run: Run, plan: Plan, sets: Sets, clock: Clock, tell: Tell) -> None:
    """Everything that makes or waits for something."""
    tell(Priced(plan.parts))
    run.model_uri = _trained(door, run, plan, sets, clock, tell)
    run.transform = _transformed(door, run, plan, sets, run.model_uri, clock, tell)
    _score(door, run, run.transform, sets)
    if plan.deploys:
        _model(door, plan, run.model_uri, clock)
    if run.wanted.deploy:
        fleet = plan.fleets[Usage.ENDPOINT]
        run.endpoint = put_behind_endpoint(door, run.workflow, fleet, plan.job.name, clock, tell)


def _trained(door: Door, run: Run, plan: Plan, sets: Sets, clock: Clock, tell: Tell) -> str:
    """Start the training job, or follow or look at the one there is, and return its model's URI.

    Raises:
        OpskitError: AWS refused it, or it gave no model.
    """
    name = plan.job.name
    if isinstance(plan.job, Start):
        _start_training(door, run, plan, sets, clock, tell)
    else:
        tell(Chosen(Kind.TRAINING_JOB, plan.job, plan.fleets[Usage.TRAINING]))
    run.job = name
    if isinstance(plan.job, Start | Follow):
        job, lines = follow_training(door, name, clock, tell)
    else:
        found = jobs.training_job(door, name)
        if found is None:
            raise AwsFailure("vanished", f"The training job {name} is not there any more.", region=door.region)
        job, lines = found, []
    run.billable_seconds = job.billable_seconds
    if job.status is not JobStatus.COMPLETED or job.model_uri is None:
        raise training_failed(job, lines, door.region)
    return job.model_uri


def _start_training(door: Door, run: Run, plan: Plan, sets: Sets, clock: Clock, tell: Tell) -> None:
    assert plan.role is not None and plan.image is not None
    name, fleet, image, role = plan.job.name, plan.fleets[Usage.TRAINING], plan.image, plan.role
    if plan.makes_bucket:
        storage.make_bucket(door, plan.bucket)
    contents = {"train": sets.train, "validation": sets.validation}
    channels = {
        each: _uploaded(door, run, plan, f"{each}/{each}.csv", content, tell) for each, content in contents.items()
    }
    tell(Chosen(Kind.TRAINING_JOB, plan.job, fleet))
    output = f"{_home(plan)}/output"
    _made(
        lambda: act.start_training(door, plan.workflow, fleet, name, image, role, channels, output),
        lambda: jobs.training_job(door, name) is not None,
        clock,
    )


def _made(make: Callable[[], None], is_there: Callable[[], bool], clock: Clock) -> None:
    """Make what runs; AWS's refusal is explained."""
    try:
        made(make, is_there, clock)
    except AwsFailure as failure:
        if isinstance(failure, OutcomeUnknown):
            raise
        raise explained(failure) from failure


def _home(plan: Plan) -> str:
    """The URI below which everything of a run lies."""
    return f"s3://{plan.bucket}/{_PREFIX}/{plan.workflow.name}/{plan.job.name}"


def _uploaded(door: Door, run: Run, plan: Plan, path: str, content: bytes, tell: Tell) -> str:
    uri = f"{_home(plan)}/{path}"
    storage.put(door, plan.account, uri, content)
    run.uploaded.append(uri)
    tell(Uploaded(uri, len(content)))
    return uri


def _model(door: Door, plan: Plan, model_uri: str, clock: Clock) -> None:
    """Make the model of the job, which has its name, unless it is there."""
    name, image, role = plan.job.name, plan.image, plan.role
    if jobs.model_exists(door, name):
        return
    assert role is not None and image is not None
    made(
        lambda: act.make_model(door, plan.workflow, name, image, role, model_uri),
        lambda: jobs.model_exists(door, name),
        clock,
    )


def _transformed(
    door: Door, run: Run, plan: Plan, sets: Sets, model_uri: str, clock: Clock, tell: Tell
) -> TransformJob:
    """Start the batch transform of the test set, or follow or look at the one there is, until it is completed."""
    name, fleet = plan.transform.name, plan.fleets[Usage.TRANSFORM]
    if isinstance(plan.transform, Start):
        _model(door, plan, model_uri, clock)
        if plan.makes_bucket and not isinstance(plan.job, Start):  # else the training has made it
            storage.make_bucket(door, plan.bucket)
        source = _uploaded(door, run, plan, "test/test.csv", sets.test, tell)
        tell(Chosen(Kind.TRANSFORM_JOB, plan.transform, fleet))
        output = f"{_home(plan)}/transform/{name}"
        _made(
            lambda: act.start_transform(door, plan.workflow, fleet, name, plan.job.name, source, output),
            lambda: jobs.transform_job(door, name) is not None,
            clock,
        )
    else:
        tell(Chosen(Kind.TRANSFORM_JOB, plan.transform, fleet))
    run.model = plan.job.name
    return follow_transform(door, name, fleet.max_seconds, clock, tell)


def _score(door: Door, run: Run, transform: TransformJob, sets: Sets) -> None:
    """Fetch the predictions and hold them against the truth.

    Raises:
        AwsFailure: they are not there, or are not a number a row.
    """
    content = object_at(door, transform.predictions_uri)
    if content is None:
        raise AwsFailure("no-predictions", f"{transform.predictions_uri} is not there.", region=door.region)
    try:
        run.predicted = tuple(float(value) for value in content.decode().replace(",", "\n").split())
        run.metrics = score(sets.truth, run.predicted)
    except ValueError as error:
        text = f"{transform.predictions_uri} is not one number for each of {len(sets.truth)} rows: {error}"
        raise AwsFailure("bad-predictions", text, region=door.region) from error
    run.predictions = content
