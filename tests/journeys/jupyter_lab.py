"""A real Jupyter for journeys, seen as a notebook instance."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from opskit.core.model import JupyterState, Notebook
from opskit.notebooks.reads.inside import make_terminal_name
from opskit.notebooks.reads.jupyter import OpenJupyter, open_jupyter
from opskit.notebooks.reads.jupyter_client import JupyterClient
from opskit.notebooks.rules.evidence import InsideEvidence
from opskit.notebooks.rules.own_traces import without_own_traces
from opskit.notebooks.store import InspectionLog, load_past_inspections

TOKEN = "a-token-for-tests"
CLIENT: Any = SimpleNamespace(session=SimpleNamespace(endpoint_id=lambda: "http://here"))
HOUR = timedelta(hours=1)


@dataclass
class Lab:
    """A real Jupyter, seen as a notebook instance."""

    folder: Path
    port: int
    notebook: Notebook = field(
        default_factory=lambda: Notebook(
            "us-east-1", "lab", "arn:lab", "ml.t2.medium", "InService", datetime.now(UTC) - HOUR
        )
    )

    @contextmanager
    def way(self) -> Iterator[OpenJupyter]:
        with open_jupyter(lambda: f"http://127.0.0.1:{self.port}/?token={TOKEN}") as way:
            assert isinstance(way, OpenJupyter), way
            yield way

    @contextmanager
    def visit(self) -> Iterator[JupyterClient]:
        """Somebody's own session."""
        with JupyterClient(f"http://127.0.0.1:{self.port}/?token={TOKEN}", time.monotonic() + 600) as jupyter:
            jupyter.authenticate()
            yield jupyter

    def look(self) -> InsideEvidence:
        """One look inside, as opskit makes it."""
        with self.way() as way:
            return way.inspect_inside(InspectionLog(CLIENT, self.notebook, make_terminal_name()))

    def says(self) -> JupyterState:
        """What Jupyter says of itself."""
        with self.way() as way:
            way.open_connections()
            state = way.read_all()
            assert isinstance(state, JupyterState)
            return state

    def means(self) -> JupyterState:
        """The same without opskit's own traces."""
        return without_own_traces(self.says(), load_past_inspections(CLIENT, self.notebook))
