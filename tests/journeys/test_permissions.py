"""No policy asks for what its command never calls: each is run on a sandbox, its calls held against the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from opskit.access.rules.command_words import command_at
from opskit.access.rules.grants import required_grants
from opskit.access.rules.permissions import API_CALLS, FLAG_CALLS, calls_of_command
from opskit.aws import api_call
from opskit.increases.rules.channel import Channel
from tests.fakes.cli_runner import run_opskit
from tests.fakes.recorded_calls import checked_call
from tests.journeys.conftest import RunningSandbox, run_sandbox
from tests.slow import starts_server

COMMANDS = """
quotas check ml.m4.xlarge --all
quotas check ml.t2.medium --for notebook --need 2
quotas list
quotas list --live
quotas list --report
quotas increase ml.m4.xlarge --for training --to 9 --yes
quotas increase ml.m4.xlarge --for training --to 9 --via support --yes
quotas requests
quotas wait ml.m4.xlarge --for training --to 9 --timeout 1ms
notebook start course-stopped
notebook create mine --yes
notebook create mine2 --yes --no-guard
notebook list
notebook keep course-idle --for 1h
notebook keep --match course-busy --for 1h
notebook start --tag team=none --yes
notebook unkeep course-idle
notebook open course-idle
notebook stop --idle
notebook stop course-terminal --yes
history
"""
SEVERAL_WAYS = {call for call in API_CALLS["quotas wait"] if "ServiceQuota" in call}
"""To a quota's value: which of them is taken depends on what is known of it."""
SEVERAL_ACCOUNTS = FLAG_CALLS["history"]["--accounts"] | FLAG_CALLS["history"]["--org"]
"""There is one account here."""
OF_WHAT_RUNS = {call for call in API_CALLS["quotas check"] if ":Describe" in call}
"""Nothing but notebooks runs in this account."""
SELDOM = {
    "quotas check": {"resourcegroupstaggingapi:GetResources", "sns:Publish"},  # of many holders; with --notify
    "quotas increase": {
        "sns:Publish",
        "service-quotas:CreateSupportCase",
        "service-quotas:ListRequestedServiceQuotaChangeHistory",  # where those of one quota cannot be read
        "support:CreateCase",
    },
    "history": {"sagemaker:ListEndpoints"},  # of endpoints that were stopped
    "notebook create": {"iam:GetRolePolicy", "logs:GetLogEvents", "sagemaker:ListTags"},
    "notebook keep": {"sagemaker:DeleteTags"},
    "notebook list": {
        "cloudtrail:LookupEvents",  # with --who
        "resourcegroupstaggingapi:GetResources",
        "sagemaker:DescribeNotebookInstance",
        "logs:GetLogEvents",
    },
    "notebook start": {"logs:GetLogEvents"},
    "notebook stop": {
        "resourcegroupstaggingapi:GetResources",  # of more notebooks than a classroom has
        "sns:Publish",
        "sagemaker:AddTags",
        "sagemaker:DeleteTags",
        "logs:GetLogEvents",
    },
}


@pytest.fixture(scope="module")
@starts_server
def slow_approval_sandbox() -> Iterator[RunningSandbox]:
    with run_sandbox("classroom", approve_after="1h") as running:
        yield running


@pytest.fixture(autouse=True)
def sandbox_environment(slow_approval_sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in slow_approval_sandbox.environment().items():
        monkeypatch.setenv(name, value)


def test_no_policy_asks_for_what_is_never_called(
    recorded_calls: dict[str, set[str]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    beyond: list[str] = []
    for line in COMMANDS.split("\n")[1:-1]:
        with monkeypatch.context() as patched:
            patched.setattr(api_call, "send_call", checked_call(command_at(line.split()), beyond.append))
            run_opskit(capsys, *line.split())
    assert beyond == []
    assert len(recorded_calls) == 13
    never = {
        command: API_CALLS[command] - made - SEVERAL_WAYS - SEVERAL_ACCOUNTS - OF_WHAT_RUNS - SELDOM.get(command, set())
        for command, made in recorded_calls.items()
    }
    assert {command: calls for command, calls in never.items() if required_grants(calls)} == {}


@pytest.mark.parametrize("channel", Channel)
def test_a_channel_calls_no_more_than_its_policy_has(
    channel: Channel, recorded_calls: dict[str, set[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    for usage in ("endpoint", "transform"):
        line = f"quotas increase ml.m4.xlarge --for {usage} --to 9 --via {channel.value} --yes"
        assert run_opskit(capsys, *line.split()).code in (0, 3)
    granted = calls_of_command("quotas increase", {"--via": channel.value})
    assert recorded_calls["quotas increase"] - granted == set()


def test_the_doctor_finds_all_well_where_all_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_opskit(capsys, "doctor", "-o", "json")
    assert ran.code == 0, ran.out
    assert {each["allowed"] for each in ran.data["commands"]} == {True}
    assert (ran.data["support_plan"], ran.data["region"]) == (False, "us-east-1")
    assert abs(ran.data["clock_ahead_seconds"]) < 30
    assert "every command is allowed" in run_opskit(capsys, "doctor").out
