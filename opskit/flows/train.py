"""The guarded run: look before anything is made, then data, training, transform, scores and, when asked, an endpoint.

Every step first looks whether it was done already, so an interrupted run goes on where it stopped, and the same
command given twice pays once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from opskit.act import training as act
from opskit.aws import Door
from opskit.decide.guard import Part, check_budget, estimate_usd, refusal
from opskit.decide.headroom import QuotaCheck, refuses
from opskit.decide.increase import Ask, Via, Wish
from opskit.decide.naming import Follow, Next, Show, Start, next_job, stem
from opskit.errors import AwsFailure, ExitCode, OpskitError, Problem, UsageProblem
from opskit.flows.check_quotas import check_quotas
from opskit.flows.increase import Clock, file_increases, plan_increases
from opskit.flows.wait import wait_for
from opskit.learning import Sets, score, split
from opskit.model import Fleet, JobStatus, Metrics, Usage, Workflow
from opskit.observe import jobs
from opskit.observe.prices import Component, read_price
from opskit.observe.roles import execution_role
from opskit.workflow import verified_data

_POLL_SECONDS = 1.0
_PREFIX = "opskit"
_LAST_LINES = 8
_COMPONENTS = {
    Usage.TRAINING: Component.TRAINING,
    Usage.TRANSFORM: Component.TRANSFORM,
    Usage.ENDPOINT: Component.HOSTING,
}

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What the user asked of a run. None means: decide it as AWS and the workflow would."""

    instance_type: str | None = None
    instance_count: int | None = None
    role: str | None = None
    bucket: str | None = None
    max_usd: Decimal | None = None
    guard: bool = True
    request_increase: bool = False
    wait: bool = False
    deploy: bool = False
    again: bool = False
    dry_run: bool = False
    wait_for: timedelta = timedelta(hours=72)


@dataclass
class Run:
    """A run and how far it came. None: not reached, or not asked for."""

    workflow: Workflow
    wanted: Wanted
    region: str
    fleets: dict[Usage, Fleet] = field(default_factory=dict)
    next: Next | None = None
    bucket: str | None = None
    role: str | None = None
    parts: list[Part] = field(default_factory=list)
    estimate_usd: Decimal | None = None
    check: QuotaCheck | None = None
    asked: tuple[Ask, ...] = ()
    job: str | None = None
    model: str | None = None
    transform: str | None = None
    endpoint: str | None = None
    model_uri: str | None = None
    test_uri: str | None = None
    predictions_uri: str | None = None
    sets: Sets | None = None
    predicted: tuple[float, ...] = ()
    metrics: Metrics | None = None
    running: tuple[str, str] | None = None
    exit: ExitCode = ExitCode.DONE
    problems: list[Problem] = field(default_factory=list)


def train(door: Door, workflow: Workflow, wanted: Wanted, clock: Clock, tell: Tell) -> Run:
    """Run a workflow as far as it may and can; what stopped it is in ``exit`` and ``problems``."""
    run = Run(workflow, wanted, door.region)
    try:
        _prepare(door, run, clock, tell)
        if not wanted.dry_run:
            _go(door, run, clock, tell)
    except OpskitError as error:
        run.exit = error.exit
        run.problems.append(error.problem)
    except KeyboardInterrupt:
        run.exit = ExitCode.INTERRUPTED
        run.problems.append(_interrupted(run))
    return run


def _prepare(door: Door, run: Run, clock: Clock, tell: Tell) -> None:
    """Everything that only looks: data, names, role, price, quotas. Raises what stands in the way."""
    act.check_sdk()
    run.fleets = _fleets(run.workflow, run.wanted)
    run.sets = split(run.workflow, verified_data(run.workflow))
    run.bucket = run.wanted.bucket or f"sagemaker-{door.region}-{door.connection.caller().account}"
    run.next = _next(door, run)
    run.role = run.wanted.role or execution_role(door)
    run.parts = _parts(door, run)
    run.estimate_usd = estimate_usd(run.parts)
    check_budget(run.estimate_usd, run.wanted.max_usd, run.parts)
    _guard(door, run, clock, tell)


def _fleets(workflow: Workflow, wanted: Wanted) -> dict[Usage, Fleet]:
    """The instances of each part; a type named by the user is meant for all of them, a count for the training."""
    own = {Usage.TRAINING: workflow.training, Usage.TRANSFORM: workflow.transform, Usage.ENDPOINT: workflow.endpoint}
    fleets = {use: replace(each, instance_type=wanted.instance_type or each.instance_type) for use, each in own.items()}
    count = wanted.instance_count or workflow.training.count
    return fleets | {Usage.TRAINING: replace(fleets[Usage.TRAINING], count=count)}


def _next(door: Door, run: Run) -> Next:
    base = stem(run.workflow, run.fleets[Usage.TRAINING])
    found = jobs.training_jobs(door, base)
    completed = [name for name, status in found.items() if status is JobStatus.COMPLETED]
    usable = [] if run.wanted.again else [name for name in completed if _has_model(door, name)]
    return next_job(base, found, again=run.wanted.again, usable=usable)


def _has_model(door: Door, name: str) -> bool:
    job = jobs.training_job(door, name)
    return bool(job and job.model_uri and jobs.object_exists(door, job.model_uri))


def _parts(door: Door, run: Run) -> list[Part]:
    """What is still to be paid for."""
    assert run.next is not None
    wanted = [Usage.TRAINING] if isinstance(run.next, Start) else []
    if not _completed_transform(door, run.next.name):
        wanted.append(Usage.TRANSFORM)
    if run.wanted.deploy and jobs.endpoint(door, run.next.name) is None:
        wanted.append(Usage.ENDPOINT)
    return [_part(door, use, run.fleets[use]) for use in wanted]


def _part(door: Door, usage: Usage, fleet: Fleet) -> Part:
    return Part(usage, fleet, read_price(door, fleet.instance_type, _COMPONENTS[usage]))


def _completed_transform(door: Door, job: str) -> str | None:
    found = jobs.transform_jobs(door, job)
    done = [name for name, status in found.items() if status is JobStatus.COMPLETED and _is_of(name, job)]
    return done[0] if done else None


def _is_of(name: str, job: str) -> bool:
    return name == job or name.startswith(f"{job}-")


def _guard(door: Door, run: Run, clock: Clock, tell: Tell) -> None:
    """Hold what is to be started against the quotas; ask and wait for what is missing where the user said so."""
    if not run.wanted.guard or not run.parts:
        return
    demands = [part.demand() for part in run.parts]
    run.check = check_quotas([door], demands, clock.now())
    if refusal(run.check) and run.wanted.request_increase and not run.wanted.dry_run:
        run.asked = _ask(door, run, clock, tell)
    if refusal(run.check) and run.wanted.wait and not run.wanted.dry_run:
        wishes = _wishes(run.check)
        wait_for([door], wishes, run.wanted.wait_for, tell, clock)
        run.check = check_quotas([door], demands, clock.now())
    error = refusal(run.check)
    if error:
        raise error


def _wishes(check: QuotaCheck) -> list[Wish]:
    """The values that would make room for what is short."""
    short = [headroom for headroom in check.headrooms if refuses(headroom) and headroom.demand.instance_type]
    return [Wish(each.demand.instance_type, each.demand.usage, each.demand.need + (each.in_use or 0)) for each in short]


def _ask(door: Door, run: Run, clock: Clock, tell: Tell) -> tuple[Ask, ...]:
    """File what is missing. Where AWS takes no more at once and the user waits anyway, each is asked in its turn."""
    assert run.check is not None
    why = f"opskit train {run.workflow.name}"
    asked: tuple[Ask, ...] = ()
    for wish in _wishes(run.check):
        plans = plan_increases([door], [wish], Via.AUTO, clock.now())
        asked += file_increases([door], plans, why, clock, tell)
        tell(f"{asked[-1].quota_name} to {asked[-1].wish.to:g}: {asked[-1].outcome}. {asked[-1].because}")
    if run.wanted.wait and any(ask.outcome == "queued" for ask in asked):
        filed = [ask.wish for ask in asked if ask.outcome != "queued"]
        wait_for([door], filed, run.wanted.wait_for, tell, clock)
        queued = [ask.wish for ask in asked if ask.outcome == "queued"]
        asked += file_increases([door], plan_increases([door], queued, Via.AUTO, clock.now()), why, clock, tell)
    return asked


def _go(door: Door, run: Run, clock: Clock, tell: Tell) -> None:
    """Everything that makes or waits for something."""
    _train(door, run, clock, tell)
    _transform(door, run, clock, tell)
    _score(door, run)
    if run.wanted.deploy:
        assert run.job is not None
        run.endpoint = deploy(door, run.workflow, run.fleets[Usage.ENDPOINT], run.job, clock, tell)


def _train(door: Door, run: Run, clock: Clock, tell: Tell) -> None:
    assert run.next is not None and run.bucket is not None and run.sets is not None and run.role is not None
    name = run.next.name
    base = f"{_PREFIX}/{run.workflow.name}/{name}"
    match run.next:
        case Start():
            tell(f"Training {name} on {_of(run.fleets[Usage.TRAINING])}.")
            _own_bucket(door, run)
            channels = {
                channel: act.put(door, run.bucket, f"{base}/{channel}/{channel}.csv", content)
                for channel, content in (("train", run.sets.train), ("validation", run.sets.validation))
            }
            output = f"s3://{run.bucket}/{base}/output"
            run.job, run.running = name, ("training-job", name)
            act.start_training(door, run.workflow, run.fleets[Usage.TRAINING], name, run.role, channels, output)
        case Follow():
            tell(f"{name} is in progress already; following it.")
        case Show():
            tell(f"{name} was completed before: nothing is paid twice (--again trains anew).")
    run.job, run.running = name, ("training-job", name)
    run.model_uri = _followed(door, name, clock, tell)
    run.running = None


def _of(fleet: Fleet) -> str:
    return f"{fleet.count} x {fleet.instance_type}"


def _own_bucket(door: Door, run: Run) -> None:
    assert run.bucket is not None
    if jobs.bucket_exists(door, run.bucket):
        return
    if run.wanted.bucket:
        raise UsageProblem("no-bucket", f"There is no bucket '{run.bucket}'.", "Make it, or leave --bucket out.")
    act.make_bucket(door, run.bucket)


def _followed(door: Door, name: str, clock: Clock, tell: Tell) -> str:
    """Watch a training job to its end and return its model's URI.

    Raises:
        AwsFailure: it failed or was stopped; the message has its reason, the hint its last log lines.
    """
    places: dict[str, str] = {}
    lines: list[str] = []
    was_over, state = False, ""
    while True:
        job = jobs.training_job(door, name)
        if job is None:
            raise AwsFailure("job-vanished", f"The training job {name} is not there.", region=door.region)
        if job.secondary != state:
            state = job.secondary
            tell(f"{name}: {state}")
        for line in () if was_over and not lines else jobs.new_log_lines(door, name, places):
            lines.append(line)
            tell(f"  {line}")
        if job.status.is_over:
            break
        clock.sleep(_POLL_SECONDS)
    if job.status is JobStatus.COMPLETED and job.model_uri:
        return job.model_uri
    reason = job.failure or job.secondary
    hint = "Its last log lines: " + " | ".join(lines[-_LAST_LINES:]) if lines else ""
    raise AwsFailure("job-failed", f"The training job {name} ended {job.status}: {reason}", hint, region=door.region)


def _transform(door: Door, run: Run, clock: Clock, tell: Tell) -> None:
    assert run.job and run.role and run.model_uri and run.bucket and run.sets
    if jobs.described(door, "describe_model", ModelName=run.job) is None:
        act.make_model(door, run.workflow, run.job, run.role, run.model_uri)
    run.model = run.job
    run.transform = _completed_transform(door, run.job) or _next_transform(door, run.job)
    found = jobs.transform_job(door, run.transform)
    if found is None:
        fleet = run.fleets[Usage.TRANSFORM]
        tell(f"Batch transform {run.transform} on {_of(fleet)}.")
        base = f"{_PREFIX}/{run.workflow.name}/{run.job}"
        run.test_uri = act.put(door, run.bucket, f"{base}/test/test.csv", run.sets.test)
        run.running = ("transform-job", run.transform)
        output = f"s3://{run.bucket}/{base}/transform/{run.transform}"
        act.start_transform(door, run.workflow, fleet, run.transform, run.model, run.test_uri, output)
    run.running = ("transform-job", run.transform)
    _await_transform(door, run, clock)
    run.running = None


def _next_transform(door: Door, job: str) -> str:
    """The transform in progress, or a name no transform had before."""
    found = {name: status for name, status in jobs.transform_jobs(door, job).items() if _is_of(name, job)}
    live = [name for name, status in found.items() if not status.is_over]
    return live[0] if live else (f"{job}-{len(found) + 1}" if found else job)


def _await_transform(door: Door, run: Run, clock: Clock) -> None:
    """Wait for the transform. SageMaker gives it no time limit, so opskit stops one that runs too long."""
    assert run.transform is not None
    limit = run.fleets[Usage.TRANSFORM].max_seconds
    begun = clock.now()
    while True:
        job = jobs.transform_job(door, run.transform)
        if job is None:
            raise AwsFailure("job-vanished", f"The transform job {run.transform} is not there.", region=door.region)
        if job.status is JobStatus.COMPLETED:
            break
        if job.status.is_over:
            text = f"The transform job {run.transform} ended {job.status}: {job.failure or 'AWS gave no reason'}"
            raise AwsFailure("job-failed", text, region=door.region)
        if limit and job.status is JobStatus.IN_PROGRESS and (clock.now() - begun).total_seconds() > limit:
            act.stop_transform(door, run.transform, f"it ran longer than {limit} s")
        clock.sleep(_POLL_SECONDS)
    run.test_uri = job.input_uri
    run.predictions_uri = f"{job.output_uri.rstrip('/')}/{job.input_uri.rpartition('/')[2]}.out"


def _score(door: Door, run: Run) -> None:
    assert run.predictions_uri is not None and run.sets is not None
    content = jobs.object_at(door, run.predictions_uri)
    if content is None:
        raise AwsFailure("no-predictions", f"{run.predictions_uri} is not there.", region=door.region)
    run.predicted = tuple(float(value) for value in content.decode().replace(",", "\n").split())
    run.metrics = score(run.sets.truth, run.predicted)


def deploy(door: Door, workflow: Workflow, fleet: Fleet, job: str, clock: Clock, tell: Tell) -> str:
    """Put the model of a job behind an endpoint of its name and wait until it answers.

    Raises:
        AwsFailure: it failed.
    """
    found = jobs.endpoint(door, job)
    if found is None or found.status == "Deleting":
        tell(f"Endpoint {job} on {_of(fleet)}; it bills until `opskit cleanup {workflow.name}`.")
        act.make_endpoint(door, workflow, fleet, job)
    while True:
        found = jobs.endpoint(door, job)
        if found and found.status == "InService":
            return job
        if found is None or found.status in ("Failed", "OutOfService"):
            reason = found.failure if found and found.failure else "AWS gave no reason"
            raise AwsFailure("endpoint-failed", f"The endpoint {job} failed: {reason}", region=door.region)
        clock.sleep(_POLL_SECONDS)


def _interrupted(run: Run) -> Problem:
    if run.running is None:
        return Problem("interrupted", "Interrupted; nothing is running that was not running before.")
    kind, name = run.running
    stop = f"aws sagemaker stop-{kind} --{kind}-name {name} --region {run.region}"
    hint = f"Stop it: {stop}. Or run the same opskit command again: it follows it."
    return Problem("interrupted", f"Interrupted, but the {kind.replace('-', ' ')} {name} is still running.", hint)
