"""What is said of a notebook instance that did not come up because its lifecycle script failed."""

from __future__ import annotations

from opskit.core.aws_names import NOTEBOOK_LOGS
from opskit.core.model import Unknown
from opskit.core.redaction import redact_secrets

# Characters of a script's last line: enough for a command's error.
_LONGEST_LINE = 300


def describe_script_log(stream: str, line: str | Unknown) -> str:
    """Where a lifecycle script's log is, and its last line or why that is not known."""
    where = f"the log stream {stream} of {NOTEBOOK_LOGS}"
    match line:
        case Unknown(reason):
            return f"The script writes into {where}, which could not be read: {reason}."
        case str() as said:
            return f"The last line in {where}: {redact_secrets(said)[:_LONGEST_LINE]}"
