"""Gets predictions from a workflow's endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opskit.aws.client import AwsClient
from opskit.core.exceptions import AwsError, GuardRefused, UsageError
from opskit.training.reads import resources
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.findings import finding_problems
from opskit.training.rules.job_names import is_owned_name
from opskit.training.rules.model import Workflow
from opskit.training.rules.scores import Outputs, parse_outputs
from opskit.training.rules.table_check import check_table
from opskit.training.rules.table_facts import feature_columns
from opskit.training.workflow import load_verified_data

# Small enough for InvokeEndpoint's limits on the body's size and on the time for a response.
_BATCH_ROWS = 500


@dataclass(frozen=True)
class KnownData:
    """The data that a workflow's models were trained on, and what rows to predict must have: the features, in this
    order. ``classes`` are those of a classification, by their numbers.
    """

    content: bytes
    features: tuple[str, ...]
    classes: tuple[str, ...]


def check_data(workflow: Workflow) -> KnownData:
    """Read a workflow's data to know its features and classes.

    Raises:
        UsageError: they cannot be read, or no model can have been trained on them.
    """
    content = load_verified_data(workflow)
    report = check_table(workflow, content)
    if report.facts is None or report.findings:
        problem = next(finding_problems(report.findings))
        raise UsageError(problem.code, problem.message, problem.hint)
    return KnownData(content, feature_columns(workflow, report.facts.names), report.classes)


def predict_rows(client: AwsClient, workflow: Workflow, rows: Sequence[str]) -> tuple[str, Outputs]:
    """The name of the workflow's newest endpoint, and its answer to each row of features.

    Raises:
        GuardRefused: no endpoint of the workflow is in service.
        AwsError: there was no response, or not one for each row.
    """
    name = _newest_endpoint(client, workflow)
    outputs: list[tuple[float, ...]] = []
    for start in range(0, len(rows), _BATCH_ROWS):
        outputs += _invoke_rows(client, workflow, name, rows[start : start + _BATCH_ROWS])
    return name, tuple(outputs)


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


def _invoke_rows(client: AwsClient, workflow: Workflow, name: str, rows: Sequence[str]) -> Outputs:
    algorithm = algorithm_of(workflow)
    body = "".join(f"{row}\n" for row in rows).encode()
    response = client.read(
        "sagemaker-runtime",
        "invoke_endpoint",
        EndpointName=name,
        ContentType=algorithm.serving_content_type,
        Accept=algorithm.serving_accept,
        Body=body,
    )
    text = response["Body"].decode(errors="replace")
    try:
        return parse_outputs(text, len(rows), algorithm.outputs_per_row(workflow))
    except ValueError as error:
        text_error = f"The endpoint {name} answered {len(rows)} rows with {text[:80]!r}: {error}."
        raise AwsError("bad-predictions", text_error, region=client.region) from error
