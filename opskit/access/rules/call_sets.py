"""Sets of AWS operations that a purpose needs, such as reading quotas. The table of commands is made of these."""

from __future__ import annotations

from collections.abc import Mapping

from opskit.core.workloads import UsageCounter
from opskit.increases.rules.channel import Channel
from opskit.notebooks.rules.enums import EvidenceSource


def service_calls(service: str, *operations: str) -> frozenset[str]:
    """Operations of one service, as the tests record them: ``service:Operation``."""
    return frozenset(f"{service}:{operation}" for operation in operations)


CALLER_IDENTITY = service_calls("sts", "GetCallerIdentity")
RESOURCE_TAGS = service_calls("resourcegroupstaggingapi", "GetResources") | service_calls("sagemaker", "ListTags")
EVENT_HISTORY = CALLER_IDENTITY | service_calls("cloudtrail", "LookupEvents")
PRICES = service_calls("pricing", "GetProducts")
QUOTA_VALUES = CALLER_IDENTITY | service_calls(
    "service-quotas",
    "GetAWSDefaultServiceQuota",
    "GetServiceQuota",
    "ListAWSDefaultServiceQuotas",
    "ListServiceQuotas",
)
OTHER_ACCOUNTS = (
    CALLER_IDENTITY
    | service_calls("sts", "AssumeRole")
    | service_calls(
        "organizations", "ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListRoots"
    )
)
ALL_REQUESTS = service_calls("service-quotas", "ListRequestedServiceQuotaChangeHistory")
REQUESTS_OF_QUOTA = service_calls("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
SUPPORT_READS = service_calls("support", "DescribeCases", "DescribeServices")
FILE_REQUEST = REQUESTS_OF_QUOTA | service_calls("service-quotas", "RequestServiceQuotaIncrease")
_CASE_OF_REQUEST = service_calls("service-quotas", "CreateSupportCase")
_SUPPORT_CASE = REQUESTS_OF_QUOTA | _CASE_OF_REQUEST | SUPPORT_READS | service_calls("support", "CreateCase")
CHANNEL_CALLS: Mapping[Channel, frozenset[str]] = {
    Channel.AUTO: FILE_REQUEST | _SUPPORT_CASE,
    Channel.SERVICE_QUOTAS: FILE_REQUEST | _CASE_OF_REQUEST,
    Channel.SUPPORT: _SUPPORT_CASE,
    Channel.CONSOLE: REQUESTS_OF_QUOTA,
}
"""What each channel for an increase calls."""
_ANY_CHANNEL = frozenset[str]().union(*CHANNEL_CALLS.values())
VIA_CALLS = _ANY_CHANNEL - FILE_REQUEST
"""What is left to a flag: without it, the automatic channel has Service Quotas alone."""
REQUEST_INCREASE = QUOTA_VALUES | ALL_REQUESTS | _ANY_CHANNEL  # all requests where those of one quota cannot be read
_COUNT_TRAINING_JOBS = service_calls("sagemaker", "DescribeTrainingJob", "ListTrainingJobs", "Search")
COUNT_CALLS: Mapping[UsageCounter, frozenset[str]] = {
    UsageCounter.TRAINING_JOBS: _COUNT_TRAINING_JOBS,
    UsageCounter.TRANSFORM_JOBS: service_calls("sagemaker", "DescribeTransformJob", "ListTransformJobs"),
    UsageCounter.PROCESSING_JOBS: service_calls("sagemaker", "DescribeProcessingJob", "ListProcessingJobs"),
    UsageCounter.ENDPOINTS: service_calls("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "ListEndpoints"),
    UsageCounter.NOTEBOOKS: service_calls("sagemaker", "DescribeNotebookInstance", "ListNotebookInstances"),
    UsageCounter.WARM_POOLS: _COUNT_TRAINING_JOBS,  # each is an ended job's
    UsageCounter.STUDIO_APPS: service_calls("sagemaker", "DescribeApp", "ListApps", "ListSpaces"),
    UsageCounter.CLUSTERS: service_calls("sagemaker", "DescribeCluster", "ListClusters"),
}
"""What counts the instances of a kind."""
COUNT_ENDPOINTS = COUNT_CALLS[UsageCounter.ENDPOINTS]
COUNT_RUNS = COUNT_ENDPOINTS | COUNT_CALLS[UsageCounter.TRAINING_JOBS] | COUNT_CALLS[UsageCounter.TRANSFORM_JOBS]
COUNT_IN_USE = frozenset[str]().union(*COUNT_CALLS.values())
HOLDER_KINDS: Mapping[UsageCounter, str] = {
    UsageCounter.TRAINING_JOBS: "training-job",
    UsageCounter.TRANSFORM_JOBS: "transform-job",
    UsageCounter.PROCESSING_JOBS: "processing-job",
    UsageCounter.ENDPOINTS: "endpoint",
    UsageCounter.NOTEBOOKS: "notebook-instance",
    UsageCounter.WARM_POOLS: "training-job",
    UsageCounter.STUDIO_APPS: "app",
    UsageCounter.CLUSTERS: "cluster",
}
"""The kind of resource that holds what is counted, as ARNs name it: `quotas check` reads whose it is from its tags."""
NOTEBOOK_LOGS = service_calls("logs", "GetLogEvents")
EVIDENCE_CALLS: Mapping[EvidenceSource, frozenset[str]] = {
    EvidenceSource.JUPYTER: service_calls("sagemaker", "CreatePresignedNotebookInstanceUrl"),
    EvidenceSource.LOGS: NOTEBOOK_LOGS,
}
"""What reads each source of evidence."""
_ANY_EVIDENCE = frozenset[str]().union(*EVIDENCE_CALLS.values())
EVIDENCE_FLAG_CALLS = _ANY_EVIDENCE - EVIDENCE_CALLS[EvidenceSource.JUPYTER]
FAILURE_LOGS = service_calls("logs", "DescribeLogStreams", "GetLogEvents")  # of what failed
INSPECT_NOTEBOOKS = (
    PRICES
    | _ANY_EVIDENCE
    | service_calls("resourcegroupstaggingapi", "GetResources")
    | service_calls("sagemaker", "DescribeNotebookInstance", "ListNotebookInstances", "ListTags")
)
ONE_NOTEBOOK = CALLER_IDENTITY | service_calls("sagemaker", "DescribeNotebookInstance")
NOTEBOOK_HEADROOM = (
    ONE_NOTEBOOK
    | NOTEBOOK_LOGS
    | QUOTA_VALUES
    | ALL_REQUESTS
    | PRICES
    | service_calls("sagemaker", "ListNotebookInstances")
)
CHOSEN_NOTEBOOKS = service_calls("sagemaker", "ListNotebookInstances", "ListTags")
START_NOTEBOOK = NOTEBOOK_HEADROOM | service_calls("sagemaker", "StartNotebookInstance")
CREATE_NOTEBOOK = (
    NOTEBOOK_HEADROOM
    | service_calls("iam", "CreateRole", "GetRole", "GetRolePolicy", "PutRolePolicy")
    | service_calls("sagemaker", "CreateNotebookInstance", "ListTags")
)
DEPLOY = (
    QUOTA_VALUES
    | ALL_REQUESTS
    | PRICES
    | COUNT_ENDPOINTS
    | FAILURE_LOGS
    | service_calls("sagemaker", "CreateEndpoint", "CreateEndpointConfig")
)
TRAIN = (
    DEPLOY
    | REQUEST_INCREASE
    | COUNT_RUNS
    | service_calls("iam", "GetRole", "ListRoles")
    | service_calls("s3", "CreateBucket", "GetObject", "HeadBucket", "HeadObject", "PutObject")
    | service_calls(
        "sagemaker", "CreateModel", "CreateTrainingJob", "CreateTransformJob", "DescribeModel", "StopTransformJob"
    )
)
CLEANUP = (
    CALLER_IDENTITY
    | service_calls("s3", "DeleteObjects", "ListObjectsV2")
    | service_calls("sagemaker", "DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel", "ListTags")
    | service_calls("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel", "DescribeTrainingJob")
    | service_calls(
        "sagemaker", "ListEndpointConfigs", "ListEndpoints", "ListModels", "ListTrainingJobs", "ListTransformJobs"
    )
)
STOP_NOTEBOOKS = (
    INSPECT_NOTEBOOKS
    | CALLER_IDENTITY
    | service_calls("sagemaker", "AddTags", "DeleteTags", "DescribeNotebookInstance", "StopNotebookInstance")
)
ONE_ENDPOINT = CALLER_IDENTITY | service_calls("sagemaker", "DescribeEndpoint", "DescribeEndpointConfig", "ListTags")
INSPECT_ENDPOINTS = (
    CALLER_IDENTITY  # whose configurations are remembered
    | PRICES
    | COUNT_ENDPOINTS
    | service_calls("cloudwatch", "GetMetricData")
    | service_calls("resourcegroupstaggingapi", "GetResources")
    | service_calls("sagemaker", "ListInferenceComponents", "ListTags")
)
ENDPOINT_SCALING = service_calls(
    "application-autoscaling", "DescribeScalableTargets", "DescribeScalingPolicies", "DescribeScheduledActions"
)
STOP_ENDPOINTS = (
    INSPECT_ENDPOINTS
    | ENDPOINT_SCALING
    | QUOTA_VALUES
    | ALL_REQUESTS
    | service_calls("s3", "HeadObject", "ListObjectsV2")
    | service_calls("sagemaker", "AddTags", "DeleteEndpoint", "DeleteTags", "DescribeModel", "GetEndpointPolicy")
    | service_calls("sagemaker", "DescribeInferenceExperiment", "ListInferenceExperiments", "ListMonitoringSchedules")
)
START_ENDPOINT = (
    COUNT_ENDPOINTS
    | FAILURE_LOGS
    | ENDPOINT_SCALING
    | QUOTA_VALUES
    | ALL_REQUESTS
    | service_calls("resourcegroupstaggingapi", "GetResources")
    | service_calls("application-autoscaling", "PutScalingPolicy", "PutScheduledAction", "RegisterScalableTarget")
    | service_calls("sagemaker", "AddTags", "CreateEndpoint", "DeleteEndpoint", "DeleteTags")
    | service_calls("sagemaker", "ListEndpointConfigs", "ListTags", "UpdateEndpointWeightsAndCapacities")
)
CHECK_QUOTAS = QUOTA_VALUES | ALL_REQUESTS | COUNT_IN_USE
NOTIFY = service_calls("sns", "Publish")
LIST_QUOTAS = (
    CALLER_IDENTITY  # whose jobs are remembered
    | ALL_REQUESTS
    | COUNT_IN_USE
    | service_calls("cloudwatch", "GetMetricData")
    | service_calls("sagemaker", "DescribeNotebookInstance", "ListSpaces")
    | service_calls(
        "service-quotas",
        "GetQuotaUtilizationReport",
        "ListAWSDefaultServiceQuotas",
        "ListServiceQuotas",
        "StartQuotaUtilizationReport",
    )
)
GUARD = (
    QUOTA_VALUES
    | ALL_REQUESTS
    | COUNT_RUNS
    | PRICES
    | service_calls("sagemaker", "DescribeProcessingJob", "ListNotebookInstances", "ListProcessingJobs")
)
# What a plan uses and does not define itself is described, as its endpoint configuration.
GUARD_PLAN = (
    COUNT_IN_USE
    | service_calls(
        "sagemaker",
        "DescribeCluster",
        "DescribeEndpoint",
        "DescribeEndpointConfig",
        "DescribeNotebookInstance",
        "DescribePipeline",
        "DescribeSpace",
        "DescribeTrainingJob",
        "DescribeUserProfile",
    )
) - GUARD
ENDPOINT_METRICS = service_calls("cloudwatch", "GetMetricData")
COSTS = (
    CALLER_IDENTITY
    | PRICES
    | COUNT_RUNS
    | EVENT_HISTORY
    | service_calls("resourcegroupstaggingapi", "GetResources")
    | service_calls(
        "sagemaker",
        "DescribeApp",
        "DescribeAutoMLJobV2",
        "DescribeCluster",
        "DescribeHyperParameterTuningJob",
        "DescribeInferenceComponent",
        "DescribeLabelingJob",
        "DescribeNotebookInstance",
        "DescribeProcessingJob",
        "ListApps",
        "ListAutoMLJobs",
        "ListClusters",
        "ListHyperParameterTuningJobs",
        "ListInferenceComponents",
        "ListLabelingJobs",
        "ListMlflowApps",
        "ListMlflowTrackingServers",
        "ListNotebookInstances",
        "ListPartnerApps",
        "ListProcessingJobs",
        "ListSpaces",
        "ListTags",
        "ListTrainingPlans",
    )
)
