"""What is wrong with a workflow or its data, as values: each with the place where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opskit.core.exceptions import Problem

# So many are told one by one; of a table that is wrong everywhere the rest is only counted.
_MAX_SHOWN = 20


@dataclass(frozen=True)
class Finding:
    """One reason why a workflow cannot be trained as it is.

    ``file`` is the data file or workflow.toml; ``place`` the column of the data, or the key of the settings. None for
    ``place``, ``line`` and ``value``: it concerns no single one.
    """

    code: str
    file: str
    message: str
    hint: str = ""
    place: str | None = None
    line: int | None = None
    value: str | None = None
    is_setting: bool = False

    @property
    def where(self) -> str:
        """File, line and column, as a person reads them."""
        line = f", line {self.line}" if self.line else ""
        kind = "key" if self.is_setting else "column"
        return f"{self.file}{line}" + (f", {kind} '{self.place}'" if self.place is not None else "")


def finding_problems(findings: Sequence[Finding]) -> Iterator[Problem]:
    """A problem for each finding; a hint that several share stands once."""
    told: set[str] = set()
    for finding in findings[:_MAX_SHOWN]:
        hint = "" if finding.hint in told else finding.hint
        told.add(finding.hint)
        yield Problem(finding.code, f"{finding.where}: {finding.message}", hint)
    if len(findings) > _MAX_SHOWN:
        text = f"{len(findings) - _MAX_SHOWN} more of this kind are not shown."
        yield Problem("findings-not-shown", text, "`opskit workflow check` with -o json lists all of them.")
