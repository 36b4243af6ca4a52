"""What bills besides: MLflow tracking servers and apps, partner apps, and training plans."""

from __future__ import annotations

from collections.abc import Callable

from opskit.aws.client import AwsClient, parse_errors_as_aws
from opskit.core.exceptions import AwsError
from opskit.core.result_or_error import unknown_from_error
from opskit.inventory.rules.running_resource import (
    BilledKind,
    BilledVerdict,
    InventoryPart,
    RunningResource,
    aws_sagemaker_command,
)
from opskit.quotas.reads.descriptions import Response

_PAGE = 100
_NO_SUCH_OPERATION = "UnknownOperationException"
_NO_PRICE = "opskit does not know the price of {}"
_ENDED_MLFLOW_APP = ("CreateFailed", "Deleted")
_ENDED_PARTNER_APP = ("Deleted", "Failed")
_PLAN_RUNS = "Active"


def read_tracking_servers(client: AwsClient) -> InventoryPart:
    """The MLflow tracking servers of a Region that are not stopped."""
    return _read_listed(
        client, "list_mlflow_tracking_servers", "TrackingServerSummaries", "TrackingServerName", _server
    )


def read_mlflow_apps(client: AwsClient) -> InventoryPart:
    """The MLflow apps of a Region."""
    return _read_listed(client, "list_mlflow_apps", "Summaries", "Arn", _mlflow_app)


def read_partner_apps(client: AwsClient) -> InventoryPart:
    """The partner AI apps of a Region."""
    return _read_listed(client, "list_partner_apps", "Summaries", "Arn", _partner_app)


def read_training_plans(client: AwsClient) -> InventoryPart:
    """The training plans of a Region that hold their instances now; they are paid in advance."""
    return _read_listed(client, "list_training_plans", "TrainingPlanSummaries", "TrainingPlanName", _training_plan)


def _read_listed(
    client: AwsClient,
    operation: str,
    key: str,
    required: str,
    to_resource: Callable[[str, Response], RunningResource | None],
) -> InventoryPart:
    try:
        summaries = _list_records(client, operation, key, required)
    except AwsError as failure:
        # A Region whose SageMaker does not know a newer operation has none of what it lists.
        is_not_there = failure.aws_code == _NO_SUCH_OPERATION
        return InventoryPart() if is_not_there else InventoryPart(gaps=(unknown_from_error(failure),))
    found = [to_resource(client.region, summary) for summary in summaries]
    return InventoryPart(tuple(each for each in found if each is not None))


def _list_records(client: AwsClient, operation: str, key: str, required: str) -> list[Response]:
    pages = client.paginate("sagemaker", operation, MaxResults=_PAGE)
    with parse_errors_as_aws(client, f"sagemaker:{operation}"):
        summaries: list[Response] = [summary for page in pages for summary in page[key]]
        for summary in summaries:
            summary[required]
    return summaries


def _server(region: str, summary: Response) -> RunningResource | None:
    name = str(summary["TrackingServerName"])
    if summary.get("IsActive") == "Inactive":
        return None
    return RunningResource(
        region,
        BilledKind.OTHER,
        name,
        str(summary.get("TrackingServerArn", "")),
        str(summary.get("TrackingServerStatus", "")),
        summary.get("CreationTime"),
        unpriced=_NO_PRICE.format("MLflow tracking servers"),
        reason="an MLflow tracking server bills until it is stopped",
        stop_with=aws_sagemaker_command("stop-mlflow-tracking-server", region, tracking_server_name=name),
    )


def _mlflow_app(region: str, summary: Response) -> RunningResource | None:
    arn, status = str(summary["Arn"]), str(summary.get("Status", ""))
    if status in _ENDED_MLFLOW_APP:
        return None
    return RunningResource(
        region,
        BilledKind.OTHER,
        str(summary.get("Name") or arn),
        arn,
        status,
        summary.get("CreationTime"),
        unpriced=_NO_PRICE.format("MLflow apps"),
        verdict=BilledVerdict.UNKNOWN,
        reason="an MLflow app may bill",
        stop_with=aws_sagemaker_command("delete-mlflow-app", region, arn=arn),
    )


def _partner_app(region: str, summary: Response) -> RunningResource | None:
    arn, status = str(summary["Arn"]), str(summary.get("Status", ""))
    if status in _ENDED_PARTNER_APP:
        return None
    return RunningResource(
        region,
        BilledKind.OTHER,
        str(summary.get("Name") or arn),
        arn,
        status,
        summary.get("CreationTime"),
        unpriced=_NO_PRICE.format("partner AI apps"),
        reason="a partner AI app bills until it is deleted",
        stop_with=aws_sagemaker_command("delete-partner-app", region, arn=arn),
    )


def _training_plan(region: str, summary: Response) -> RunningResource | None:
    if summary.get("Status") != _PLAN_RUNS:
        return None
    fee, currency = summary.get("UpfrontFee"), summary.get("CurrencyCode")
    paid = f"paid in advance: {fee} {currency}" if fee and currency else "paid in advance"
    return RunningResource(
        region,
        BilledKind.OTHER,
        str(summary["TrainingPlanName"]),
        str(summary.get("TrainingPlanArn", "")),
        str(summary["Status"]),
        summary.get("StartTime"),
        free=paid,
        reason="a training plan, whose instances bill nothing more",
    )
