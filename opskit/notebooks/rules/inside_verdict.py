"""The verdict over a notebook with what a look inside its instance adds: only what all else calls idle is looked into,
and the look can only keep it on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from opskit.core.instance_processes import InstanceReading, NoTerminal
from opskit.core.model import NotebookVerdict, Unknown
from opskit.core.tags import JUPYTER_ONLY, NO_INSIDE, UNREADABLE_OK
from opskit.core.text import format_duration
from opskit.notebooks.rules.background import BackgroundFinding, BackgroundState, judge_background
from opskit.notebooks.rules.evidence import NotebookEvidence
from opskit.notebooks.rules.idleness import (
    IdleAssessment,
    IdlePolicy,
    IdleRule,
    assess_notebook,
)

INSIDE_FRESH_SECONDS = 30.0
"""A look inside counts for so long, from its beginning to the moment a change is sent."""

_NOT_INSPECTED = "the instance was not inspected"
_UNSEEN = f"{_NOT_INSPECTED}, so jobs that nohup, tmux, cron or a lifecycle script began are not seen"


def may_inspect_inside(tags: Mapping[str, str] | Unknown | None, policy: IdlePolicy) -> bool:
    """Whether a notebook that all else calls idle is to be looked into. ``tags`` None: they were not read."""
    if policy.inside is not True or not policy.evidence.enters_jupyter:
        return False
    return isinstance(tags, Mapping) and NO_INSIDE not in tags


def why_not_inside(evidence: NotebookEvidence, policy: IdlePolicy) -> str | None:
    """Why a notebook was not looked into although that was asked for, and what is unseen; None where it was, or may
    yet be.
    """
    if policy.inside is not True or not policy.evidence.enters_jupyter:
        return None
    if isinstance(evidence.tags, Mapping) and NO_INSIDE in evidence.tags:
        return f"{_UNSEEN}: tagged {NO_INSIDE}"
    match evidence.inside:
        case NoTerminal(reason):
            return f"{_NOT_INSPECTED}: {reason}"
        case InstanceReading() | Unknown() | None:
            return None


def assess_with_inside(evidence: NotebookEvidence, policy: IdlePolicy, now: datetime) -> IdleAssessment:
    """The verdict over what was read at ``now``, aware UTC, a look inside included: that may make an idle notebook busy
    or unknown, and never a busy one idle.
    """
    assessment = assess_notebook(evidence, policy, now)
    if not _counts_inside(assessment, evidence):
        return assessment
    tags = evidence.tags if isinstance(evidence.tags, Mapping) else {}
    match evidence.inside:
        case None:
            is_off = policy.inside is False or (policy.inside is True and not may_inspect_inside(tags, policy))
            why = f": tagged {NO_INSIDE}" if policy.inside and NO_INSIDE in tags else ""
            return _with_word(assessment, f"{_UNSEEN}{why}") if is_off else assessment
        case Unknown(reason):
            return IdleAssessment(
                NotebookVerdict.UNKNOWN, f"{assessment.reason}; {reason}", None, False, UNREADABLE_OK in tags
            )
        case NoTerminal(reason):
            return _assess_without_terminal(assessment, evidence, tags, policy, reason)
        case InstanceReading() as reading:
            return _assess_reading(assessment, reading, evidence, policy)


def _counts_inside(assessment: IdleAssessment, evidence: NotebookEvidence) -> bool:
    """Whether what was seen inside may change a verdict."""
    match assessment.verdict:
        case NotebookVerdict.IDLE:
            return True
        # One that has just started is looked into where somebody named it, and then a job that it has begun counts.
        case NotebookVerdict.STARTING:
            return evidence.jupyter is not None and evidence.inside is not None
        case NotebookVerdict.BUSY | NotebookVerdict.PROTECTED | NotebookVerdict.UNKNOWN | NotebookVerdict.STOPPED:
            return False


def _assess_reading(
    assessment: IdleAssessment, reading: InstanceReading, evidence: NotebookEvidence, policy: IdlePolicy
) -> IdleAssessment:
    kernels = evidence.jupyter.kernels if evidence.jupyter else ()
    idle = [kernel.id for kernel in kernels if kernel.state == "idle"]
    found = judge_background(reading, idle, policy.after, ignore_sleeping=policy.ignore_background)
    match found.state:
        case BackgroundState.NOTHING:
            return _with_word(assessment, found.reason)
        case BackgroundState.BUSY:
            return IdleAssessment(NotebookVerdict.BUSY, found.reason)
        case BackgroundState.UNKNOWN if not found.readable:
            is_ok = isinstance(evidence.tags, Mapping) and UNREADABLE_OK in evidence.tags
            return IdleAssessment(NotebookVerdict.UNKNOWN, found.reason, None, False, is_ok)
        case BackgroundState.UNKNOWN:
            return _assess_waiting(assessment, found, policy)


def _assess_waiting(assessment: IdleAssessment, found: BackgroundFinding, policy: IdlePolicy) -> IdleAssessment:
    """What waits is judged as an open terminal is: it keeps a notebook on until ``--max-age``."""
    age = assessment.idle or timedelta(0)
    if policy.max_age is None or age < policy.max_age:
        return IdleAssessment(NotebookVerdict.UNKNOWN, found.reason, assessment.idle)
    said = f"nothing but this for {format_duration(age)}, longer than --max-age {format_duration(policy.max_age)}"
    return replace(assessment, reason=f"{said}: {found.reason}", rule=IdleRule.MAX_AGE)


def _assess_without_terminal(
    assessment: IdleAssessment,
    evidence: NotebookEvidence,
    tags: Mapping[str, str],
    policy: IdlePolicy,
    reason: str,
) -> IdleAssessment:
    """Jupyter's word alone."""
    state, config = evidence.jupyter, evidence.notebook.lifecycle_config
    # Where it has nothing to say, a lifecycle script may have begun what the notebook is for.
    is_bare = state is not None and not state.kernels and not state.terminals
    if config is not None and is_bare and not (policy.trust_jupyter or JUPYTER_ONLY in tags):
        said = f"{_NOT_INSPECTED} ({reason}), and its lifecycle configuration {config} may have started something"
        return IdleAssessment(NotebookVerdict.UNKNOWN, said, assessment.idle)
    return _with_word(assessment, f"{_NOT_INSPECTED}: {reason}")


def _with_word(assessment: IdleAssessment, word: str) -> IdleAssessment:
    return replace(assessment, reason=f"{assessment.reason}; {word}")
