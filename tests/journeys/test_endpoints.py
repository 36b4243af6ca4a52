"""Endpoints from the shell, each command under exactly the policy that is printed for it: one that really predicts is
stopped and brought back, and predicts the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from tests.journeys.conftest import CompletedCommand, make_shell, run_sandbox
from tests.journeys.test_least_privilege import PolicedShell, everything
from tests.slow import starts_server
from tests.waiting import wait_until

_ROW = b"1,2,3"


@dataclass(frozen=True)
class EndpointShell:
    """A shell at an account in which the policy of a file holds: a command's own for opskit, everything for others."""

    policed: PolicedShell
    policies: dict[str, dict[str, Any]]

    def opskit(self, *words: str) -> CompletedCommand:
        """Run a command under its policy."""
        self.policed.hold_to(self.policies[words[1]])
        ended = self.policed.shell.opskit(*words)
        self.policed.hold_to(everything())
        return ended

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client there."""
        return self.policed.shell.environment


@pytest.fixture(scope="module")
@starts_server
def endpoint_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointShell]:
    home = tmp_path_factory.mktemp("endpoints")
    file = home / "policy.json"
    file.write_text(json.dumps(everything()))
    with run_sandbox("endpoints", policy=file) as running:
        policed = PolicedShell(make_shell(running, home), file)
        yield EndpointShell(
            policed, {each: policed.printed_policy("endpoint", each) for each in ("list", "stop", "start")}
        )


def _by_name(ended: CompletedCommand) -> dict[str, dict[str, Any]]:
    return {endpoint["name"]: endpoint for endpoint in ended.data["endpoints"]}


def _boto3_client(shell: EndpointShell, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=shell.environment["AWS_ENDPOINT_URL"],
        region_name="us-east-1",
        aws_access_key_id=shell.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=shell.environment["AWS_SECRET_ACCESS_KEY"],
    )


def _predict(shell: EndpointShell, name: str) -> bytes:
    answer = _boto3_client(shell, "sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=_ROW
    )
    return bytes(answer["Body"].read())


def _scaling(shell: EndpointShell) -> list[Any]:
    scaling = _boto3_client(shell, "application-autoscaling")
    return [
        scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"],
        scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"],
        scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"],
    ]


def test_an_idle_endpoint_stops_and_comes_back_as_it_was(endpoint_shell: EndpointShell) -> None:
    """One test, since each part goes on from the one before."""
    before = _by_name(endpoint_shell.opskit("endpoint", "list"))
    verdicts = {name: each["verdict"] for name, each in before.items()}
    assert verdicts == {
        "prices-idle": "idle",
        "prices-ab": "idle",
        "prices-busy": "busy",
        "prices-kept": "protected",
        "prices-live": "protected",
        "prices-new": "busy",
    }
    assert before["prices-idle"]["invocations"] == {"1h": 0, "24h": 0, "14d": 0}
    assert before["prices-busy"]["invocations"] == {"1h": 1, "24h": 1, "14d": 3}
    scaling = _scaling(endpoint_shell)
    _assert_consent_is_asked_for(endpoint_shell)
    _assert_idle_ones_stop(endpoint_shell)
    _assert_it_comes_back(endpoint_shell, before["prices-ab"], scaling)
    _assert_an_invocation_keeps_it(endpoint_shell)


def _assert_consent_is_asked_for(shell: EndpointShell) -> None:
    planned = shell.opskit("endpoint", "stop", "--idle", "--dry-run")
    assert planned.exit == 0, planned.stdout + planned.stderr
    assert _by_name(planned)["prices-ab"]["outcome"] == "planned"
    assert _by_name(planned)["prices-ab"]["quota_at_return"] == "fits"
    assert shell.opskit("endpoint", "stop", "--idle").exit == 2
    over = shell.opskit("endpoint", "stop", "--idle", "--yes", "--limit", "1")
    assert over.exit == 3, over.stdout + over.stderr


def _assert_idle_ones_stop(shell: EndpointShell) -> None:
    # On a busy machine the last look may take more than a second for a while: then nothing is stopped.
    def stopped() -> set[str]:
        ended = shell.opskit("endpoint", "stop", "--idle", "--yes")
        assert ended.exit in (0, 5), ended.stdout + ended.stderr
        listed = _by_name(shell.opskit("endpoint", "list"))
        return {name for name, each in listed.items() if each["restore_with"]}

    wait_until(stopped, lambda names: names == {"prices-ab", "prices-idle"})


def _assert_it_comes_back(shell: EndpointShell, before: dict[str, Any], scaling: list[Any]) -> None:
    ended = shell.opskit("endpoint", "start", "prices-ab")
    assert ended.exit == 0, ended.stdout + ended.stderr
    assert _by_name(ended)["prices-ab"]["outcome"] == "done"
    after = _by_name(shell.opskit("endpoint", "list"))
    assert after["prices-ab"]["variants"] == before["variants"]
    assert (after["prices-ab"]["owner"], after["prices-ab"]["restore_with"]) == ("ann", None)
    assert after["prices-idle"]["restore_with"]
    assert _scaling(shell) == scaling
    again = shell.opskit("endpoint", "start", "prices-ab")
    assert (again.exit, _by_name(again)["prices-ab"]["outcome"]) == (0, "already")


def _assert_an_invocation_keeps_it(shell: EndpointShell) -> None:
    """What is invoked moves the metrics that decide, and predicts the same as before."""
    predicted = _predict(shell, "prices-ab")
    wait_until(
        lambda: _by_name(shell.opskit("endpoint", "list"))["prices-ab"]["invocations"], lambda sums: sums["1h"] >= 1
    )
    named = wait_until(
        lambda: shell.opskit("endpoint", "stop", "prices-ab", "--yes"),
        lambda ended: _by_name(ended)["prices-ab"]["outcome"] == "done",
    )
    assert named.exit == 0, named.stdout + named.stderr
    back = shell.opskit("endpoint", "start", "prices-ab")
    assert back.exit == 0, back.stdout + back.stderr
    assert _predict(shell, "prices-ab") == predicted
    assert shell.opskit("endpoint", "start", "nobody").exit == 2
