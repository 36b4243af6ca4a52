"""Where the notebook's process begins: ``python -m opskit.sandbox.notebooks.jupyter ORDERS``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from opskit.sandbox.notebooks.jupyter.start_orders import ON_START_FAILED, ON_START_LOG, ON_START_SCRIPT


def _skip_slow_grammar() -> None:
    """Keep jsonschema from compiling a grammar for internationalized addresses."""
    # Two thirds of Jupyter's start, for a check that nobody here asks for. None makes the import fail, and jsonschema
    # goes without.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def start_jupyter_process() -> None:
    """Run the lifecycle script, if there is one, then serve until SIGTERM."""
    if os.getpid() == 1:
        _become_init()
    orders = Path(sys.argv[1])
    _run_on_start(orders.parent)
    _skip_slow_grammar()
    from opskit.sandbox.notebooks.jupyter.serve import serve_jupyter

    serve_jupyter(orders)


def _become_init() -> None:
    """Go on as a child of what every PID namespace needs: a first process, which takes over the orphans."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # the whole group gets it, and the child decides
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return
    # It lives as long as the child; with it, all that is left in the namespace ends.
    while True:
        ended, status = os.wait()
        if ended == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _run_on_start(instance: Path) -> None:
    """Run the script to its end, as AWS does before Jupyter is there."""
    script = instance / ON_START_SCRIPT
    if not script.exists():
        return
    with (instance / ON_START_LOG).open("wb") as log:
        # Its own exit alone is waited for: what it leaves in the background stays.
        done = subprocess.run([str(script)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(ON_START_FAILED)


if __name__ == "__main__":
    start_jupyter_process()
