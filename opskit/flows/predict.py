"""Asks a workflow's endpoint for predictions."""

from __future__ import annotations

from collections.abc import Sequence

from opskit.aws import Door
from opskit.decide.naming import belongs_to
from opskit.errors import AwsFailure, Refused
from opskit.model import IN_THE_MAKING, Workflow
from opskit.observe import jobs

_ROWS_AT_ONCE = 500


def predict(door: Door, workflow: Workflow, rows: Sequence[str]) -> tuple[str, tuple[float, ...]]:
    """The name of the workflow's newest endpoint, and its prediction for each row of features.

    Raises:
        Refused: no endpoint of the workflow is in service.
        AwsFailure: it did not answer, or not with a number a row.
    """
    name = _endpoint(door, workflow)
    values: list[float] = []
    for at in range(0, len(rows), _ROWS_AT_ONCE):
        values += _asked(door, name, rows[at : at + _ROWS_AT_ONCE])
    return name, tuple(values)


def _endpoint(door: Door, workflow: Workflow) -> str:
    found = {
        name: status
        for name, status in jobs.endpoints(door, f"{workflow.name}-").items()
        if belongs_to(workflow.name, name)
    }
    for name, status in found.items():
        if status == "InService":
            return name
    making = [name for name, status in found.items() if status in IN_THE_MAKING]
    text = f"No endpoint of '{workflow.name}' is in service in {door.region}."
    hint = f"{making[0]} is in the making: wait for it, or" if making else "Make one:"
    raise Refused("no-endpoint", text, f"{hint} opskit deploy {workflow.word}")


def _asked(door: Door, name: str, rows: Sequence[str]) -> list[float]:
    body = "".join(f"{row}\n" for row in rows).encode()
    told = door.read("sagemaker-runtime", "invoke_endpoint", EndpointName=name, ContentType="text/csv", Body=body)
    text = told["Body"].decode(errors="replace")
    try:
        values = [float(value) for value in text.replace(",", "\n").split()]
    except ValueError:
        values = []
    if len(values) != len(rows):
        said = f"The endpoint {name} answered {len(rows)} rows with {text[:80]!r}."
        raise AwsFailure("bad-predictions", said, region=door.region)
    return values
