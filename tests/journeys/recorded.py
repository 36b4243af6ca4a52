"""opskit as it is, but that every call it makes of AWS is noted in the file that ``CALLS_GO_TO`` names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from opskit import aws
from opskit.cli import main
from opskit.decide.permissions import command_of

_FILE = Path(os.environ.get("CALLS_GO_TO", os.devnull))


def _note(name: str, region: str) -> None:
    with _FILE.open("a") as file:
        file.write(f"{command_of(sys.argv[1:])}\t{name}\n")


if __name__ == "__main__":
    aws.on_call = _note
    main()
