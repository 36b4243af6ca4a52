"""Where an answer of AWS's says nothing, no run is planned, nothing counts as removed, and no endpoint as missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

import pytest

from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fault_proxy import Answer, FaultProxy, fault_proxy
from tests.fakes.pacing import without_backoff
from tests.journeys.conftest import run_sandbox
from tests.slow import starts_server

SILENCE: dict[str, Answer] = {
    "an empty body": (200, {}, b""),
    "no members": (200, {"Content-Type": "application/x-amz-json-1.1"}, b"{}"),
    "blanks": (200, {}, b" \r\n"),
}


@pytest.fixture(scope="module")
@starts_server
def half_answer_proxy() -> Iterator[FaultProxy]:
    """A way to an account whose quotas are used up, and in which nothing of the workflow's is left. Commands keep no
    rates there, and neither does the sandbox, or they would give up at its first ThrottlingException.
    """
    with (
        run_sandbox("full", options=("--rates", "off")) as running,
        fault_proxy(running.url) as road,
        without_backoff(),
        pytest.MonkeyPatch.context() as patched,
    ):
        for name, value in {**running.environment(), "AWS_ENDPOINT_URL": road.url}.items():
            patched.setenv(name, value)
        yield road


@pytest.mark.parametrize(
    ("words", "usual", "honest"),
    [
        (("train", "boston", "--dry-run"), 3, {3, 4, 5}),
        (("deploy", "boston"), 2, {4, 5}),
        (("predict", "boston"), 3, {4, 5}),
        (("cleanup", "boston", "--yes"), 0, {4, 5}),
    ],
    ids=["train", "deploy", "predict", "cleanup"],
)
@pytest.mark.parametrize(
    "kinds", [1, pytest.param(len(SILENCE), marks=pytest.mark.soak)], ids=["a kind of silence each", "every kind each"]
)
def test_nothing_is_concluded_from_silence(
    half_answer_proxy: FaultProxy,
    kinds: int,
    words: tuple[str, ...],
    usual: int,
    honest: set[int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ask() -> CliResult:
        return run_opskit(capsys, *words, "-o", "json")

    half_answer_proxy.rules, before = {}, half_answer_proxy.seen.copy()
    assert ask().code == usual
    called = sorted(operation for operation, count in half_answer_proxy.seen.items() if count > before[operation])
    assert called
    wrong, silences = [], cycle(SILENCE.items())
    for operation in called:
        for kind, answer in islice(silences, kinds):
            half_answer_proxy.rules = {operation: lambda count, send, answer=answer: answer}  # type: ignore[misc]
            ran = ask()
            wrong += [] if ran.code in honest else [(operation, kind, ran.code, ran.out)]
    assert wrong == []
