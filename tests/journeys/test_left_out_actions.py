"""Leaving any one action out of a printed policy makes a command say which it lacks.

One sandbox for each scenario, and its policy swapped: every command of the table of permissions is run once under the
whole of its policy, and once for each action that it used, without that.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import boto3
import pytest
from botocore.config import Config

from opskit.access.rules.grants import required_grants
from tests.journeys.conftest import CompletedCommand, make_shell, run_sandbox
from tests.journeys.swept_commands import OTHER_WAYS, SWEPT, SweptCommand, SweptRun
from tests.journeys.swept_preparations import MakeClient
from tests.journeys.test_least_privilege import PolicedShell, everything, without
from tests.slow import starts_server
from tests.waiting import wait_until

_FAST = ("--rates", "off", "--lag", "never", "--support-plan")


@pytest.fixture(scope="module")
@starts_server
def policed_shell_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], PolicedShell]]:
    """A shell at an account of each scenario, which is made when first asked for."""
    shells: dict[str, PolicedShell] = {}
    with ExitStack() as stack:

        def of(scenario: str) -> PolicedShell:
            if scenario not in shells:
                home = tmp_path_factory.mktemp(scenario)
                file = home / "policy.json"
                file.write_text(json.dumps(everything()))
                accounts = 2 if scenario == "bill" else 1
                sandbox = run_sandbox(scenario, policy=file, approve_after="1s", accounts=accounts, options=_FAST)
                shells[scenario] = PolicedShell(make_shell(stack.enter_context(sandbox), home), file)
            return shells[scenario]

        yield of


def _admin_clients(policed: PolicedShell) -> MakeClient:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    key, secret, region = (policed.shell.environment[name] for name in names)
    session, patient = boto3.Session(key, secret, region_name=region), Config(retries={"max_attempts": 8})
    url = policed.shell.environment["AWS_ENDPOINT_URL"]
    return lambda service: session.client(service, endpoint_url=url, config=patient)


def _run_under(
    policed: PolicedShell, run: SweptRun, policy: dict[str, object], numbers: Iterator[int]
) -> CompletedCommand:
    """Run under a policy, once everything is as it has to be before."""
    policed.hold_to(everything())
    shell = policed.shell
    for step in run.before:
        if callable(step):
            step(_admin_clients(policed))
        else:
            words = step.split()
            wait_until(lambda: shell.opskit(*words), lambda ended: ended.exit == 0)  # noqa: B023
    if run.is_cold:
        for kind in ("cache", "state"):
            shutil.rmtree(shell.home / kind, ignore_errors=True)
    policed.hold_to(policy)
    (shell.home / "calls").unlink(missing_ok=True)  # of what was run before
    return shell.opskit(*run.words.format(next(numbers)).split(), json_output=False, given=run.given)


def _used_actions(
    policed: PolicedShell, command: str, run: SweptRun, policy: dict[str, object], numbers: Iterator[int]
) -> set[str]:
    """The actions that the calls of a run stand on, which goes well under the whole policy."""
    ended = _run_under(policed, run, policy, numbers)
    assert ended.exit in run.exits, (run.words, ended.stdout, ended.stderr)
    recorded = command
    if run.records:
        recorded = " ".join(run.records.split()[:2])
        policed.shell.opskit(*run.records.split())
    return {grant.action for call in policed.shell.calls().get(recorded, ()) for grant in required_grants([call])}


def _sweep(policed: PolicedShell, command: str, swept: SweptCommand) -> tuple[set[str], set[str]]:
    """The actions that some run uses, and those that no run has named where they were left out."""
    policy = policed.printed_policy(*command.split(), *swept.flags.split())
    allowed = {action for each in policy["Statement"] for action in each["Action"]}
    named: set[str] = set()
    used: set[str] = set()
    numbers = count(1)
    for run in swept.runs:
        needed = _used_actions(policed, command, run, policy, numbers) & allowed
        used |= needed
        for action in sorted(needed - named - OTHER_WAYS.keys() - swept.silent.keys()):
            ended = _run_under(policed, run, without(policy, action), numbers)
            if action in ended.stdout + ended.stderr:
                named.add(action)
    return allowed - used, used - named


@pytest.mark.soak
@pytest.mark.parametrize("command", SWEPT)
def test_whichever_action_is_left_out_is_named(policed_shell_of: Callable[[str], PolicedShell], command: str) -> None:
    swept = SWEPT[command]
    unreached, unnamed = _sweep(policed_shell_of(swept.scenario), command, swept)
    told = (
        sorted(unnamed - OTHER_WAYS.keys() - swept.silent.keys()),
        sorted(unreached - OTHER_WAYS.keys() - swept.unreached.keys()),
    )
    assert told == ([], [])
