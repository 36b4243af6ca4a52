"""Each source of evidence by itself: what it cannot read, or says to be in the future, makes no notebook idle."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from opskit.core.model import JupyterState, Notebook, NotebookVerdict, Unknown
from opskit.notebooks.rules.enums import EvidenceSource
from opskit.notebooks.rules.evidence import JupyterActivity, LogActivity, NotebookActivity, NotebookEvidence
from opskit.notebooks.rules.idleness import IdlePolicy, assess_notebook

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAB = Notebook("us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", NOW - timedelta(days=3))
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
POLICY = IdlePolicy(after=HOUR)
IDLE, BUSY, UNKNOWN = NotebookVerdict.IDLE, NotebookVerdict.BUSY, NotebookVerdict.UNKNOWN
POLICIES = [POLICY, replace(POLICY, max_age=timedelta(days=1)), replace(POLICY, trust_logs=True)]


def log_evidence(said: datetime | Unknown) -> NotebookEvidence:
    return NotebookEvidence(LAB, {}, LogActivity(said), inside=None)


@pytest.mark.parametrize(
    ("ago", "trust", "verdict"),
    [(5 * HOUR, False, UNKNOWN), (5 * HOUR, True, IDLE), (MINUTE, True, BUSY), (-HOUR, True, UNKNOWN)],
)
def test_a_log_only_reports_unless_it_is_trusted(ago: timedelta, trust: bool, verdict: NotebookVerdict) -> None:
    assessment = assess_notebook(log_evidence(NOW - ago), replace(POLICY, trust_logs=trust), NOW)
    assert assessment.verdict is verdict
    assert ago < timedelta(0) or (assessment.idle, assessment.readable) == (ago, True)


def test_a_log_that_cannot_be_read_proves_nothing() -> None:
    assessment = assess_notebook(log_evidence(Unknown("denied")), replace(POLICY, trust_logs=True), NOW)
    assert (assessment.verdict, assessment.readable) == (UNKNOWN, False)


@pytest.mark.parametrize("activity", get_args(NotebookActivity))
@pytest.mark.parametrize("policy", POLICIES)
def test_no_source_that_cannot_be_read_makes_a_notebook_idle(activity: type[Any], policy: IdlePolicy) -> None:
    evidence = NotebookEvidence(LAB, {}, activity(Unknown("denied")), inside=None)
    assessment = assess_notebook(evidence, policy, NOW)
    assert (assessment.verdict, assessment.readable) == (UNKNOWN, False)


def used_at(source: EvidenceSource, when: datetime) -> NotebookActivity:
    """What a source says of activity at a time."""
    match source:
        case EvidenceSource.JUPYTER:
            return JupyterActivity(JupyterState(last_activity=when))
        case EvidenceSource.LOGS:
            return LogActivity(when)


@pytest.mark.parametrize("source", EvidenceSource)
@pytest.mark.parametrize("policy", POLICIES)
def test_no_source_whose_activity_is_in_the_future_makes_a_notebook_idle(
    source: EvidenceSource, policy: IdlePolicy
) -> None:
    """It is not young activity either, which it would be until that time: a clock is wrong."""
    activity = used_at(source, NOW + HOUR)
    assert activity.source is source
    assessment = assess_notebook(NotebookEvidence(LAB, {}, activity, inside=None), policy, NOW)
    assert (assessment.verdict, assessment.readable) == (UNKNOWN, False)
    assert "in the future" in assessment.reason


@pytest.mark.parametrize("source", EvidenceSource)
@pytest.mark.parametrize("policy", POLICIES)
def test_no_source_whose_time_is_0_makes_a_notebook_idle(source: EvidenceSource, policy: IdlePolicy) -> None:
    began = datetime.fromtimestamp(0, UTC)
    for lab, activity in ((LAB, used_at(source, began)), (replace(LAB, status_changed_at=began), used_at(source, NOW))):
        assessment = assess_notebook(NotebookEvidence(lab, {}, activity, inside=None), policy, NOW)
        assert (assessment.verdict, assessment.readable) == (UNKNOWN, False)
        assert assessment.reason.endswith("is said to be in 1970")


def test_every_source_has_a_class_of_its_own() -> None:
    sources = sorted(activity.source for activity in get_args(NotebookActivity))
    assert sources == sorted(EvidenceSource), "add its class to NotebookActivity in opskit/notebooks/rules/evidence.py"
