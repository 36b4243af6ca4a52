"""The session behind a presigned URL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import requests

from opskit.sandbox.notebooks.jupyter import launch
from opskit.sandbox.state import SandboxState


def test_a_session_of_jupyter_ends(tmp_path: Path) -> None:
    from opskit.sandbox.processes import ChildProcesses

    processes = ChildProcesses()
    jupyter = launch.JupyterProcess(
        processes, launch.NotebookFolder(tmp_path / "notebook"), {}, launch.InstanceSetup("ml.t2.medium")
    )
    try:
        jupyter.wait_until_ready(SandboxState("", tmp_path, processes).closing)
        for seconds, allowed in ((1800, 200), (0, 403)):
            session = requests.Session()
            session.get(jupyter.authorized_url(datetime.now(UTC), seconds))
            assert session.get(f"http://{jupyter.host}/api/kernels").status_code == allowed
    finally:
        processes.close()
