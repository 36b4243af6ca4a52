"""One step of the demo as a process of its own: ``python -m opskit.demo.step_process FILE WORDS…`` runs the command
that a user would type, and writes to the file what ``-o json`` would print, so that what is shown and what is checked
come from one run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from opskit.cli import main
from opskit.output import screen


def _run_step(file: Path, words: list[str]) -> None:
    def write_envelope(envelope: dict[str, Any]) -> None:
        file.write_text(json.dumps(envelope), encoding="utf-8")

    screen.result_hook = write_envelope
    main(words)


if __name__ == "__main__":
    _run_step(Path(sys.argv[1]), sys.argv[2:])
