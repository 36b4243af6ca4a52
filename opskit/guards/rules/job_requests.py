"""What jobs start: training, tuning, processing, transform, and what validates a model package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from opskit.core.model import Workload
from opskit.guards.rules.request_model import (
    Describe,
    InstanceNeed,
    NotJudgeable,
    Request,
    RequestLimit,
    RequestNeeds,
    UnknownNeed,
    entries_of,
    join_path,
    member_of,
    merge_needs,
    type_in,
    whole_number,
)

DEFAULT_RUNTIME = 24 * 3600
"""AWS's default of MaxRuntimeInSeconds for training and processing: a day."""
_BOUND = "StoppingCondition.MaxRuntimeInSeconds"
_LONGEST_TRAINING = "Longest run time for a training job"
_LONGEST_PROCESSING = "Longest run time for a processing job"
_CONCURRENT_JOBS_QUOTA = "Maximum number of training jobs each hyper parameter tuning job can run in parallel at once"
# AWS's page on tuning limits: what a tuning job takes where its request names neither.
_PLAN_NOTE = "Instances of a training plan are paid for in advance; their quota and price were not looked at."


def training_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateTrainingJob: the cluster, what its warm pool keeps, and the instances of debugger rules."""
    return _training_job_needs(request, "", _runtime_of(request, ""))


def _runtime_of(request: Request, source: str) -> int:
    condition = member_of(request, "StoppingCondition", source)
    return whole_number(condition, "MaxRuntimeInSeconds", join_path(source, "StoppingCondition"), DEFAULT_RUNTIME)


def _runtime_limits(quota_name: str, seconds: int, source: str) -> tuple[RequestLimit, ...]:
    # AWS's own default fits in every account, so that only what is longer costs a read.
    is_longer = seconds > DEFAULT_RUNTIME
    return (RequestLimit(quota_name, seconds, join_path(source, _BOUND)),) if is_longer else ()


def _training_job_needs(request: Request, source: str, seconds: int) -> RequestNeeds:
    job = source or "the training job"
    unknowns, notes = [], []
    if request.get("ServerlessJobConfig"):
        reason = "a serverless job is billed by tokens or by time that AWS chooses"
        unknowns.append(UnknownNeed(join_path(source, "ServerlessJobConfig"), reason))
        return RequestNeeds(unknowns=tuple(unknowns))
    resources = member_of(request, "ResourceConfig", source)
    where = join_path(source, "ResourceConfig")
    workload = Workload.SPOT_TRAINING if request.get("EnableManagedSpotTraining") else Workload.TRAINING
    if resources.get("TrainingPlanArn"):
        notes.append(_PLAN_NOTE)
        cluster: list[InstanceNeed] = []
    else:
        cluster = [
            replace(need, seconds=seconds, job=job, bound=join_path(source, _BOUND))
            for need in cluster_needs(resources, where, workload)
        ]
    keep = whole_number(resources, "KeepAlivePeriodInSeconds", where, 0)
    pools = [_warm_pool(need, keep, where) for need in cluster] if keep else []
    return RequestNeeds(
        (*cluster, *pools, *_rule_needs(request, source, seconds)),
        tuple(unknowns),
        tuple(notes),
        limits=_runtime_limits(_LONGEST_TRAINING, seconds, source),
    )


def _warm_pool(need: InstanceNeed, seconds: int, where: str) -> InstanceNeed:
    """What stays after the job."""
    return replace(
        need,
        # The same instances, so the training quota counts them already; warm pools have a quota besides.
        workload=Workload.WARM_POOL,
        priced_as=Workload.TRAINING,
        seconds=seconds,
        source=join_path(where, "KeepAlivePeriodInSeconds"),
        choice=need.choice and f"{need.choice} kept warm",
        bound=None,
    )


def cluster_needs(resources: Request, where: str, workload: Workload, count: int | None = 1) -> list[InstanceNeed]:
    """The instances of a ResourceConfig or ClusterConfig: one type, groups, or a list of preferences. ``count`` is how
    many they are where it does not say; None: nobody knows.

    Raises:
        NotJudgeable: it does not tell them.
    """
    groups = entries_of(resources, "InstanceGroups", where)
    if groups:
        return [
            _group_need(group, f"{where}.InstanceGroups[{index}]", workload, count)
            for index, group in enumerate(groups)
        ]
    preferences = entries_of(resources, "InstancePreferences", where)
    if preferences:
        choice = join_path(where, "InstancePreferences")
        told = resources.get("InstanceCount")
        default = count if told is None else whole_number(resources, "InstanceCount", where)
        return [
            replace(_group_need(each, f"{choice}[{index}]", workload, default), choice=choice)
            for index, each in enumerate(preferences)
        ]
    return [_group_need(resources, where, workload, count)]


def _group_need(group: Request, where: str, workload: Workload, count: int | None = 1) -> InstanceNeed:
    return InstanceNeed(
        type_in(group, "InstanceType", where), workload, whole_number(group, "InstanceCount", where, count), where
    )


def _rule_needs(request: Request, source: str, seconds: int) -> Iterator[InstanceNeed]:
    """The instances of debugger and profiler rules, which AWS counts as processing."""
    for member in ("DebugRuleConfigurations", "ProfilerRuleConfigurations"):
        for index, rule in enumerate(entries_of(request, member, source)):
            where = f"{join_path(source, member)}[{index}]"
            # A built-in rule names no type and runs on AWS's own instances, free of charge.
            if rule.get("InstanceType") is not None:
                instance_type = type_in(rule, "InstanceType", where)
                # A rule's processing job ends with the training job.
                yield InstanceNeed(instance_type, Workload.PROCESSING, 1, where, seconds, job=where)


def processing_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateProcessingJob."""
    return processing_job(request, "")


def processing_job(request: Request, source: str, resources: str = "ProcessingResources") -> RequestNeeds:
    """The needs of a processing job's definition; ``resources`` is what its resources are called there."""
    where = join_path(join_path(source, resources), "ClusterConfig")
    cluster = member_of(member_of(request, resources, source), "ClusterConfig", join_path(source, resources))
    if cluster.get("TrainingPlanArn"):
        return RequestNeeds(notes=(_PLAN_NOTE,))
    seconds, job = _runtime_of(request, source), source or "the processing job"
    needs = cluster_needs(cluster, where, Workload.PROCESSING)
    return RequestNeeds(
        tuple(replace(need, seconds=seconds, job=job, bound=join_path(source, _BOUND)) for need in needs),
        limits=_runtime_limits(_LONGEST_PROCESSING, seconds, source),
    )


def transform_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateTransformJob, which has no maximum run time."""
    return RequestNeeds((transform_job_need(request, ""),))


def transform_job_need(request: Request, source: str) -> InstanceNeed:
    """The instances of a transform job's definition."""
    where = join_path(source, "TransformResources")
    need = _group_need(member_of(request, "TransformResources", source), where, Workload.TRANSFORM, None)
    return replace(need, job=source or "the transform job")


def tuning_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateHyperParameterTuningJob: as many jobs at once as it allows, and all jobs for the money."""
    config = member_of(request, "HyperParameterTuningJobConfig", "")
    where = "HyperParameterTuningJobConfig.ResourceLimits"
    limits = member_of(config, "ResourceLimits", "HyperParameterTuningJobConfig")
    at_once = whole_number(limits, "MaxParallelTrainingJobs", where)
    # AWS's quotas let a tuning job have hundreds; without a number in the request nothing bounds the money.
    jobs = whole_number(limits, "MaxNumberOfTrainingJobs", where, 0) or None
    longest = whole_number(limits, "MaxRuntimeInSeconds", where, 0) or None
    single = member_of(request, "TrainingJobDefinition", "")
    named = [("TrainingJobDefinition", single)] if single else []
    several = entries_of(request, "TrainingJobDefinitions", "")
    named += [(f"TrainingJobDefinitions[{index}]", each) for index, each in enumerate(several)]
    if not named:
        raise NotJudgeable("TrainingJobDefinition", "the training job is not given")
    parts = [
        _tuned_training(definition, source, at_once, jobs, longest, choice="the definitions" if several else "")
        for source, definition in named
    ]
    concurrent = RequestLimit(_CONCURRENT_JOBS_QUOTA, at_once, join_path(where, "MaxParallelTrainingJobs"))
    shared = (concurrent,) if at_once > 1 else ()
    return merge_needs([*parts, RequestNeeds(limits=shared)])


def _tuned_training(
    definition: Request, source: str, at_once: int, jobs: int | None, longest: int | None, *, choice: str
) -> RequestNeeds:
    """One definition's jobs."""
    seconds = _runtime_of(definition, source)
    own = member_of(definition, "HyperParameterTuningResourceConfig", source)
    if own:
        where = join_path(source, "HyperParameterTuningResourceConfig")
        spot = Workload.SPOT_TRAINING if definition.get("EnableManagedSpotTraining") else Workload.TRAINING
        needs = tuple(_tuned_cluster(own, where, spot))
        needs = tuple(replace(need, seconds=seconds, bound=join_path(source, _BOUND), job=source) for need in needs)
        alone = RequestNeeds(needs, limits=_runtime_limits(_LONGEST_TRAINING, seconds, source))
    else:
        alone = _training_job_needs(definition, source, seconds)
    # Where there are several definitions AWS divides the jobs between them, and all may be of one.
    return replace(
        alone, needs=tuple(_times_jobs(need, at_once, jobs, longest, need.choice or choice) for need in alone.needs)
    )


def _tuned_cluster(config: Request, where: str, workload: Workload) -> list[InstanceNeed]:
    several = entries_of(config, "InstanceConfigs", where)
    if not several:
        return [_group_need(config, where, workload)]
    choice = join_path(where, "InstanceConfigs")
    return [
        replace(_group_need(each, f"{choice}[{index}]", workload), choice=choice) for index, each in enumerate(several)
    ]


def _times_jobs(need: InstanceNeed, at_once: int, jobs: int | None, longest: int | None, choice: str) -> InstanceNeed:
    """A need of one training job, for all jobs of a tuning."""
    many = replace(need, count=need.count * at_once, per_job=need.count, choice=choice)
    in_time = None if longest is None else longest * need.count * at_once
    by_jobs = None if jobs is None or need.seconds is None else need.seconds * need.count * jobs
    # It is paid until the jobs or the tuning's time are over, whichever is less; with neither it has no end.
    if by_jobs is not None and (in_time is None or by_jobs <= in_time):
        at_most = min(at_once, jobs or at_once)
        return replace(many, billed=need.count * (jobs or 0), billed_at_once=need.count * at_most)
    return replace(many, seconds=longest, bound=None)


def validation_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of CreateAlgorithm and CreateModelPackage: the jobs that validate it, one after the other."""
    source = "ValidationSpecification"
    parts: list[RequestNeeds] = []
    profiles = entries_of(member_of(request, source, ""), "ValidationProfiles", source)
    for index, profile in enumerate(profiles):
        where = f"{source}.ValidationProfiles[{index}]"
        training = member_of(profile, "TrainingJobDefinition", where)
        transform = member_of(profile, "TransformJobDefinition", where)
        if training:
            path = join_path(where, "TrainingJobDefinition")
            parts.append(_training_job_needs(training, path, _runtime_of(training, path)))
        if transform:
            parts.append(RequestNeeds((transform_job_need(transform, join_path(where, "TransformJobDefinition")),)))
    return merge_needs(parts)


def keep_alive_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of UpdateTrainingJob: a warm pool that is kept longer, and profiler rules that are added."""
    keep = whole_number(member_of(request, "ResourceConfig", ""), "KeepAlivePeriodInSeconds", "ResourceConfig", 0)
    rules = tuple(_rule_needs(request, "", DEFAULT_RUNTIME))
    if not keep:
        return RequestNeeds(rules)
    job = describe("describe_training_job", {"TrainingJobName": request.get("TrainingJobName")})
    cluster = cluster_needs(member_of(job, "ResourceConfig", ""), "ResourceConfig", Workload.TRAINING, None)
    # The instances are there already; what is new is how long they are kept.
    pools = tuple(replace(_warm_pool(need, keep, "ResourceConfig"), count=0, billed=need.count) for need in cluster)
    return RequestNeeds((*pools, *rules))


def monitoring_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of a monitoring schedule: its processing job again and again, until somebody stops it."""
    config = member_of(request, "MonitoringScheduleConfig", "")
    inline = member_of(config, "MonitoringJobDefinition", "MonitoringScheduleConfig")
    if inline:
        where = "MonitoringScheduleConfig.MonitoringJobDefinition"
        return _endless(processing_job(inline, where, "MonitoringResources"))
    name = config.get("MonitoringJobDefinitionName")
    operation = _DEFINITIONS.get(str(config.get("MonitoringType")))
    if not name or operation is None:
        raise NotJudgeable("MonitoringScheduleConfig", "the job definition is not given")
    definition = describe(operation, {"JobDefinitionName": name})
    return _endless(processing_job(definition, f"job definition {name}", "JobResources"))


_DEFINITIONS = {
    "DataQuality": "describe_data_quality_job_definition",
    "ModelQuality": "describe_model_quality_job_definition",
    "ModelBias": "describe_model_bias_job_definition",
    "ModelExplainability": "describe_model_explainability_job_definition",
}


def started_schedule_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of StartMonitoringSchedule: those of the schedule."""
    name = {"MonitoringScheduleName": request.get("MonitoringScheduleName")}
    return monitoring_needs(describe("describe_monitoring_schedule", name), describe)


def _endless(alone: RequestNeeds) -> RequestNeeds:
    """A job that is repeated: at most one runs at a time, and nothing ends the repetition."""
    return replace(alone, needs=tuple(replace(need, seconds=None, bound=None) for need in alone.needs))
