"""Gets predictions from a workflow's endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opskit.aws.client import AwsClient
from opskit.core.aws_statuses import EndpointStatus
from opskit.core.exceptions import AwsError, GuardRefused, UsageError
from opskit.core.owners import Owner
from opskit.training.flows.own_resources import ForeignResource, foreign_hint, list_workflow_resources, split_by_owner
from opskit.training.reads.resources import ListableKind
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.findings import finding_problems
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


def predict_rows(client: AwsClient, workflow: Workflow, owner: Owner, rows: Sequence[str]) -> tuple[str, Outputs]:
    """The name of the owner's newest endpoint of the workflow, and its answer to each row of features.

    Raises:
        GuardRefused: no such endpoint is in service.
        AwsError: there was no response, or not one for each row.
    """
    name = find_newest_endpoint(client, workflow, owner)
    outputs: list[tuple[float, ...]] = []
    for start in range(0, len(rows), _BATCH_ROWS):
        outputs += invoke_rows(client, workflow, name, rows[start : start + _BATCH_ROWS])
    return name, tuple(outputs)


def find_newest_endpoint(client: AwsClient, workflow: Workflow, owner: Owner) -> str:
    """The name of the owner's newest endpoint of the workflow that is in service.

    Raises:
        GuardRefused: there is none.
        AwsError: the endpoints could not be read.
    """
    listed = list_workflow_resources(client, workflow, ListableKind.ENDPOINT)
    traits = {endpoint.name: EndpointStatus(endpoint.status).traits for endpoint in listed}
    alive = [each for each in listed if traits[each.name].is_in_service or traits[each.name].is_transitioning]
    transitioning, foreign = [], []
    # The listing is newest first, so the first one in service belongs to the newest model.
    for endpoint in split_by_owner(client, owner, alive):
        if isinstance(endpoint, ForeignResource):
            foreign.append(endpoint)
        elif traits[endpoint.name].is_in_service:
            return endpoint.name
        else:
            transitioning.append(endpoint.name)
    text = f"No endpoint of '{workflow.name}'{' that is yours' if foreign else ''} is in service in {client.region}."
    hint = f"{transitioning[0]} is in the making: wait for it, or" if transitioning else "Make one:"
    hint = f"{hint} opskit deploy {workflow.cli_ref}. {foreign_hint(foreign)}".strip()
    raise GuardRefused("no-endpoint", text, hint)


def invoke_rows(client: AwsClient, workflow: Workflow, name: str, rows: Sequence[str]) -> Outputs:
    """An endpoint's answer to rows of features, in one request.

    Raises:
        AwsError: there was no response, or not one for each row.
    """
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
