"""Which notebooks that were named are stopped only where somebody agrees: those at work, those that are kept, and those
that nobody can look into.
"""

from __future__ import annotations

from opskit.core.exceptions import Problem
from opskit.core.model import NotebookVerdict
from opskit.notebooks.rules.evidence import NotebookEvidence
from opskit.notebooks.rules.idleness import IdleAssessment

_ALL_THE_SAME = "--yes stops it anyway"


def stop_refusal(evidence: NotebookEvidence, assessment: IdleAssessment) -> Problem | None:
    """Why a notebook is not stopped by its name alone; None where nothing speaks against it."""
    name, region, why = evidence.notebook.name, evidence.notebook.region, assessment.reason
    match assessment.verdict:
        case NotebookVerdict.BUSY:
            return Problem("busy", f"{name} is at work: {why}.", f"{_ALL_THE_SAME}.", region)
        case NotebookVerdict.PROTECTED:
            hint = f"{_ALL_THE_SAME}; `opskit notebook unkeep {name}` ends the keep."
            return Problem("kept", f"{name} is {why}.", hint, region)
        case NotebookVerdict.UNKNOWN:
            return _unseen_refusal(name, region, why)
        case NotebookVerdict.STARTING:
            return None if evidence.jupyter else _unseen_refusal(name, region, why)
        case NotebookVerdict.IDLE | NotebookVerdict.STOPPED:
            return None


def _unseen_refusal(name: str, region: str, why: str) -> Problem:
    return Problem("not-seen", f"Whether {name} is at work cannot be seen: {why}.", f"{_ALL_THE_SAME}.", region)


def notebook_status_refusal(evidence: NotebookEvidence) -> Problem | None:
    """Why AWS takes no stop of a notebook as it is, whoever agrees; None where it takes one, or may. By AWS's rule it
    stops what is InService.
    """
    notebook = evidence.notebook
    if not notebook.traits.comes_up or notebook.traits.may_run_jupyter:
        return None
    text = f"{notebook.name} is {notebook.status}, and AWS stops only what is InService."
    return Problem("cannot-stop", text, "Stop it when it is InService.", notebook.region)
