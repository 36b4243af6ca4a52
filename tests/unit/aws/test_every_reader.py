"""Every reader is given answers that lack something: it fails as a read, or says what is unknown, and never breaks.

What must not come out wrong is held where it is decided (``tests/unit/quotas/test_garbled_responses_cli.py``); here the
kind is held: nothing that AWS leaves out, or answers null for, is an exception of Python's.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import opskit
from opskit.aws import log_tail, prices, regions
from opskit.aws.client import AwsClient
from opskit.aws.resource_tags import TagsByArn, list_kind_tags_or_none, read_tags
from opskit.aws.session import open_session
from opskit.core.clock import Clock
from opskit.core.exceptions import OpskitError
from opskit.core.model import Quota, Workload
from opskit.core.workloads import PriceComponent, StoragePrice
from opskit.endpoints.reads import attachments, invocations, scaling, stopped
from opskit.endpoints.reads import endpoints as hosted_endpoints
from opskit.endpoints.reads import models as hosted_models
from opskit.fleet.reads.organization import list_organization_accounts
from opskit.guards.reads.guard_access import read_guard_access
from opskit.increases.reads import support_cases
from opskit.inventory.reads import clusters as billed_clusters
from opskit.inventory.reads import components as billed_components
from opskit.inventory.reads import endpoints as billed_endpoints
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
    requests,
    resource_tags,
    usage,
    usage_metrics,
    utilization_report,
    volumes,
)
from opskit.quotas.reads.code_cache import QuotaCodeCache
from opskit.training.reads import resources, training_log
from tests.fakes.billed_account import billed_answers, trail_event
from tests.fakes.fake_aws import Entry, FakeAws
from tests.fakes.garbled_responses import garbled_responses
from tests.unit.quotas.test_garbled_responses_cli import TYPE, running_resources

pytestmark = pytest.mark.usefixtures("no_backoff")

THEN = 1.7e9
NOW = datetime(2026, 5, 1, tzinfo=UTC)
CODE, NAME = "L-A373146E", f"{TYPE} for training job usage"
SOURCE = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in.csv"}}}
SUMMARY = {"CreationTime": THEN}
REQUEST = {"Id": "r", "QuotaCode": CODE, "QuotaName": NAME, "DesiredValue": 4.0, "Status": "PENDING", "Created": THEN}
CASE = {"caseId": "c", "subject": "a quota", "status": "opened", "recentCommunications": {"communications": [{}]}}
SERVICE = {"code": "s", "name": "S", "categories": [{"code": "c", "name": "C"}]}
NOTEBOOK = {
    "NotebookInstanceName": "n",
    "NotebookInstanceArn": "arn:n",
    "NotebookInstanceStatus": "InService",
    "InstanceType": TYPE,
    "LastModifiedTime": THEN,
    "CreationTime": THEN,
}
SPACE = {
    "SpaceName": "s",
    "DomainId": "d",
    "SpaceSettingsSummary": {"SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}},
}
TRANSFORM = {
    "TransformJobName": "t",
    "TransformJobStatus": "Completed",
    "TransformInput": SOURCE,
    "TransformOutput": {"S3OutputPath": "s3://b/out"},
}
TRAINING = {
    "TrainingJobName": "b",
    "TrainingJobStatus": "Completed",
    "ModelArtifacts": {"S3ModelArtifacts": "s3://b/m"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/out"},
}
ENDPOINT = {"EndpointName": "e", "EndpointStatus": "InService", "EndpointConfigName": "c"}
VARIANT = {"VariantName": "v", "ModelName": "m", "InstanceType": TYPE, "InitialInstanceCount": 1}
MODEL = {
    "ModelName": "m",
    "ModelArn": "arn:m",
    "PrimaryContainer": {"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m"}}},
    "Containers": [{"ModelDataUrl": "s3://b/n"}],
}
HOSTED = {
    **ENDPOINT,
    "EndpointArn": "arn:aws:sagemaker:us-east-1:1:endpoint/e",
    "CreationTime": THEN,
    "LastModifiedTime": THEN,
    "ProductionVariants": [{"VariantName": "v", "DesiredInstanceCount": 1, "DesiredWeight": 1.0}],
    "ShadowProductionVariants": [{"VariantName": "s", "DesiredServerlessConfig": {"ProvisionedConcurrency": 1}}],
    "LastDeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
    "DataCaptureConfig": {"EnableCapture": True, "CaptureStatus": "Started", "CurrentSamplingPercentage": 5},
}
HOSTED_CONFIG = {"EndpointConfigName": "c", "EndpointConfigArn": "arn:c", "ProductionVariants": [VARIANT]}
METRIC_DATA = {
    "MetricDataResults": [{"Id": "m0", "Timestamps": [THEN], "Values": [1.0], "StatusCode": "Complete"}],
    "Messages": [],
}
ATTACHED = {
    "GetEndpointPolicy": {"ResourcePolicy": "{}"},
    "ListMonitoringSchedules": {"MonitoringScheduleSummaries": [{"MonitoringScheduleName": "m"}]},
    "ListInferenceComponents": {"InferenceComponents": [{"InferenceComponentName": "i", "EndpointName": "e"}]},
    "ListInferenceExperiments": {"InferenceExperiments": [{"Name": "x", "Status": "Running"}]},
    "DescribeInferenceExperiment": {"EndpointMetadata": {"EndpointName": "e"}},
}
SCALABLE = {"ResourceId": "endpoint/e/variant/v", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
SCALED = {
    "DescribeScalableTargets": {"ScalableTargets": [{**SCALABLE, "MinCapacity": 1, "MaxCapacity": 2}]},
    "DescribeScalingPolicies": {
        "ScalingPolicies": [
            {**SCALABLE, "PolicyName": "p", "PolicyType": "StepScaling", "Alarms": [{"AlarmName": "a"}]}
        ]
    },
    "DescribeScheduledActions": {
        "ScheduledActions": [{**SCALABLE, "ScheduledActionName": "s", "Schedule": "rate(1h)"}]
    },
}
STOPPED_TAGS = [{"Key": "opskit:stopped-endpoint", "Value": "e stopped at 2026-01-01T00:00:00+00:00 in 1 pieces 0"}]
EVENTS = {"events": [{"message": "a line", "timestamp": 1}], "nextForwardToken": "f", "nextBackwardToken": "b"}
REPORT = {
    "Status": "COMPLETED",
    "GeneratedAt": THEN,
    "Quotas": [{"ServiceCode": "sagemaker", "QuotaCode": CODE, "Utilization": 50.0, "AppliedValue": 4.0}],
}
PRODUCT = {
    "product": {"attributes": {"component": "Training"}},
    "terms": {"OnDemand": {"t": {"priceDimensions": {"d": {"pricePerUnit": {"USD": "0.1"}}}}}},
}

Read = Callable[[AwsClient], Any]
Answers = Mapping[str, Any]
"""What each operation answers: always the same, or what a function makes of the question."""


def listed_as(kind: str, **more: Any) -> dict[str, Any]:
    return {f"{kind}Name": "b", f"{kind}Arn": "arn:b", f"{kind}Status": "InService", **SUMMARY, **more}


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


BILLED = billed_answers()
CONFIG = {"ProductionVariants": [VARIANT], "ShadowProductionVariants": [VARIANT]}
COMPONENTS = {
    "ListInferenceComponents": {
        "InferenceComponents": [
            {
                "InferenceComponentName": "i",
                "InferenceComponentArn": "arn:i",
                "InferenceComponentStatus": "InService",
                "EndpointName": "e",
                "EndpointArn": "arn:e",
                "VariantName": "v",
                "CreationTime": 1700000000,
                "LastModifiedTime": 1700000000,
            }
        ]
    },
    "DescribeInferenceComponent": {
        "InferenceComponentName": "i",
        "InferenceComponentArn": "arn:i",
        "InferenceComponentStatus": "InService",
        "EndpointName": "e",
        "EndpointArn": "arn:e",
        "CreationTime": 1700000000,
        "LastModifiedTime": 1700000000,
        "Specification": {
            "ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1}
        },
        "RuntimeConfig": {"DesiredCopyCount": 1, "CurrentCopyCount": 1},
    },
}
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
        {
            "ListRoots": {"Roots": [{"Id": "r-1"}]},
            "ListOrganizationalUnitsForParent": {"OrganizationalUnits": []},
            "ListAccountsForParent": {"Accounts": [{"Id": "123456789012", "Name": "a", "Status": "ACTIVE"}]},
            "ListAccounts": {"Accounts": [{"Id": "123456789012", "Name": "a", "Status": "ACTIVE"}]},
        },
        lambda client: [list_organization_accounts(client, units, "aws", "opskit", "1") for units in ((), ("r-1",))],
    ),
    "read_guard_access": (
        {"Search": {"Results": []}, "ListEndpoints": {"Endpoints": []}, "GetProducts": {"PriceList": []}},
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
    "read_owner": (
        {"ListTags": {"Tags": [{"Key": "owner", "Value": "v"}]}},
        lambda client: resource_tags.read_owner(client, "arn:n"),
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
        lambda client: volumes.read_volume_sizes(client, [NOTEBOOK]),
    ),
    "sum_volumes": (
        {
            "ListNotebookInstances": {"NotebookInstances": [NOTEBOOK]},
            "DescribeNotebookInstance": {"VolumeSizeInGB": 5},
            "ListSpaces": {"Spaces": [SPACE]},
        },
        volumes.sum_volumes,
    ),
    "read_log_tail": (
        {"DescribeLogStreams": {"logStreams": [{"logStreamName": "b/a"}]}, "GetLogEvents": EVENTS},
        lambda client: log_tail.read_log_tail(client, "g", "b/", Clock(lambda: NOW, lambda seconds: None)),
    ),
    "read_last_events": ({"GetLogEvents": EVENTS}, lambda client: log_tail.read_last_events(client, "g", "s")),
    "read_support": (
        {"DescribeServices": {"services": [SERVICE]}, "DescribeCases": {"cases": [CASE]}},
        support_cases.read_support,
    ),
    "read_support_services": ({"DescribeServices": {"services": [SERVICE]}}, support_cases.read_support_services),
    "read_open_cases": ({"DescribeCases": {"cases": [CASE]}}, support_cases.read_open_cases),
    "open_requests": (
        {"ListRequestedServiceQuotaChangeHistory": {"RequestedQuotas": [REQUEST]}},
        requests.open_requests,
    ),
    "all_requests": (
        {"ListRequestedServiceQuotaChangeHistory": {"RequestedQuotas": [REQUEST]}},
        requests.all_requests,
    ),
    "requests_for_quota": (
        {"ListRequestedServiceQuotaChangeHistoryByQuota": {"RequestedQuotas": [REQUEST]}},
        lambda client: requests.requests_for_quota(client, CODE),
    ),
    "request_report": ({"StartQuotaUtilizationReport": {"ReportId": "r"}}, utilization_report.request_report),
    "read_report": (
        {"GetQuotaUtilizationReport": REPORT},
        lambda client: utilization_report.read_report(client, "r"),
    ),
    "UsageMetrics": (
        {"GetMetricData": {"MetricDataResults": [{"Id": "m0", "Timestamps": [THEN], "Values": [1.0]}]}},
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
    "list_endpoint_births": (
        {"ListEndpoints": {"Endpoints": [listed_as("Endpoint")]}},
        hosted_endpoints.list_endpoint_births,
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
    "read_scaling": (SCALED, lambda client: scaling.read_scaling(client, "e", ["v"])),
    "list_stopped": (
        {"GetResources": {"ResourceTagMappingList": [{"ResourceARN": "arn:c", "Tags": STOPPED_TAGS}]}},
        stopped.list_stopped,
    ),
    "find_stopped": (
        {"DescribeEndpointConfig": HOSTED_CONFIG, "ListTags": {"Tags": STOPPED_TAGS}},
        lambda client: stopped.find_stopped(client, "e", ("c",)),
    ),
    "count_in_use": ({}, lambda client: usage.count_in_use(client, Workload)),
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
    ),
    *("describe_endpoint", "read_endpoint_config"),
    *("list_names", "list_summaries", "describe_resource", "describe_resources", "count_endpoints", "count_instances"),
    *("get_applied_record", "get_record", "iterate_records", "listed_quotas", "nothing_listed", "load_cache"),
    # Their answers are XML, which has no null, or are not looked into.
    *("read_bucket_state", "read_object", "object_exists", "list_object_keys", "find_execution_role", "find_role"),
    *("has_inline_policy", "probe_permissions", "simulate_grants", "read_permissions", "read_clock_skew"),
    # They read Jupyter, whose answers ``tests/unit/notebooks`` garbles.
    *("read_jupyter", "look_inside"),
}


@pytest.fixture
def told_account(fake_aws: FakeAws) -> FakeAws:
    fake_aws.quotas = [Entry(NAME, CODE, 4, 1), Entry("another", "L-00000001", 1, 1)]
    fake_aws.running = running_resources()
    return fake_aws


@pytest.mark.parametrize("reader", READERS)
def test_no_reader_breaks_on_what_an_answer_lacks(
    told_account: FakeAws, isolated_home: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, read = READERS[reader]
    told_account.running |= {
        operation: told if callable(told) else lambda _, told=told: told  # type: ignore[misc]
        for operation, told in answers.items()
    }
    bodies: dict[str, list[str]] = {}

    def note_body(operation: str, body: str) -> tuple[int, str]:
        bodies.setdefault(operation, []).append(body)
        return 200, body

    told_account.garble = note_body
    client = open_session().client("us-east-1")
    monkeypatch.setattr(type(client.session), "rate_limiter", _no_rates(client))
    read(client)
    assert bodies
    broken = list(_broken_reads(told_account, bodies, lambda: read(client)))
    assert broken == []


def _no_rates(client: AwsClient) -> Callable[..., Any]:
    """One limiter for all, so that hundreds of reads do not wait for their rates."""
    from opskit.aws.pacing import RateLimiter

    limiter = RateLimiter()
    return lambda *_: limiter


def _broken_reads(aws: FakeAws, bodies: Mapping[str, list[str]], once: Callable[[], Any]) -> Iterator[str]:
    """Every garbled answer that a reader broke on, with the exception."""
    for operation, told in bodies.items():
        in_json = [body for body in told if body.startswith("{")]
        for how, garble in (garbled_responses(in_json, 99) if in_json else {}).items():
            aws.garble = lambda called, body, on=operation, garble=garble: (  # type: ignore[misc]
                garble(body) if called == on else (200, body)
            )
            try:
                once()
            except OpskitError:
                continue
            except Exception as error:
                yield f"{operation} {how}: {type(error).__name__}: {error}"


def test_every_reader_of_aws_is_among_them() -> None:
    readers = {name for module in _read_modules() for name, read in vars(module).items() if _is_reader(module, read)}
    assert sorted(readers - READERS.keys() - COVERED_ELSEWHERE) == []


def _read_modules() -> Iterator[Any]:
    for each in pkgutil.walk_packages(opskit.__path__, "opskit."):
        feature, _, layer = each.name.removeprefix("opskit.").partition(".")
        if feature != "sandbox" and layer.startswith("reads."):
            yield importlib.import_module(each.name)


def _is_reader(module: Any, read: object) -> bool:
    """Whether it is a public function of the module's own that takes a client first."""
    if not inspect.isfunction(read) or read.__module__ != module.__name__ or read.__name__.startswith("_"):
        return False
    return next(iter(inspect.signature(read).parameters), "") == "client"
