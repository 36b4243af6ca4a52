"""Why a notebook instance failed: AWS's reason, and where that is a lifecycle script, its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from opskit.aws.client import AwsClient
from opskit.aws.gather import gather_all
from opskit.core.exceptions import AwsError
from opskit.core.model import Notebook
from opskit.explain.rules.aws_errors import is_script_failure, notebook_failure
from opskit.notebooks.flows.inspect import InspectedNotebook, Inspection
from opskit.notebooks.reads.jupyter_log import read_script_line
from opskit.notebooks.reads.notebooks import read_notebook
from opskit.notebooks.rules.failure import describe_script_log


def read_notebook_failure(client: AwsClient, notebook: Notebook) -> AwsError:
    """Why a notebook instance as it was described is not in service, as the error to raise or to show. Where its
    lifecycle script failed, the script's log is read for it; a log that cannot be read is said in the error.
    """
    return notebook_failure(notebook, _read_script_log(client, notebook))


def explain_failures(look: Inspection) -> Inspection:
    """The same with the reason of each that failed, which no listing tells: a call for each. What cannot be read is
    said in the reason.
    """
    return replace(look, notebooks=tuple(_explain_all(look.notebooks)))


def _explain_all(notebooks: Sequence[InspectedNotebook]) -> list[InspectedNotebook]:
    return gather_all([partial(_explain_failure, each) for each in notebooks])


def _explain_failure(seen: InspectedNotebook) -> InspectedNotebook:
    if not seen.notebook.traits.has_failed:
        return seen
    try:
        described = read_notebook(seen.client, seen.notebook.name)
    except AwsError as failure:
        return _with_reason(seen, f"why could not be read: {failure.problem.message}")
    if described is None or described.failure is None:
        return seen
    script_log = _read_script_log(seen.client, described)
    return _with_reason(seen, " ".join(filter(None, (described.failure, script_log))))


def _with_reason(seen: InspectedNotebook, reason: str) -> InspectedNotebook:
    assessment = replace(seen.assessment, reason=f"{seen.assessment.reason}: {reason}")
    return replace(seen, assessment=assessment)


def _read_script_log(client: AwsClient, notebook: Notebook) -> str:
    """What its lifecycle script wrote last, and where; empty where no script failed."""
    if not is_script_failure(notebook.failure):
        return ""
    return describe_script_log(*read_script_line(client, notebook.name))
