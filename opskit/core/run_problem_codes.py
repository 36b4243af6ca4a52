"""The codes of what goes wrong beside a command without ending it (``opskit.core.run_problems``)."""

from __future__ import annotations

SETTINGS_NOT_TRUSTED = "settings-not-trusted"
STATE_NOT_KEPT = "state-not-kept"
JOURNAL_UNWRITTEN = "journal-unwritten"
JOURNAL_UNREADABLE = "journal-partly-unreadable"
RUN_PROBLEM_CODES = frozenset({SETTINGS_NOT_TRUSTED, STATE_NOT_KEPT, JOURNAL_UNWRITTEN, JOURNAL_UNREADABLE})
"""All of them; whoever runs a command as a process finds them in its ``errors``."""
