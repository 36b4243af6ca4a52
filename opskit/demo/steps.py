"""The demo's story as values: each step's command, how it must end, and what must be true of its answer.

A step's ``describe`` reads the command's JSON answer, raises ``StepFailed`` when what the step promises did not truly
happen, and returns the sentence below what the command printed.
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


class StepFailed(Exception):
    """A step ended, but not with what the story says."""


@dataclass(frozen=True)
class DemoStep:
    """One command of the story. ``account`` is the scenario whose sandbox it runs in."""

    title: str
    command: tuple[str, ...]
    exit: int
    describe: Callable[[Data], str]
    cost: Callable[[Data], str] = lambda data: "nothing"
    """What the step would have cost on AWS."""
    account: str = "fresh"
    is_pictured: bool = False
    """Whether README.md's picture shows it."""


def _require(truth: bool, what: str) -> None:
    if not truth:
        raise StepFailed(what)


def _quotas_by_workload(data: Data) -> dict[str, Data]:
    """The rows for the story's instance type, by usage."""
    return {row["usage"]: row for row in data["quotas"] if row["instance_type"] == _TYPE}


def _describe_short(data: Data) -> str:
    rows = _quotas_by_workload(data)
    for use in _USES:
        _require(
            rows[use]["verdict"] == "short", f"the {use} quota of a new account is {rows[use]['verdict']}, not short"
        )
    return "A job started now would fail with ResourceLimitExceeded."


def _describe_refused(data: Data) -> str:
    _require(data["guard"]["verdict"] == "short", "the guard did not call it short")
    _require(data["job"] is None and data["endpoint"] is None, "something was created anyway")
    return "The quota check refused the run before anything was uploaded: nothing was created."


def _describe_filed(data: Data) -> str:
    outcomes = [request["outcome"] for request in data["requests"]]
    _require(
        sorted(outcomes) == ["filed", "filed", "queued"], f"the requests ended {outcomes}, not filed, filed, queued"
    )
    return "AWS allows two open requests in a Region: the third is queued, and opskit remembers it."


def _describe_resumed(data: Data) -> str:
    outcomes = [request["outcome"] for request in data["requests"]]
    _require(outcomes == ["filed"], f"the waiting request ended {outcomes}, not filed")
    return "The queued request was filed."


def _describe_granted(data: Data) -> str:
    return "The applied value is high enough, whatever the status of the request says."


def _describe_fits(data: Data) -> str:
    rows = _quotas_by_workload(data)
    for use in _USES:
        _require(rows[use]["verdict"] == "fits", f"after the increase the {use} quota is {rows[use]['verdict']}")
    return "Now there is room for all three."


def _describe_trained(data: Data) -> str:
    metrics = data["metrics"]
    _require(2 < metrics["rmse"] < 6, f"an RMSE of {metrics['rmse']} is no Boston model")
    _require(bool(data["artifacts"]["predictions"]), "the transform wrote no predictions")
    _require(bool(data["endpoint"]), "no endpoint was deployed")
    _require(Path(data["plot"]).is_file(), "there is no plot")
    return f"On houses it never saw, the model errs by {metrics['mae']:.1f} thousand USD on average."


def _describe_run_cost(data: Data) -> str:
    rates = [part["usd_per_hour"] for part in data["plan"]["parts"] if part["usage"] == "endpoint"]
    return f"at most {data['estimate_usd']} USD, and {rates[0]} USD an hour while the endpoint is up"


def _describe_avoided_cost(data: Data) -> str:
    return f"nothing; the run would have cost at most {data['estimate_usd']} USD"


def _describe_saved(data: Data) -> str:
    return f"{data['saved_usd_per_hour']} USD an hour less from now on, some 60 hours before Monday"


def _describe_predicted(data: Data) -> str:
    predictions = data["predictions"]
    _require(len(predictions) > 0 and all(0 < value < 100 for value in predictions), "the endpoint predicted nonsense")
    return f"The first of {len(predictions)} houses is worth {predictions[0]:.1f} thousand USD, says the endpoint."


def _describe_cleaned(data: Data) -> str:
    return "Nothing bills any more."


def _describe_stopped(data: Data) -> str:
    notebooks = {notebook["name"]: notebook for notebook in data["notebooks"]}
    idle, busy = notebooks["course-idle"], notebooks["course-busy"]
    _require((idle["verdict"], idle["outcome"]) == ("idle", "done"), f"the idle notebook ended {idle['outcome']}")
    _require((busy["verdict"], busy["action"]) == ("busy", "keep"), f"the busy notebook was called {busy['verdict']}")
    return "One was idle and is stopped; the others are in use, kept, or cannot be judged."


DEMO_STEPS = (
    DemoStep(
        "A new account. Is there room for the course?",
        ("quotas", "check", _TYPE, *_FOR),
        3,
        _describe_short,
        is_pictured=True,
    ),
    DemoStep("Train anyway?", ("train", "boston", "--deploy"), 3, _describe_refused, _describe_avoided_cost),
    DemoStep(
        "Request the missing quotas.",
        ("quotas", "increase", _TYPE, *_FOR, "--to", "1", "--yes"),
        0,
        _describe_filed,
        is_pictured=True,
    ),
    DemoStep(
        "Wait until the quotas are in effect.", ("quotas", "wait", _TYPE, *_FOR[:4], "--to", "1"), 0, _describe_granted
    ),
    DemoStep("Submit the queued request.", ("quotas", "increase", "--resume", "--yes"), 0, _describe_resumed),
    DemoStep("Wait for that one, too.", ("quotas", "wait", _TYPE, *_FOR[4:], "--to", "1"), 0, _describe_granted),
    DemoStep("Check again.", ("quotas", "check", _TYPE, *_FOR), 0, _describe_fits),
    DemoStep(
        "Train, transform, deploy.",
        ("train", "boston", "--deploy"),
        0,
        _describe_trained,
        _describe_run_cost,
        is_pictured=True,
    ),
    DemoStep(
        "Get predictions.",
        ("predict", "boston"),
        0,
        _describe_predicted,
        lambda data: "nothing beyond the endpoint's hour",
    ),
    DemoStep("Clean up.", ("cleanup", "boston", "--yes"), 0, _describe_cleaned),
    DemoStep(
        "Friday evening: who left a notebook on?",
        ("notebook", "stop", "--idle"),
        0,
        _describe_stopped,
        _describe_saved,
        account="classroom",
        is_pictured=True,
    ),
)
