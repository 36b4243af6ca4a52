"""Gets predictions from a workflow's endpoint."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError, GuardRefused
from opskit.training.reads import resources
from opskit.training.rules.job_names import is_owned_name
from opskit.training.rules.model import Workflow

# Small enough for InvokeEndpoint's limits on the body's size and on the time for a response.
_BATCH_ROWS = 500


def predict_rows(client: AwsClient, workflow: Workflow, rows: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """The name of the workflow's newest endpoint, and its prediction for each row of features.

    Raises:
        GuardRefused: no endpoint of the workflow is in service.
        AwsError: there was no response, or not one number per row.
    """
    name = _newest_endpoint(client, workflow)
    values: list[float] = []
    for start in range(0, len(rows), _BATCH_ROWS):
        values += _invoke_rows(client, name, rows[start : start + _BATCH_ROWS])
    return name, tuple(values)


def _newest_endpoint(client: AwsClient, workflow: Workflow) -> str:
    statuses = {
        name: status
        for name, status in resources.list_endpoints(client, f"{workflow.name}-").items()
        if is_owned_name(workflow.name, name)
    }
    # The listing is newest first, so the first one in service belongs to the newest model.
    for name, status in statuses.items():
        if status.traits.is_in_service:
            return name
    transitioning = [name for name, status in statuses.items() if status.traits.is_transitioning]
    text = f"No endpoint of '{workflow.name}' is in service in {client.region}."
    hint = f"{transitioning[0]} is in the making: wait for it, or" if transitioning else "Make one:"
    raise GuardRefused("no-endpoint", text, f"{hint} opskit deploy {workflow.cli_ref}")


def _invoke_rows(client: AwsClient, name: str, rows: Sequence[str]) -> list[float]:
    body = "".join(f"{row}\n" for row in rows).encode()
    response = client.read("sagemaker-runtime", "invoke_endpoint", EndpointName=name, ContentType="text/csv", Body=body)
    text = response["Body"].decode(errors="replace")
    try:
        values = [float(value) for value in text.replace(",", "\n").split()]
    except ValueError:
        values = []
    if len(values) != len(rows):
        text_error = f"The endpoint {name} answered {len(rows)} rows with {text[:80]!r}."
        raise AwsError("bad-predictions", text_error, region=client.region)
    return values
