"""Looks at a workflow and its whole data before anything is made or paid for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from opskit.core.exceptions import ExitCode, Problem
from opskit.training.rules.algorithms.algorithm import SettingFinding
from opskit.training.rules.algorithms.table import algorithm_of
from opskit.training.rules.findings import Finding, finding_problems
from opskit.training.rules.model import Workflow
from opskit.training.rules.table_check import check_table
from opskit.training.rules.table_facts import TableFacts, feature_columns
from opskit.training.rules.workflow_file import find_line
from opskit.training.workflow import FILE_NAME, read_workflow_text


@dataclass(frozen=True)
class WorkflowInspection:
    """What was found. ``findings`` are what stands in the way; ``notes`` what people should know; ``classes`` the
    classes in the order of their numbers; ``facts`` None: the data could not be read as a table.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    facts: TableFacts | None = None

    @property
    def exit(self) -> ExitCode:
        """The exit code of a command that would go on from here."""
        return ExitCode.USAGE if self.findings else ExitCode.OK

    def problems(self) -> list[Problem]:
        """A problem for each finding."""
        return list(finding_problems(self.findings))


def inspect_workflow(workflow: Workflow, content: bytes) -> WorkflowInspection:
    """Look at the settings and at every cell of the data, and report all that a job would fail on.

    Raises:
        UsageError: workflow.toml can no longer be read.
    """
    algorithm = algorithm_of(workflow)
    settings = algorithm.check_settings(workflow)
    report = check_table(workflow, content)
    # What the settings say of features and classes is compared only if the data say how many there are.
    if report.facts and not report.findings:
        features = feature_columns(workflow, report.facts.names)
        settings += algorithm.check_data_shape(workflow, len(features), len(report.classes))
    findings = [*_locate_settings(workflow, settings), *report.findings]
    return WorkflowInspection(tuple(findings), report.notes, report.classes, report.facts)


def _locate_settings(workflow: Workflow, settings: list[SettingFinding]) -> list[Finding]:
    if not settings:
        return []
    text = read_workflow_text(Path(workflow.folder))
    return [
        Finding(
            each.code,
            FILE_NAME,
            each.message,
            each.hint,
            ".".join(each.key),
            None if each.value is None else find_line(each.key, text),
            each.value,
            is_setting=True,
        )
        for each in settings
    ]
