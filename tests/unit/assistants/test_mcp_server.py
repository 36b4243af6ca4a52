"""``opskit mcp``, asked by the protocol's own client over standard input and output: one server for all these tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from opskit.cli import main
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import DENIED, Entry, FakeAws, serve_fake_aws
from tests.slow import serves

TYPE = "ml.m4.xlarge"
PATIENCE_SECONDS = 600.0
READS = ("Get", "List", "Describe", "Search", "Lookup")
PRICED = '{"product": {"attributes": {"component": "Training"}}, "terms": {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": "0.28"}}}}}}}'  # noqa: E501

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
@serves
def account() -> Iterator[FakeAws]:
    """An account with four of everything, in which one endpoint runs."""
    quotas = [Entry(name, code, 100 if "EBS" in name else 4, 1) for name, code in bundled_codes().items()]
    made = FakeAws(quotas=quotas)
    made.running["GetProducts"] = lambda asked: {"FormatVersion": "aws_v1", "PriceList": [PRICED]}
    made.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = lambda asked: {"RequestedQuotas": []}
    with serve_fake_aws(made) as aws:
        yield aws


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as made:
        yield made


@pytest.fixture(scope="module")
def client(account: FakeAws, portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The SDK's client, with a server of its own, whose home is empty."""
    with portal.wrap_async_context_manager(open_client(account, tmp_path_factory.mktemp("home"))) as opened:
        yield opened


def open_client(account: FakeAws, home: Path, mode: str = "auto") -> Client:
    """A client of the SDK's that starts a server of its own."""
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "AWS_CONFIG_FILE": os.devnull}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "opskit", "mcp"],
        env={**variables, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, **account.environment()},
        cwd=home,
    )
    return Client(server, read_timeout_seconds=PATIENCE_SECONDS, mode=mode)


def test_clients_of_the_older_protocol_are_served_too(account: FakeAws, portal: BlockingPortal, tmp_path: Path) -> None:
    """Most assistants begin with the handshake of the protocol's first versions."""
    with portal.wrap_async_context_manager(open_client(account, tmp_path, "legacy")) as old:
        assert len(portal.call(old.list_tools).tools) == 6
        arguments = {"instance_types": [TYPE], "usages": ["training"]}
        result = portal.call(old.call_tool, "check_quotas", arguments)
    assert isinstance(result, CallToolResult)
    assert (result.structured_content or {})["status"] == "ok"


@pytest.fixture
def ask(client: Client, portal: BlockingPortal, account: FakeAws) -> Iterator[Ask]:
    """Ask a tool. Whatever is asked, it only reads."""
    account.forget_calls()

    def once(tool: str, *, fails: bool = False, **arguments: Any) -> dict[str, Any]:
        result = portal.call(client.call_tool, tool, arguments)
        assert isinstance(result, CallToolResult)
        assert isinstance(result.content[0], TextContent)
        assert (result.is_error or False) is fails, result.content[0].text
        assert json.loads(result.content[0].text) == result.structured_content
        return dict(result.structured_content or {})

    yield once
    assert [name for name, _ in account.calls if not name.startswith(READS)] == []


def training(count: int, seconds: int = 3600) -> dict[str, Any]:
    return {
        "TrainingJobName": "job",
        "ResourceConfig": {"InstanceType": TYPE, "InstanceCount": count, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
    }


def test_every_tool_says_what_it_is_for_and_that_it_only_reads(client: Client, portal: BlockingPortal) -> None:
    listed = portal.call(client.list_tools).tools
    assert {tool.name for tool in listed} == {
        *("check_quotas", "explain_error", "check_request", "check_plan", "list_costs", "plan_increase")
    }
    for tool in listed:
        assert tool.description
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        told = tool.input_schema["properties"]
        assert all("description" in each for each in told.values()), tool.name
    assert "for a person" in (client.instructions or "").replace("_", " ")


def test_quotas_are_checked_as_the_command_does_it(ask: Ask) -> None:
    answer = ask("check_quotas", instance_types=[TYPE], usages=["training"], need=5)
    assert (answer["opskit"], answer["command"], answer["exit"]) == (1, ["quotas", "check"], 3)
    row = next(each for each in answer["data"]["quotas"] if each["instance_type"] == TYPE)
    assert (row["applied"], row["need"], row["verdict"]) == (4, 5, "short")
    assert f"opskit quotas increase {TYPE} --for training --to 5 --region us-east-1" in answer["commands_for_a_person"]
    assert ask("check_quotas", instance_types=[TYPE], usages=["training"], need=4)["exit"] == 0
    usual = ask("check_quotas")["data"]["quotas"]
    assert {row["instance_type"] for row in usual} > {TYPE}


def test_an_error_is_explained(ask: Ask) -> None:
    text = (
        f"ResourceLimitExceeded: The account-level service limit '{TYPE} for training job usage' is 0 Instances, "
        "with current utilization of 0 Instances and a request delta of 1 Instances."
    )
    answer = ask("explain_error", text=text)
    (explanation,) = answer["data"]["explanations"]
    assert (explanation["instance_type"], explanation["kind"]) == (TYPE, "quota-short")
    (command,) = answer["commands_for_a_person"]
    assert command.startswith(f"opskit quotas increase {TYPE} --for training --to 1")
    assert ask("explain_error", text="nothing of the kind", fails=True)["exit"] == 2


def test_a_request_is_judged_and_never_sent(ask: Ask) -> None:
    for operation in ("CreateTrainingJob", "create-training-job"):
        assert ask("check_request", operation=operation, request=training(4))["status"] == "ok"
    answer = ask("check_request", operation="CreateTrainingJob", request=training(5))
    assert (answer["status"], answer["data"]["verdict"]) == ("refused", "short")
    costly = ask("check_request", operation="CreateTrainingJob", request=training(1, 7200), max_usd=0.5)
    assert (costly["status"], costly["errors"][0]["code"]) == ("refused", "over-budget")
    assert ask("check_request", operation="Frobnicate", request={}, fails=True)["errors"][0]["code"] == "bad-operation"


def test_what_a_request_does_not_tell_is_no_yes(ask: Ask) -> None:
    endpoint = {"EndpointName": "e", "EndpointConfigName": "c"}
    answer = ask("check_request", operation="CreateEndpoint", request=endpoint)
    assert (answer["status"], answer["exit"]) == ("partial", 5)
    assert [answer["data"][key] for key in ("estimate_usd", "usd_per_hour", "usd_per_30_days")] == [None] * 3


def test_a_plan_is_judged_from_its_text_and_from_its_file(ask: Ask, tmp_path: Path) -> None:
    machine = {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
                "Parameters": training(5),
                "End": True,
            }
        },
    }
    answer = ask("check_plan", text=json.dumps(machine))
    assert (answer["exit"], answer["data"]["plan"]) == (3, "state-machine")
    file = tmp_path / "request.json"
    file.write_text(json.dumps({"CreateTrainingJob": training(1)}))
    assert ask("check_plan", path=str(file))["exit"] == 0
    assert ask("check_plan", path=str(tmp_path / "none"), fails=True)["errors"][0]["code"] == "unreadable-file"
    assert ask("check_plan", fails=True)["errors"][0]["code"] == "no-plan"
    assert ask("check_plan", path="-", fails=True)["errors"][0]["code"] == "no-plan"


def test_an_increase_is_planned_and_left_to_a_person(ask: Ask, account: FakeAws) -> None:
    answer = ask("plan_increase", instance_type=TYPE, usages=["training"], to=9)
    (request,) = answer["data"]["requests"]
    assert (request["outcome"], request["desired"]) == ("planned", 9)
    command = f"opskit quotas increase {TYPE} --for training --to 9 --region us-east-1"
    assert answer["commands_for_a_person"] == [command]
    enough = ask("plan_increase", instance_type=TYPE, usages=["training"], to=4)
    assert (enough["data"]["requests"][0]["outcome"], enough["commands_for_a_person"]) == ("already-enough", [])


def test_what_bills_comes_with_the_command_that_ends_it(ask: Ask, account: FakeAws) -> None:
    notebook = {
        "NotebookInstanceName": "lab",
        "NotebookInstanceArn": "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/lab",
        "NotebookInstanceStatus": "InService",
        "InstanceType": "ml.t3.medium",
    }
    account.running["ListNotebookInstances"] = lambda asked: {"NotebookInstances": [notebook]}
    account.running["DescribeNotebookInstance"] = lambda asked: notebook
    items = ask("list_costs")["data"]["items"]
    del account.running["ListNotebookInstances"], account.running["DescribeNotebookInstance"]
    lab = next(item for item in items if item["kind"] == "notebook")
    assert "lab" in lab["stop_with"]
    assert ask("list_costs", by="mood", fails=True)["errors"][0]["code"] == "bad-by"


def test_what_aws_refuses_is_an_error_in_the_answer(ask: Ask, account: FakeAws) -> None:
    account.fault = lambda operation, region: DENIED if "Quota" in operation else None
    try:
        answer = ask("check_quotas", instance_types=[TYPE], usages=["training"], fails=True)
    finally:
        account.fault = lambda operation, region: None
    assert answer["exit"] == 4
    assert "You may not call" in answer["errors"][0]["message"]


def test_the_server_ends_with_its_input_and_prints_nothing_else(account: FakeAws, tmp_path: Path) -> None:
    variables = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], **account.environment()}
    ran = subprocess.run(
        [sys.executable, "-m", "opskit", "mcp"], input=b"", capture_output=True, env=variables, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


@pytest.mark.parametrize("missing", ["mcp", "mcp.server", "pydantic"])
def test_without_the_extra_it_is_said_how_to_install_it(
    missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = [name for name in sys.modules if name.partition(".")[0] == missing.partition(".")[0]]
    for name in ["opskit.assistants.cli.mcp_server", *loaded]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(SystemExit) as ended:
        main(["mcp", "-o", "json"])
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert (ended.value.code, error["code"]) == (2, "extra-missing")
    assert "pip install '.[mcp]'" in error["hint"]
