"""The guarded run: check everything before anything is created, then upload, train, transform, score and, if requested,
deploy.

Every step first checks whether it was done already, so an interrupted run resumes where it stopped, and the same
command given twice pays once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from opskit.aws.client import AwsClient
from opskit.aws.create_once import create_once
from opskit.core.aws_names import run_prefix
from opskit.core.clock import Clock
from opskit.core.described_resources import TransformJob
from opskit.core.exceptions import AwsError, ExitCode, OpskitError, OutcomeUnknown, Problem
from opskit.core.live_resources import NOTHING_RUNS, LiveResource, ResourceKind
from opskit.core.model import Workload
from opskit.explain.rules.aws_errors import explain_start_error, training_failure
from opskit.guards.rules.refusals import worst_exit
from opskit.increases.flows.raise_quotas import raise_quotas
from opskit.increases.rules.increase import Increase
from opskit.training.changes import jobs as changes
from opskit.training.changes import s3
from opskit.training.events import CostEstimated, JobSelected, RunEventSink, Uploaded, deduplicate_events
from opskit.training.flows.deploy_endpoint import deploy_model
from opskit.training.flows.follow import follow_training, follow_transform
from opskit.training.flows.inspect_workflow import WorkflowInspection, inspect_workflow
from opskit.training.flows.own_resources import warn_of_shared_owner
from opskit.training.flows.plan import RunPlan, TrainOptions, instance_configs, plan_run, started_concurrently
from opskit.training.metrics import DataSplits, score_outputs, split_rows
from opskit.training.reads import resources
from opskit.training.reads.s3 import read_object
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.job_settings import object_key
from opskit.training.rules.model import TrainingFiles, Workflow
from opskit.training.rules.scores import Outputs, Scores, parse_outputs
from opskit.training.sagemaker_sdk import check_installed
from opskit.training.workflow import load_verified_data


@dataclass
class TrainingRun:
    """A run and how far it got. None, or empty: the run has no such result."""

    workflow: Workflow
    wanted: TrainOptions
    region: str
    inspection: WorkflowInspection | None = None
    plan: RunPlan | None = None
    increases: tuple[Increase, ...] = ()
    data: DataSplits | None = None
    uploaded: list[str] = field(default_factory=list)
    job: str | None = None
    billable_seconds: int | None = None
    selected_type: str | None = None
    model: str | None = None
    model_uri: str | None = None
    transform: TransformJob | None = None
    predictions: bytes = b""
    outputs: Outputs = ()
    scores: Scores | None = None
    endpoint: str | None = None
    running: tuple[LiveResource, ...] = ()
    exit: ExitCode = ExitCode.OK
    problems: list[Problem] = field(default_factory=list)


def run_training(
    client: AwsClient, workflow: Workflow, options: TrainOptions, clock: Clock, emit: RunEventSink
) -> TrainingRun:
    """Run a workflow as far as possible; what stopped it is in ``exit`` and ``problems``."""
    run, emit = TrainingRun(workflow, options, client.region), deduplicate_events(emit)
    try:
        # Local checks first: none of them needs AWS, and each would otherwise fail after minutes that are paid for.
        check_installed()
        warn_of_shared_owner(options.owner, emit)
        content = load_verified_data(workflow)
        training = instance_configs(workflow, options)[Workload.TRAINING]
        run.inspection = inspect_workflow(replace(workflow, training=training), content)
        if run.inspection.findings:
            run.exit = run.inspection.exit
            run.problems += run.inspection.problems()
            return run
        # The split may refuse, too, and a plan tells all that the run would refuse.
        run.data = split_rows(workflow, content, run.inspection.classes)
        run.plan = _plan_until_ready(client, run, clock, emit)
        if _may_start(run, run.plan):
            _run_steps(client, run, run.plan, run.data, clock, emit)
    except OpskitError as error:
        run.exit = error.exit
        run.problems.append(error.problem)
    except KeyboardInterrupt:
        run.exit = ExitCode.INTERRUPTED
        run.problems.append(NOTHING_RUNS)
    run.running = client.live_resources.running_resources(unreached=True)
    return run


def _plan_until_ready(client: AwsClient, run: TrainingRun, clock: Clock, emit: RunEventSink) -> RunPlan:
    """Plan; raise quotas if that was requested; and plan again."""
    options = run.wanted
    plan = plan_run(client, run.workflow, options, clock.now())
    lacks_room = plan.check is not None and [error.problem.code for error in plan.blockers] == ["no-room"]
    if not lacks_room or plan.check is None:
        return plan
    # The other run's instances fill the quota that this plan needs: it should follow that job, not ask for more quota.
    if started_concurrently(client, plan):
        return plan_run(client, run.workflow, options, clock.now())
    # Nothing is asked for by a dry run, and quotas are not waited for unless somebody said so.
    if options.dry_run or not (options.request_increase or options.wait):
        return plan
    why = f"opskit train {run.workflow.cli_ref}"
    run.increases = raise_quotas(
        client, plan.check, why, clock, emit, request_increase=options.request_increase, wait=options.wait
    )
    # Planned anew: it took hours or days until the quotas were there, and nothing read before counts any more.
    return plan_run(client, run.workflow, options, clock.now())


def _may_start(run: TrainingRun, plan: RunPlan) -> bool:
    """Whether nothing blocks the run, and it is not a dry run."""
    run.exit = worst_exit(plan.blockers)
    run.problems += [error.problem for error in plan.blockers]
    return not plan.blockers and not run.wanted.dry_run


def _run_steps(
    client: AwsClient, run: TrainingRun, plan: RunPlan, sets: DataSplits, clock: Clock, emit: RunEventSink
) -> None:
    """Everything that creates something or waits for it."""
    emit(CostEstimated(plan.cost_items))
    run.model_uri = _train_model(client, run, plan, sets, clock, emit)
    run.transform = _transform_test_set(client, run, plan, sets, run.model_uri, clock, emit)
    _score_predictions(client, run, run.transform, sets)
    # The endpoint comes last, when predictions were scored: it is the one part that bills without end.
    if plan.will_deploy:
        _ensure_model(client, run, plan, run.model_uri, clock)
    if run.wanted.deploy:
        config = plan.configs[Workload.ENDPOINT]
        run.endpoint = deploy_model(client, run.workflow, run.wanted.owner, config, plan.job.name, clock, emit)


def _train_model(
    client: AwsClient, run: TrainingRun, plan: RunPlan, sets: DataSplits, clock: Clock, emit: RunEventSink
) -> str:
    """Start, follow or reuse the training job, and return its model's URI.

    Raises:
        OpskitError: AWS refused it, or it produced no model.
    """
    name = plan.job.name
    if plan.job.is_new:
        _start_training(client, run, plan, sets, clock, emit)
    else:
        emit(JobSelected(ResourceKind.TRAINING_JOB, plan.job, plan.configs[Workload.TRAINING]))
    run.job = name
    if not plan.job.is_completed:
        job, lines = follow_training(client, name, clock, emit)
    else:
        existing = resources.read_training_job(client, name)
        if existing is None:
            raise AwsError("vanished", f"The training job {name} is not there any more.", region=client.region)
        job, lines = existing, []
    run.billable_seconds, run.selected_type = job.billable_seconds, job.selected_type
    # Stopped, as at its time limit, is no failure to AWS, and still no model to go on with.
    if not job.status.is_completed or job.model_uri is None:
        raise training_failure(job, lines, client.region)
    return job.model_uri


def _start_training(
    client: AwsClient, run: TrainingRun, plan: RunPlan, sets: DataSplits, clock: Clock, emit: RunEventSink
) -> None:
    assert plan.role is not None and plan.image is not None
    name, config, image, role = plan.job.name, plan.configs[Workload.TRAINING], plan.image, plan.role
    owner = run.wanted.owner
    if plan.creates_bucket:
        s3.create_bucket(client, plan.bucket)
    contents = {"train": sets.train, "validation": sets.validation}
    channels = {
        each: _upload_object(client, run, plan, f"{each}/{each}.csv", content, emit)
        for each, content in contents.items()
    }
    emit(JobSelected(ResourceKind.TRAINING_JOB, plan.job, config))
    files = TrainingFiles(channels, f"{_run_prefix_uri(plan)}/output")
    _create_job(
        lambda: changes.start_training(client, plan.workflow, owner, config, name, image, role, files),
        lambda: resources.read_training_job(client, name) is not None,
        clock,
    )


def _create_job(make: Callable[[], None], is_there: Callable[[], bool], clock: Clock) -> None:
    """Create a job; a refusal of AWS's is explained."""
    try:
        create_once(make, is_there, clock)
    except AwsError as failure:
        if isinstance(failure, OutcomeUnknown):
            raise
        raise explain_start_error(failure) from failure


def _run_prefix_uri(plan: RunPlan) -> str:
    """The URI prefix of all objects of a run."""
    return f"s3://{plan.bucket}/{run_prefix(plan.workflow.name, plan.job.name)}".rstrip("/")


def _upload_object(
    client: AwsClient, run: TrainingRun, plan: RunPlan, path: str, content: bytes, emit: RunEventSink
) -> str:
    uri = f"{_run_prefix_uri(plan)}/{path}"
    s3.upload_object(client, plan.account, run.wanted.owner, uri, content, object_key(plan.workflow))
    run.uploaded.append(uri)
    emit(Uploaded(uri, len(content)))
    return uri


def _ensure_model(client: AwsClient, run: TrainingRun, plan: RunPlan, model_uri: str, clock: Clock) -> None:
    """Create the model of the job, which has the job's name, unless it exists."""
    name, image, role = plan.job.name, plan.serving_image, plan.role
    if resources.model_exists(client, name):
        return
    assert role is not None and image is not None
    create_once(
        lambda: changes.create_model(client, plan.workflow, run.wanted.owner, name, image, role, model_uri),
        lambda: resources.model_exists(client, name),
        clock,
    )


def _transform_test_set(
    client: AwsClient,
    run: TrainingRun,
    plan: RunPlan,
    sets: DataSplits,
    model_uri: str,
    clock: Clock,
    emit: RunEventSink,
) -> TransformJob:
    """Start, follow or reuse the batch transform of the test set, until it is completed."""
    name, config = plan.transform.name, plan.configs[Workload.TRANSFORM]
    if plan.transform.is_new:
        _ensure_model(client, run, plan, model_uri, clock)
        if plan.creates_bucket and not plan.job.is_new:  # otherwise the training step has created it
            s3.create_bucket(client, plan.bucket)
        source = _upload_object(client, run, plan, "test/test.csv", sets.test, emit)
        emit(JobSelected(ResourceKind.TRANSFORM_JOB, plan.transform, config))
        output = f"{_run_prefix_uri(plan)}/transform/{name}"
        _create_job(
            lambda: changes.start_transform(
                client, plan.workflow, run.wanted.owner, config, name, plan.job.name, source, output
            ),
            lambda: resources.read_transform_job(client, name) is not None,
            clock,
        )
    else:
        emit(JobSelected(ResourceKind.TRANSFORM_JOB, plan.transform, config))
    run.model = plan.job.name
    return follow_transform(client, name, config.max_seconds, clock, emit)


def _score_predictions(client: AwsClient, run: TrainingRun, transform: TransformJob, sets: DataSplits) -> None:
    """Read the predictions and compare them with the true values.

    Raises:
        AwsError: there are no predictions, or not those of every row.
    """
    content = read_object(client, transform.predictions_uri)
    if content is None:
        raise AwsError("no-predictions", f"{transform.predictions_uri} is not there.", region=client.region)
    workflow = run.workflow
    per_row = algorithm_of(workflow).outputs_per_row(workflow)
    try:
        run.outputs = parse_outputs(content.decode(), len(sets.truth), per_row)
        run.scores = score_outputs(workflow.task, sets, run.outputs)
    except ValueError as error:
        text = f"{transform.predictions_uri} has no prediction for each of {len(sets.truth)} rows: {error}"
        raise AwsError("bad-predictions", text, region=client.region) from error
    run.predictions = content
