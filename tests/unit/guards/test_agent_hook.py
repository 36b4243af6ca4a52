"""What a coding agent runs in a shell: found in its command line, judged by the request that it would send."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opskit.cli import main
from opskit.core.exceptions import UsageError
from opskit.guards.reads.captured_request import capture_aws_request
from opskit.guards.rules.agent_settings import agent_command, has_agent_hook, with_agent_hook, without_agent_hook
from opskit.guards.rules.shell_commands import UNKNOWN_VALUE, LaunchKind, find_launches
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import DENIED, Entry, FakeAws

CREATE = "aws sagemaker create-training-job --training-job-name x"

FOUND: list[tuple[str, list[str]]] = [
    (CREATE, ["CreateTrainingJob"]),
    ("aws --region us-east-1 sagemaker start-notebook-instance --notebook-instance-name n", ["StartNotebookInstance"]),
    (f"cd /tmp && {CREATE} > out.json 2>&1", ["CreateTrainingJob"]),
    (f"echo a; {CREATE} | jq .", ["CreateTrainingJob"]),
    (f"{CREATE} &\n{CREATE}", ["CreateTrainingJob", "CreateTrainingJob"]),
    ("aws sagemaker \\\n  create-endpoint --endpoint-name e", ["CreateEndpoint"]),
    (f"bash -lc '{CREATE}'", ["CreateTrainingJob"]),
    (f'sudo -E timeout 5m env X=1 sh -c "{CREATE}"', ["CreateTrainingJob"]),
    (f"eval '{CREATE}'", ["CreateTrainingJob"]),
    (f"arn=$({CREATE})", ["CreateTrainingJob"]),
    ("/usr/local/bin/aws sagemaker create-endpoint", ["CreateEndpoint"]),
    ("python3 -m awscli sagemaker create-endpoint", ["CreateEndpoint"]),
    ("aws sagemaker create-endpoint-config --x && aws s3 ls", ["CreateEndpointConfig"]),
    ("# aws sagemaker create-endpoint\nls", []),
    ("aws sagemaker list-training-jobs; aws sagemaker stop-training-job --training-job-name x", []),
    ("aws sagemaker create-training-job --generate-cli-skeleton", []),
    ("aws sagemaker wait endpoint-in-service; aws sagemaker help", []),
    ("aws s3 ls; ls ~/.aws; grep -r sagemaker .", []),
    ("git commit -m 'run aws sagemaker create-endpoint'", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "operations"), FOUND, ids=[text[:50] for text, _ in FOUND])
def test_what_starts_something_is_found(text: str, operations: list[str]) -> None:
    found = find_launches(text)
    assert [launch.operation for launch in found] == operations
    assert all(launch.kind is LaunchKind.AWS_CLI for launch in found)


@pytest.mark.parametrize(
    "text",
    [
        'echo "$(aws sagemaker start-notebook-instance --notebook-instance-name n)"',
        'x "`aws sagemaker create-endpoint`"',
        "aws sagemaker create-endpoint --endpoint-url http://localhost",
        "AWS_CONFIG_FILE=/tmp/config aws sagemaker create-endpoint",
        "aws sagemaker create-endpoint 'unfinished",
    ],
)
def test_what_cannot_be_read_is_not_passed_over(text: str) -> None:
    assert [launch.kind for launch in find_launches(text)] == [LaunchKind.UNREADABLE]


def test_a_variable_is_a_value_that_is_not_known() -> None:
    (launch,) = find_launches('X=1 aws sagemaker create-endpoint --a "$B" --c=${D:-e}/f')
    assert launch.words[-3:] == ("--a", UNKNOWN_VALUE, f"--c={UNKNOWN_VALUE}/f")
    assert launch.variables == {"X": "1"}


def test_terraform_is_found_when_it_applies() -> None:
    kinds = [launch.kind for launch in find_launches("terraform init && terraform -chdir=infra apply -auto-approve")]
    assert kinds == [LaunchKind.TERRAFORM]
    assert find_launches("terraform plan; terraform destroy; terraform apply -destroy") == []


COMMAND = agent_command("/venv/bin/opskit", ["--max-usd", "5"])
MINE = {"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]}
OTHERS = {"model": "x", "hooks": {"PreToolUse": [MINE]}}


@pytest.mark.parametrize("settings", [{}, OTHERS, {"env": {"A": "b"}}, {"hooks": {"Stop": []}, "env": {}}])
def test_the_settings_of_others_stay_as_they_are(settings: dict[str, Any]) -> None:
    before = json.dumps(settings)
    with_hook = with_agent_hook(before, COMMAND)
    assert has_agent_hook(with_hook)
    assert not has_agent_hook(before)
    assert with_agent_hook(with_hook, COMMAND) == with_hook
    assert json.loads(with_hook)["env"]["OPSKIT_GUARD"] == "1"
    left = without_agent_hook(with_hook)
    kept = {name: value for name, value in settings.items() if value}
    assert (json.loads(left) if left else {}) == kept


def test_a_variable_that_was_there_stays() -> None:
    before = json.dumps({"env": {"OPSKIT_GUARD": "max_usd=1"}})
    assert json.loads(without_agent_hook(with_agent_hook(before, COMMAND)) or "{}") == json.loads(before)


@pytest.mark.parametrize("settings", ["[]", "{", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}', '{"env": "x"}'])
def test_settings_of_another_form_are_left_alone(settings: str) -> None:
    with pytest.raises(UsageError, match="settings"):
        with_agent_hook(settings, COMMAND)


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (3, 2), (5, 2), (1, 2), (127, 0)])
def test_the_hook_keeps_the_agent_from_running_what_opskit_does_not_allow(tmp_path: Path, code: int, ends: int) -> None:
    program = tmp_path / "it's opskit"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    assert subprocess.run(["sh", "-c", agent_command(str(program), [])], check=False).returncode == ends


Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def ask(
    fake_aws: FakeAws,
    no_backoff: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ask:
    """Ask the hook about a command, in an account with four of everything."""
    fake_aws.quotas = [Entry(name, code, 4, 1) for name, code in bundled_codes().items()]
    monkeypatch.setattr("opskit.guards.reads.captured_request.CLI_SECONDS", 600)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def once(command: Any, *flags: str) -> tuple[int, dict[str, Any]]:
        event = {"tool_name": "Bash", "cwd": str(tmp_path), "tool_input": {"command": command}}
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(event)))
        with pytest.raises(SystemExit) as ended:
            main(["guard", "hook", *flags, "-o", "json"])
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    return once


def create_job(count: int, instance_type: str = "ml.m4.xlarge") -> str:
    return (
        "aws sagemaker create-training-job --training-job-name x --role-arn $ROLE "
        "--algorithm-specification TrainingImage=i,TrainingInputMode=File --output-data-config S3OutputPath=s3://b "
        f"--resource-config InstanceType={instance_type},InstanceCount={count},VolumeSizeInGB=1 "
        "--stopping-condition MaxRuntimeInSeconds=3600"
    )


def test_a_command_is_judged_by_the_request_that_it_would_send(ask: Ask, fake_aws: FakeAws) -> None:
    assert ask(create_job(4))[0] == 0
    code, envelope = ask(create_job(5))
    assert (code, envelope["errors"][0]["code"]) == (3, "no-room")
    assert "needed: 5" in envelope["errors"][0]["message"]
    assert ask(create_job(3) + "; " + create_job(2))[0] == 3  # together
    assert ask(create_job(1, "$TYPE"))[0] == 5
    assert fake_aws.count("CreateTrainingJob") == 0


def test_an_endpoint_uses_the_configuration_of_the_same_line(ask: Ask, fake_aws: FakeAws) -> None:
    variants = "VariantName=a,ModelName=m,InstanceType=ml.m4.xlarge,InitialInstanceCount=5"
    config = f"aws sagemaker create-endpoint-config --endpoint-config-name c --production-variants {variants}"
    endpoint = "aws sagemaker create-endpoint --endpoint-name e --endpoint-config-name c"
    assert ask(f"{config} && {endpoint}")[0] == 3
    assert ask(config)[0] == 0
    fake_aws.running["DescribeEndpointConfig"] = lambda asked: DENIED
    assert ask(endpoint)[0] == 5


def test_what_has_nothing_to_do_with_sagemaker_asks_nobody(ask: Ask, fake_aws: FakeAws) -> None:
    for command in ("ls -la", "aws sagemaker list-endpoints", None, 7):
        assert ask(command)[0] == 0
    assert fake_aws.calls == []


def test_terraform_is_not_applied_where_it_has_resources_of_sagemakers(ask: Ask, tmp_path: Path) -> None:
    assert ask("terraform apply plan.bin")[0] == 0
    (tmp_path / "main.tf").write_text('resource "aws_sagemaker_endpoint" "e" {}\n')
    code, envelope = ask("terraform apply plan.bin")
    assert code == 5
    assert "opskit guard --from" in envelope["errors"][0]["hint"]


def test_a_program_that_the_command_names_by_a_path_is_not_run(ask: Ask, tmp_path: Path) -> None:
    evil, mark = tmp_path / "aws", tmp_path / "ran"
    evil.write_text(f"#!/bin/sh\ntouch {mark}\n")
    evil.chmod(0o755)
    assert ask(create_job(1).replace("aws ", f"{evil} ", 1))[0] == 0
    assert not mark.exists()


def test_no_proxy_sees_the_request(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (launch,) = find_launches(create_job(5))
    captured = capture_aws_request(launch.words, {"AWS_DEFAULT_REGION": "eu-west-1"}, "")
    assert (captured.operation, captured.region) == ("CreateTrainingJob", "eu-west-1")
    assert captured.params["ResourceConfig"]["InstanceCount"] == 5
