"""Every command hung on the tree, one line a noun. Each module brings its commands by being imported."""

from __future__ import annotations

from opskit.cli import (
    create_notebook,
    cron,
    cron_run,
    demo,
    doctor,
    explain,
    guard,
    history,
    iam,
    increase,
    notebook,
    settings,
    start_notebooks,
    stop_notebooks,
    train,
)
from opskit.cli.app import app
from opskit.cli.quotas import quotas_app
from opskit.cli.sandbox import sandbox_app

app.add_typer(quotas_app, name="quotas")
app.add_typer(sandbox_app, name="sandbox")

__all__ = [
    "app",
    "create_notebook",
    "cron",
    "cron_run",
    "demo",
    "doctor",
    "explain",
    "guard",
    "history",
    "iam",
    "increase",
    "notebook",
    "settings",
    "start_notebooks",
    "stop_notebooks",
    "train",
]
