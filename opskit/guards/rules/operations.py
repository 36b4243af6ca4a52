"""What the guard does with each operation of SageMaker's API that is no read: it judges it, lets it through because it
starts nothing, or refuses it by name because nothing tells what it will cost.

The table is closed: a unit test walks botocore's model. An operation that is newer than the table is refused where its
input has a place for an instance type or a number of instances, and is else let through with a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from opskit.guards.rules import endpoint_requests, job_requests, machine_requests
from opskit.guards.rules.request_model import (
    Describe,
    NotDescribed,
    NotJudgeable,
    Request,
    RequestNeeds,
    UnknownNeed,
    volume_notes,
)

Judge = Callable[[Request, Describe], RequestNeeds]


def _execution_needs(request: Request, describe: Describe) -> RequestNeeds:
    """The needs of a pipeline's execution: those of its steps, each of which is an operation of this table."""
    from opskit.guards.rules.execution_requests import execution_needs

    return execution_needs(request, describe)


JUDGES: Mapping[str, Judge] = {
    "BatchAddClusterNodes": machine_requests.added_node_needs,
    "CreateAlgorithm": job_requests.validation_needs,
    "CreateApp": machine_requests.app_needs,
    "CreateCluster": machine_requests.cluster_create_needs,
    "CreateDomain": machine_requests.domain_needs,
    "CreateEndpoint": endpoint_requests.endpoint_needs,
    "CreateFeatureGroup": machine_requests.feature_group_needs,
    "CreateHyperParameterTuningJob": job_requests.tuning_needs,
    "CreateInferenceComponent": endpoint_requests.component_needs,
    "CreateInferenceExperiment": endpoint_requests.experiment_needs,
    "CreateModelPackage": job_requests.validation_needs,
    "CreateMonitoringSchedule": job_requests.monitoring_needs,
    "CreateNotebookInstance": machine_requests.notebook_needs,
    "CreateProcessingJob": job_requests.processing_needs,
    "CreateTrainingJob": job_requests.training_needs,
    "CreateTransformJob": job_requests.transform_needs,
    "RetryPipelineExecution": _execution_needs,
    "StartInferenceExperiment": endpoint_requests.started_experiment_needs,
    "StartMonitoringSchedule": job_requests.started_schedule_needs,
    "StartNotebookInstance": machine_requests.started_notebook_needs,
    "StartPipelineExecution": _execution_needs,
    "StopInferenceExperiment": endpoint_requests.experiment_end_needs,
    "UpdateCluster": machine_requests.cluster_update_needs,
    "UpdateDomain": machine_requests.domain_needs,
    "UpdateEndpoint": endpoint_requests.endpoint_update_needs,
    "UpdateEndpointWeightsAndCapacities": endpoint_requests.capacity_needs,
    "UpdateNotebookInstance": machine_requests.updated_notebook_needs,
    "UpdateFeatureGroup": machine_requests.feature_group_needs,
    "UpdateInferenceComponent": endpoint_requests.component_needs,
    "UpdateInferenceComponentRuntimeConfig": endpoint_requests.component_needs,
    "UpdateInferenceExperiment": endpoint_requests.experiment_needs,
    "UpdateMonitoringSchedule": job_requests.monitoring_needs,
    "UpdateTrainingJob": job_requests.keep_alive_needs,
}

REFUSED_OPERATIONS: Mapping[str, str] = {
    "CreateAIBenchmarkJob": "AWS chooses what a benchmark job runs on",
    "CreateAIRecommendationJob": "AWS chooses what a recommendation job runs on",
    "CreateAutoMLJob": "AWS chooses the instances of an AutoML job",
    "CreateAutoMLJobV2": "AWS chooses the instances of an AutoML job",
    "CreateInferenceRecommendationsJob": "AWS chooses how many endpoints a recommendation job tries",
    "CreateJob": "a customization job's instances are in a document that AWS alone reads",
    "CreateLabelingJob": "the price of labels, and the instances of automated labeling, are not known",
    "CreateMlflowApp": "the price of an MLflow app is not known",
    "CreateMlflowTrackingServer": "the price of a tracking server is not known",
    "CreateOptimizationJob": "AWS chooses how many instances an optimization job runs on",
    "CreatePartnerApp": "the price of a partner app is not known",
    "CreateProject": "what a project's template starts is not known",
    "CreateTrainingPlan": "a training plan is bought in advance, for a price that only its offering tells",
    "CreateTrainingSession": "AWS chooses the instances of a training session",
    "ExtendTrainingPlan": "an extension of a training plan is bought in advance",
    "StartMlflowTrackingServer": "the price of a tracking server is not known",
    "UpdateMlflowTrackingServer": "the price of a tracking server is not known",
    "UpdatePartnerApp": "the price of a partner app is not known",
    "UpdateProject": "what a project's template starts is not known",
}
"""Operations that cannot be judged, and why."""

# Deleting and stopping ends what is billed; the few whose names only sound like it are in the tables above.
_FREE_VERBS = ("Delete", "Stop", "BatchDelete")
_FREE_NAMES = """
    AddAssociation AddTags AssociateTrialComponent AttachClusterNodeNetworkInterface AttachClusterNodeVolume
    BatchRebootClusterNodes BatchReplaceClusterNodes CreateAIWorkloadConfig CreateAction CreateAppImageConfig
    CreateArtifact CreateClusterExtension CreateClusterSchedulerConfig CreateCodeRepository CreateCompilationJob
    CreateComputeQuota CreateContext CreateDataQualityJobDefinition CreateDeviceFleet CreateEdgeDeploymentPlan
    CreateEdgeDeploymentStage CreateEdgePackagingJob CreateEndpointConfig CreateExperiment CreateFlowDefinition
    CreateHub CreateHubContentPresignedUrls CreateHubContentReference CreateHumanTaskUi CreateImage
    CreateImageVersion CreateInferenceRouter CreateModel CreateModelBiasJobDefinition CreateModelCard
    CreateModelCardExportJob CreateModelExplainabilityJobDefinition CreateModelPackageGroup
    CreateModelQualityJobDefinition CreateNotebookInstanceLifecycleConfig CreatePartnerAppPresignedUrl
    CreatePipeline CreatePresignedDomainUrl CreatePresignedMlflowAppUrl CreatePresignedMlflowTrackingServerUrl
    CreatePresignedNotebookInstanceUrl CreateSpace CreateStudioLifecycleConfig CreateTrial CreateTrialComponent
    CreateUserProfile CreateWorkforce CreateWorkteam DeregisterDevices DetachClusterNodeVolume
    DisableSagemakerServicecatalogPortfolio DisassociateTrialComponent EnableSagemakerServicecatalogPortfolio
    ImportHubContent PutEndpointPolicy PutModelPackageGroupPolicy RegisterDevices RenderUiTemplate
    SendPipelineExecutionStepFailure SendPipelineExecutionStepSuccess StartClusterHealthCheck
    StartEdgeDeploymentStage StartSession UpdateAction UpdateAppImageConfig UpdateArtifact UpdateClusterExtension
    UpdateClusterSchedulerConfig UpdateClusterSoftware UpdateCodeRepository UpdateComputeQuota UpdateContext
    UpdateDeviceFleet UpdateDevices UpdateExperiment UpdateFeatureMetadata UpdateHub UpdateHubContent
    UpdateHubContentReference UpdateImage UpdateImageVersion UpdateInferenceRouter UpdateMlflowApp UpdateModelCard
    UpdateModelPackage UpdateMonitoringAlert UpdateNotebookInstanceLifecycleConfig
    UpdatePipeline UpdatePipelineExecution UpdatePipelineVersion UpdateSpace UpdateTrial UpdateTrialComponent
    UpdateUserProfile UpdateWorkforce UpdateWorkteam
"""
FREE_OPERATIONS: frozenset[str] = frozenset(_FREE_NAMES.split())
"""Operations that start, enlarge and prolong nothing by themselves. What they define is judged when it is started:
configurations, schedules' definitions, pipelines, a notebook instance's next type."""

_READ_VERBS = ("BatchDescribe", "BatchGet", "Describe", "Get", "List", "Query", "Search")


def is_plain_read(operation: str) -> bool:
    """Whether an operation only reads."""
    return operation.startswith(_READ_VERBS)


def starts_nothing(operation: str) -> bool:
    """Whether the table says that an operation starts nothing."""
    in_other_tables = operation in JUDGES or operation in REFUSED_OPERATIONS
    return operation in FREE_OPERATIONS or (operation.startswith(_FREE_VERBS) and not in_other_tables)


def judge_request(
    operation: str, request: Request, describe: Describe, reaches_instances: Callable[[], bool]
) -> RequestNeeds:
    """What a request needs. ``describe`` reads what it only names; ``reaches_instances`` tells of an operation that is
    not in the table whether its input has a place for instances. It raises nothing: what it cannot tell is unknown.
    """
    if is_plain_read(operation) or starts_nothing(operation):
        return RequestNeeds()
    if operation in REFUSED_OPERATIONS:
        return RequestNeeds(unknowns=(UnknownNeed(operation, REFUSED_OPERATIONS[operation]),))
    judge = JUDGES.get(operation)
    if judge is None:
        return _unlisted_needs(operation, reaches_instances())
    read: list[Request] = [request]

    def describe_and_keep(name: str, params: Request) -> Request:
        read.append(describe(name, params))
        return read[-1]

    try:
        needs = judge(request, describe_and_keep)
        return replace(needs, notes=(*needs.notes, *volume_notes(read)))
    except NotJudgeable as failure:
        return RequestNeeds(unknowns=(UnknownNeed(failure.source, failure.reason),))
    except NotDescribed as failure:
        return RequestNeeds(unknowns=(UnknownNeed(operation, str(failure).rstrip(".")),))
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # A request that botocore will refuse, or an answer of another form: in either case it is not known what starts.
        reason = f"the request has another form than opskit knows ({type(error).__name__}: {error})"
        return RequestNeeds(unknowns=(UnknownNeed(operation, reason),))


def _unlisted_needs(operation: str, reaches_instances: bool) -> RequestNeeds:
    if reaches_instances:
        return RequestNeeds(unknowns=(UnknownNeed(operation, "the operation is newer than this opskit"),))
    return RequestNeeds(notes=(f"{operation} is newer than this opskit. It names no instances and was let through.",))
