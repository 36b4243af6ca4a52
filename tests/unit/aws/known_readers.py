"""Every reader of AWS, with the answers that it reads, and how to call it. A new reader is a row here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from opskit.aws import log_tail, prices, regions, resource_tags
from opskit.aws.client import AwsClient
from opskit.aws.resource_tags import TagsByArn, list_kind_tags_or_none, read_tags
from opskit.core.clock import Clock
from opskit.core.model import Quota, Workload
from opskit.core.workloads import WORKLOADS, PriceComponent, StoragePrice, UsageCounter
from opskit.endpoints.reads import attachments, invocations, stopped
from opskit.endpoints.reads import endpoints as hosted_endpoints
from opskit.endpoints.reads import models as hosted_models
from opskit.fleet.reads import list_organization_accounts
from opskit.guards.reads.guard_access import read_guard_access
from opskit.increases import reads
from opskit.inventory.reads import clusters as billed_clusters
from opskit.inventory.reads import endpoints as billed_endpoints
from opskit.inventory.reads import inference_components as billed_components
from opskit.inventory.reads import jobs as billed_jobs
from opskit.inventory.reads import notebooks as billed_notebooks
from opskit.inventory.reads import parent_jobs, servers, trail_events
from opskit.inventory.reads import prices as billed_prices
from opskit.inventory.reads import studio as billed_studio
from opskit.inventory.reads import tags as billed_tags
from opskit.inventory.rules.running_resource import (
    BilledConcurrency,
    BilledInstances,
    BilledKind,
    BilledPart,
    BilledVolume,
    RunningResource,
)
from opskit.notebooks.reads import jupyter_log, notebooks
from opskit.quotas.reads import (
    all_quotas,
    quotas,
    service_quotas,
    usage,
    usage_listings,
    usage_metrics,
    utilization_report,
)
from opskit.quotas.reads.code_cache import QuotaCodeCache
from opskit.training.reads import resources, training_log
from tests.fakes.billed_account import trail_event
from tests.fakes.reader_answers import (
    ATTACHED,
    BILLED,
    CASE,
    CODE,
    COMPONENTS,
    CONFIG,
    ENDPOINT,
    EVENTS,
    HOSTED,
    HOSTED_CONFIG,
    METRIC_DATA,
    MODEL,
    NAME,
    NOTEBOOK,
    NOW,
    ORGANIZATION,
    PRODUCT,
    REPORT,
    REQUEST,
    SCALED,
    SERVICE,
    SPACE,
    STOPPED_TAGS,
    TRAINING,
    TRANSFORM,
    listed_as,
)
from tests.unit.quotas.test_garbled_responses_cli import TYPE

Read = Callable[[AwsClient], Any]
Answers = Mapping[str, Any]
"""What each operation answers: always the same, or what a function makes of the question."""


def read_metrics(client: AwsClient) -> Any:
    metrics = usage_metrics.UsageMetrics(client, NOW)
    metrics.add(CODE, {"MetricDimensions": {"Resource": "training-job/x"}})
    return metrics.results()


def read_use(client: AwsClient) -> Any:
    subject = invocations.MetricSubject("e", ("v",), ("i",), is_async=True)
    (use,) = invocations.read_endpoint_use(client, [subject], NOW)
    return use


def read_every_price(client: AwsClient) -> Any:
    parts = (
        BilledInstances(TYPE, 1, PriceComponent.TRAINING),
        BilledVolume(1, StoragePrice.NOTEBOOK),
        BilledConcurrency(2048, 1),
    )
    return billed_prices.read_prices(client, [billed_resource(*parts)], datetime.now(UTC))


def billed_resource(*parts: BilledPart) -> RunningResource:
    return RunningResource("r", BilledKind.ENDPOINT, "n", "arn", "InService", NOW, parts)


READERS: dict[str, tuple[Answers, Read]] = {
    "list_training_jobs": (
        {"ListTrainingJobs": {"TrainingJobSummaries": [listed_as("TrainingJob")]}},
        lambda client: resources.list_training_jobs(client, "b"),
    ),
    "list_transform_jobs": (
        {"ListTransformJobs": {"TransformJobSummaries": [listed_as("TransformJob")]}},
        lambda client: resources.list_transform_jobs(client, "b"),
    ),
    "list_endpoints": (
        {"ListEndpoints": {"Endpoints": [listed_as("Endpoint")]}},
        lambda client: resources.list_endpoints(client, "b"),
    ),
    "list_models": ({"ListModels": {"Models": [listed_as("Model")]}}, lambda client: resources.list_models(client, "")),
    "list_named": (
        {"ListEndpointConfigs": {"EndpointConfigs": [listed_as("EndpointConfig")]}},
        lambda client: resources.list_named(client, resources.ListableKind.CONFIG, "b"),
    ),
    "list_organization_accounts": (
        ORGANIZATION,
        lambda client: [
            list_organization_accounts(client, units, "aws", "opskit", "1") for units in ((), ("r-1",), ("u",))
        ],
    ),
    "read_guard_access": (
        {"GetProducts": {"PriceList": [json.dumps(PRODUCT)]}},
        lambda client: read_guard_access(client, with_prices=True),
    ),
    "read_training_job": (
        {"DescribeTrainingJob": TRAINING},
        lambda client: resources.read_training_job(client, "b"),
    ),
    "read_transform_job": (
        {"DescribeTransformJob": TRANSFORM},
        lambda client: resources.read_transform_job(client, "t"),
    ),
    "read_endpoint": ({"DescribeEndpoint": ENDPOINT}, lambda client: resources.read_endpoint(client, "e")),
    "read_endpoint_instances": (
        {"DescribeEndpointConfig": CONFIG},
        lambda client: resources.read_endpoint_instances(client, "c"),
    ),
    "models_of_config": ({"DescribeEndpointConfig": CONFIG}, lambda client: resources.models_of_config(client, "c")),
    "model_data": ({"DescribeModel": MODEL}, lambda client: resources.model_data(client, "m")),
    "model_exists": ({"DescribeModel": MODEL}, lambda client: resources.model_exists(client, "m")),
    "new_lines": (
        {"DescribeLogStreams": {"logStreams": [{"logStreamName": "b/a"}]}, "GetLogEvents": EVENTS},
        lambda client: list(training_log.TrainingLog("b").new_lines(client)),
    ),
    "list_notebooks": (
        {"ListNotebookInstances": {"NotebookInstances": [NOTEBOOK]}},
        lambda client: list(notebooks.list_notebooks(client)),
    ),
    "read_notebook": ({"DescribeNotebookInstance": NOTEBOOK}, lambda client: notebooks.read_notebook(client, "n")),
    "get_notebook": ({"DescribeNotebookInstance": NOTEBOOK}, lambda client: notebooks.get_notebook(client, "n")),
    "read_tags": (
        {"ListTags": {"Tags": [{"Key": "k", "Value": "v"}]}},
        lambda client: read_tags(client, "arn:n"),
    ),
    "list_notebook_tags": (
        {"GetResources": {"ResourceTagMappingList": [{"ResourceARN": "arn:n", "Tags": [{"Key": "k", "Value": "v"}]}]}},
        lambda client: list_kind_tags_or_none(client, "sagemaker:notebook-instance"),
    ),
    "read_holder_owner": (
        {"ListTags": {"Tags": [{"Key": "owner", "Value": "v"}]}},
        lambda client: resource_tags.read_holder_owner(client, "arn:n"),
    ),
    "read_presigned_url": (
        {"CreatePresignedNotebookInstanceUrl": {"AuthorizedUrl": "https://n"}},
        lambda client: notebooks.read_presigned_url(client, "n"),
    ),
    "read_last_line_time": ({"GetLogEvents": EVENTS}, lambda client: jupyter_log.read_last_line_time(client, "n")),
    "read_script_line": ({"GetLogEvents": EVENTS}, lambda client: jupyter_log.read_script_line(client, "n")),
    "read_owners": (
        {
            "GetResources": {
                "ResourceTagMappingList": [{"ResourceARN": "arn:n0", "Tags": [{"Key": "owner", "Value": "v"}]}]
            }
        },
        lambda client: resource_tags.read_owners(client, [f"arn:n{number}" for number in range(6)]),
    ),
    "read_volume_sizes": (
        {"DescribeNotebookInstance": {"VolumeSizeInGB": 5}},
        lambda client: usage_listings.read_volume_sizes(client, [NOTEBOOK]),
    ),
    "sum_volumes": (
        {
            "ListNotebookInstances": {"NotebookInstances": [NOTEBOOK]},
            "DescribeNotebookInstance": {"VolumeSizeInGB": 5},
            "ListSpaces": {"Spaces": [SPACE]},
        },
        usage_listings.sum_volumes,
    ),
    "read_log_tail": (
        {"DescribeLogStreams": {"logStreams": [{"logStreamName": "b/a"}]}, "GetLogEvents": EVENTS},
        lambda client: log_tail.read_log_tail(client, "g", "b/", Clock(lambda: NOW, lambda seconds: None)),
    ),
    "read_last_events": ({"GetLogEvents": EVENTS}, lambda client: log_tail.read_last_events(client, "g", "s")),
    "read_support": (
        {"DescribeServices": {"services": [SERVICE]}, "DescribeCases": {"cases": [CASE]}},
        reads.read_support,
    ),
    "read_support_services": ({"DescribeServices": {"services": [SERVICE]}}, reads.read_support_services),
    "read_open_cases": ({"DescribeCases": {"cases": [CASE]}}, reads.read_open_cases),
    "open_requests": ({}, service_quotas.open_requests),
    "all_requests": ({}, service_quotas.all_requests),
    "requests_for_quota": (
        {"ListRequestedServiceQuotaChangeHistoryByQuota": {"RequestedQuotas": [REQUEST]}},
        lambda client: service_quotas.requests_for_quota(client, CODE),
    ),
    "request_report": ({"StartQuotaUtilizationReport": {"ReportId": "r"}}, utilization_report.request_report),
    "read_utilization_report": (
        {"GetQuotaUtilizationReport": REPORT},
        lambda client: utilization_report.read_utilization_report(client, "r"),
    ),
    "UsageMetrics": (
        {"GetMetricData": METRIC_DATA},
        read_metrics,
    ),
    "read_quotas": ({}, lambda client: quotas.read_quotas(client, [NAME, "new"], QuotaCodeCache(NOW))),
    "read_cached_quotas": ({}, lambda client: quotas.read_cached_quotas(client, [NAME], QuotaCodeCache(NOW))),
    "add_default": ({}, lambda client: quotas.add_default(client, Quota("us-east-1", NAME, CODE, 4, None))),
    "read_all_quotas": ({}, lambda client: all_quotas.read_all_quotas(client, lambda code, metric, value: None)),
    "read_price": (
        {"GetProducts": {"PriceList": [json.dumps(PRODUCT)]}},
        lambda client: prices.read_price(client, TYPE, PriceComponent.TRAINING),
    ),
    "read_workload_price": (
        {"GetProducts": {"PriceList": [json.dumps(PRODUCT)]}},
        lambda client: prices.read_workload_price(client, TYPE, Workload.TRAINING),
    ),
    **{
        read.__name__: (BILLED, read)
        for read in (
            billed_notebooks.read_notebooks,
            billed_endpoints.read_endpoints,
            billed_jobs.read_training_jobs,
            billed_jobs.read_transform_jobs,
            billed_jobs.read_processing_jobs,
            billed_studio.read_studio,
            billed_clusters.read_clusters,
            parent_jobs.read_tuning_jobs,
            parent_jobs.read_automl_jobs,
            parent_jobs.read_labeling_jobs,
            servers.read_tracking_servers,
            servers.read_mlflow_apps,
            servers.read_partner_apps,
            servers.read_training_plans,
        )
    },
    "read_components": (COMPONENTS, billed_components.read_components),
    "list_components": (COMPONENTS, billed_components.list_components),
    "read_prices": (BILLED, read_every_price),
    "read_tag_index": (BILLED, billed_tags.read_tag_index),
    "read_missing_tags": (
        {"ListTags": {"Tags": [{"Key": "k", "Value": "v"}]}},
        lambda client: billed_tags.read_missing_tags(client, [billed_resource()], TagsByArn()),
    ),
    "look_up_owners": (
        {"LookupEvents": {"Events": [trail_event("CreateEndpoint", 1, "bob", {"endpointName": "n"})]}},
        lambda client: trail_events.look_up_owners(client, [billed_resource()], NOW),
    ),
    "enabled_regions": ({}, regions.enabled_regions),
    "list_endpoint_names": (
        {"ListEndpoints": {"Endpoints": [listed_as("Endpoint")]}},
        hosted_endpoints.list_endpoint_names,
    ),
    "list_endpoint_creation_times": (
        {"ListEndpoints": {"Endpoints": [listed_as("Endpoint")]}},
        hosted_endpoints.list_endpoint_creation_times,
    ),
    "read_hosted_endpoint": (
        {"DescribeEndpoint": HOSTED, "DescribeEndpointConfig": HOSTED_CONFIG},
        lambda client: hosted_endpoints.read_hosted_endpoint(client, "e"),
    ),
    "list_config_arns": (
        {"ListEndpointConfigs": {"EndpointConfigs": [listed_as("EndpointConfig")]}},
        lambda client: list(hosted_endpoints.list_config_arns(client)),
    ),
    "read_model_parts": (
        {"DescribeModel": MODEL},
        lambda client: hosted_models.read_model_parts(client, HOSTED_CONFIG),
    ),
    "read_endpoint_use": ({"GetMetricData": METRIC_DATA}, read_use),
    "read_attachments": (ATTACHED, lambda client: attachments.read_attachments(client, "e")),
    "list_component_names": (ATTACHED, attachments.list_component_names),
    "read_scaling": (SCALED, lambda client: attachments.read_scaling(client, "e", ["v"])),
    "list_stopped": (
        {"GetResources": {"ResourceTagMappingList": [{"ResourceARN": "arn:c", "Tags": STOPPED_TAGS}]}},
        stopped.list_stopped,
    ),
    "find_stopped": (
        {
            "GetResources": {"ResourceTagMappingList": [{"ResourceARN": "arn:d", "Tags": []}]},
            "DescribeEndpointConfig": HOSTED_CONFIG,
            "ListTags": {"Tags": STOPPED_TAGS},
        },
        lambda client: stopped.find_stopped(client, "e", ("c",)),
    ),
    # Each listing by itself: with all in one row each of the hundreds of answers would read all the others again.
    **{
        f"count_in_use {counter}": (
            {},
            partial(
                usage.count_in_use, workloads=[each for each, spec in WORKLOADS.items() if spec.counter is counter]
            ),
        )
        for counter in UsageCounter
    },
}
COVERED_ELSEWHERE = {
    # Parts of other readers, which are given the same answers through them.
    *(
        "count_training_jobs",
        "count_warm_pools",
        "read_live_jobs",
        "read_live_training_jobs",
        "list_live_jobs",
        "describe_jobs",
        "remember_ended_jobs",
        "sum_notebook_volumes",
        "sum_space_volumes",
        "read_missing_prices",
    ),
    *("describe_endpoint", "describe_listed", "read_endpoint_config"),
    *("list_names", "list_summaries", "describe_resource", "describe_resources", "count_endpoints", "count_instances"),
    *("get_applied_record", "get_record", "listed_quotas", "nothing_listed", "load_cache"),
    # Their answers are XML, which has no null, or are not looked into.
    *("read_bucket_state", "read_object", "object_exists", "list_object_keys", "find_execution_role", "find_role"),
    *("has_inline_policy", "probe_permissions", "simulate_grants", "read_permissions", "read_clock_skew"),
    # They read Jupyter, whose answers ``tests/unit/notebooks`` garbles.
    *("read_jupyter", "inspect_inside"),
}
