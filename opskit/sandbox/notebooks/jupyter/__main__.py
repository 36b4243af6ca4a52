"""Where the notebook's process begins: ``python -m opskit.sandbox.notebooks.jupyter ORDERS``."""

from __future__ import annotations

import sys
from pathlib import Path


def _skip_slow_grammar() -> None:
    """Keep jsonschema from compiling a grammar for internationalized addresses: two thirds of Jupyter's start, for
    a check that nobody here asks for. It goes without where the module cannot be had.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def start_jupyter_process() -> None:
    """Serve until SIGTERM."""
    _skip_slow_grammar()
    from opskit.sandbox.notebooks.jupyter.serve import serve_jupyter

    serve_jupyter(Path(sys.argv[1]))


if __name__ == "__main__":
    start_jupyter_process()
