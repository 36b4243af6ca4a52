"""Who stopped a notebook that this run was about to stop."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta

from opskit.notebooks.flows.inspect import InspectedNotebook
from opskit.notebooks.rules.actions import NotebookAction
from opskit.state.journal import DONE, STARTED, UNKNOWN, journal_entries

# A stop takes AWS a minute or two, so a run that began so long ago may have sent it.
_AT_THE_SAME_TIME = timedelta(minutes=10)


def describe_other_stop(seen: InspectedNotebook, now: datetime) -> str:
    """By whom, as far as this machine's journal tells; the stops of another machine stand in none that is here."""
    said = f"AWS says {seen.notebook.status}"
    if _was_stopped_here(seen, now):
        return f"another run of opskit stopped it ({said})"
    return f"another run of opskit elsewhere, or somebody, stopped it meanwhile ({said})"


def with_status(seen: InspectedNotebook, status: str) -> InspectedNotebook:
    """The same with the status that a later look found."""
    return replace(seen, evidence=replace(seen.evidence, notebook=replace(seen.notebook, status=status)))


def _was_stopped_here(seen: InspectedNotebook, now: datetime) -> bool:
    try:
        entries = journal_entries(now - _AT_THE_SAME_TIME)
    except (OSError, sqlite3.Error):  # then the journal tells nothing
        return False
    return any(
        (entry.action, entry.subject, entry.region) == (NotebookAction.STOP, seen.notebook.name, seen.client.region)
        and entry.endpoint == seen.client.session.endpoint_id()
        and entry.account in (seen.notebook.account, None)
        and entry.outcome in (DONE, STARTED, UNKNOWN)
        for entry in entries
    )
