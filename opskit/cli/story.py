"""The demo's story as values: each step's command, how it must end, and what must be true of its answer.

A step's ``tell`` reads the command's JSON answer, raises ``NotSo`` when what the step promises did not truly
happen, and returns the lines to print.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Data = dict[str, Any]

_TYPE = "ml.m4.xlarge"
_USES = ("training", "transform", "endpoint")
_FOR = tuple(word for use in _USES for word in ("--for", use))


class NotSo(Exception):
    """A step ended, but not with what the story says."""


@dataclass(frozen=True)
class Step:
    """One command of the story. ``account`` is the scenario whose sandbox it runs in."""

    title: str
    command: tuple[str, ...]
    exit: int
    tell: Callable[[Data], list[str]]
    cost: Callable[[Data], str] = lambda data: "nothing"
    """What the step would have cost on AWS."""
    account: str = "fresh"


def _must(truth: bool, what: str) -> None:
    if not truth:
        raise NotSo(what)


def _quotas(data: Data) -> dict[str, Data]:
    """The rows for the story's instance type, by usage."""
    return {row["usage"]: row for row in data["quotas"] if row["instance_type"] == _TYPE}


def _short(data: Data) -> list[str]:
    rows = _quotas(data)
    for use in _USES:
        _must(rows[use]["verdict"] == "short", f"the {use} quota of a new account is {rows[use]['verdict']}, not short")
    lines = [f"{row['quota_name']}: {row['applied']} of them, {row['need']} needed" for row in rows.values()]
    return [*lines, "A job started now would die with ResourceLimitExceeded."]


def _refused(data: Data) -> list[str]:
    _must(data["guard"]["verdict"] == "short", "the guard did not call it short")
    _must(data["job"] is None and data["endpoint"] is None, "something was created all the same")
    return ["The guard says no before a byte is uploaded: nothing was created."]


def _filed(data: Data) -> list[str]:
    outcomes = [request["outcome"] for request in data["requests"]]
    _must(sorted(outcomes) == ["filed", "filed", "queued"], f"the requests ended {outcomes}, not filed, filed, queued")
    lines = [f"{request['quota_name']} to {request['desired']:g}: {request['outcome']}" for request in data["requests"]]
    return [*lines, "AWS lets two be open in a Region: the third waits its turn, and opskit remembers it."]


def _resumed(data: Data) -> list[str]:
    outcomes = [request["outcome"] for request in data["requests"]]
    _must(outcomes == ["filed"], f"the waiting request ended {outcomes}, not filed")
    return [f"{data['requests'][0]['quota_name']}: its turn came, filed."]


def _granted(data: Data) -> list[str]:
    return ["The applied value is there: granted, whatever the request's status says."]


def _fits(data: Data) -> list[str]:
    rows = _quotas(data)
    for use in _USES:
        _must(rows[use]["verdict"] == "fits", f"after the increase the {use} quota is {rows[use]['verdict']}")
    return [f"{use}: {rows[use]['free']} free of {rows[use]['applied']}" for use in _USES]


def _trained(data: Data) -> list[str]:
    metrics = data["metrics"]
    _must(2 < metrics["rmse"] < 6, f"an RMSE of {metrics['rmse']} is no Boston model")
    _must(bool(data["artifacts"]["predictions"]), "the transform wrote no predictions")
    _must(bool(data["endpoint"]), "no endpoint was deployed")
    _must(Path(data["plot"]).is_file(), "there is no plot")
    return [
        f"{data['job']} trained, transformed and deployed.",
        f"On houses it never saw: RMSE {metrics['rmse']:.2f} and MAE {metrics['mae']:.2f} thousand USD, "
        f"R2 {metrics['r2']:.2f}; the plot is {Path(data['plot']).name}.",
    ]


def _run_cost(data: Data) -> str:
    rates = [part["usd_per_hour"] for part in data["plan"]["parts"] if part["usage"] == "endpoint"]
    return f"at most {data['estimate_usd']} USD, and {rates[0]} USD an hour while the endpoint is up"


def _would_cost(data: Data) -> str:
    return f"nothing; the run would have cost at most {data['estimate_usd']} USD"


def _saved(data: Data) -> str:
    return f"{data['saved_usd_per_hour']} USD an hour less from now on, some 60 hours before Monday"


def _predicted(data: Data) -> list[str]:
    predictions = data["predictions"]
    _must(len(predictions) > 0 and all(0 < value < 100 for value in predictions), "the endpoint predicted nonsense")
    return [f"The first of {len(predictions)} houses, asked of the endpoint: {predictions[0]:.1f} thousand USD."]


def _cleaned(data: Data) -> list[str]:
    return ["Endpoint, config, model and uploaded files are gone; nothing bills any more."]


def _stopped(data: Data) -> list[str]:
    notebooks = {notebook["name"]: notebook for notebook in data["notebooks"]}
    idle, busy = notebooks["course-idle"], notebooks["course-busy"]
    _must((idle["verdict"], idle["outcome"]) == ("idle", "done"), f"the idle notebook ended {idle['outcome']}")
    _must((busy["verdict"], busy["action"]) == ("busy", "keep"), f"the busy notebook was called {busy['verdict']}")
    return [
        f"{notebook['name']}: {notebook['verdict']}, {notebook['action']}. {notebook['because']}"
        for notebook in notebooks.values()
        if notebook["verdict"] != "stopped"
    ]


STORY = (
    Step("A new account. Is there room for the course?", ("quotas", "check", _TYPE, *_FOR), 3, _short),
    Step("Train all the same?", ("train", "boston", "--deploy"), 3, _refused, _would_cost),
    Step("Ask for what is missing.", ("quotas", "increase", _TYPE, *_FOR, "--to", "1", "--yes"), 0, _filed),
    Step("Wait until it is true.", ("quotas", "wait", _TYPE, *_FOR[:4], "--to", "1"), 0, _granted),
    Step("File the one that waited.", ("quotas", "increase", "--resume", "--yes"), 0, _resumed),
    Step("And wait for that.", ("quotas", "wait", _TYPE, *_FOR[4:], "--to", "1"), 0, _granted),
    Step("Look again.", ("quotas", "check", _TYPE, *_FOR), 0, _fits),
    Step("Train, transform, deploy.", ("train", "boston", "--deploy"), 0, _trained, _run_cost),
    Step("Ask the model.", ("predict", "boston"), 0, _predicted, lambda data: "nothing beyond the endpoint's hour"),
    Step("Clean up.", ("cleanup", "boston", "--yes"), 0, _cleaned),
    Step(
        "Friday evening: who left a notebook on?",
        ("notebook", "stop", "--idle"),
        0,
        _stopped,
        _saved,
        account="classroom",
    ),
)
