"""The home of opskit's state in the state folder of this machine."""

from __future__ import annotations

from opskit.state.home import StateHome
from opskit.state.journal_file import FileJournal
from opskit.state.lock import FileLocks
from opskit.state.record_files import FileRecords

LOCAL_HOME = StateHome(FileRecords(), FileJournal(), FileLocks())
"""The state folder, wherever that is when it is used."""
