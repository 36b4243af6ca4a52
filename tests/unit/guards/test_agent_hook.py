"""What a coding agent runs in a shell: found in its command line, judged by the request that it would send."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from opskit.cli import main
from opskit.core.exceptions import UnreadableState
from opskit.guards.flows.agent_hook import shell_command_of
from opskit.guards.reads.captured_request import CapturedRequest, capture_aws_request
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


Ask = Callable[..., tuple[int, dict[str, Any]]]
_CAPTURED: dict[tuple[str, ...], CapturedRequest | UnreadableState] = {}


def captured_once(words: Sequence[str], variables: Mapping[str, str], folder: str) -> CapturedRequest:
    """What the AWS CLI makes of words, which starts once for each: it makes the same of the same words."""
    key = (*words, "", *(f"{name}={value}" for name, value in variables.items()))
    if key not in _CAPTURED:
        try:
            _CAPTURED[key] = capture_aws_request(words, variables, folder)
        except UnreadableState as error:
            _CAPTURED[key] = error
    captured = _CAPTURED[key]
    if isinstance(captured, UnreadableState):
        raise captured
    return captured


@pytest.fixture
def ask(
    fake_aws: FakeAws,
    no_backoff: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Ask:
    """Ask the hook about a command, in an account with four of everything."""
    fake_aws.quotas = [Entry(name, code, 100 if "EBS" in name else 4, 1) for name, code in bundled_codes().items()]
    monkeypatch.setattr("opskit.guards.reads.captured_request.CLI_SECONDS", 600)
    monkeypatch.setattr("opskit.guards.flows.agent_hook.capture_aws_request", captured_once)
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


@pytest.mark.served
def test_a_command_is_judged_by_the_request_that_it_would_send(ask: Ask, fake_aws: FakeAws) -> None:
    assert ask(create_job(4))[0] == 0
    code, envelope = ask(create_job(5))
    assert (code, envelope["errors"][0]["code"]) == (3, "no-room")
    assert "needed: 5" in envelope["errors"][0]["message"]
    assert ask(create_job(3) + "; " + create_job(2))[0] == 3  # together
    assert ask(create_job(1, "$TYPE"))[0] == 5
    assert fake_aws.count("CreateTrainingJob") == 0


@pytest.mark.served
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


def test_what_cannot_be_judged_passes_where_that_was_asked_for(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('resource "aws_sagemaker_endpoint" "e" {}\n')
    for command in ("terraform apply plan.bin", 'echo "$(aws sagemaker create-endpoint)"', create_job(1, "$TYPE")):
        assert ask(command)[0] == 5
        assert ask(command, "--on-unknown", "warn")[0] == 0
    assert ask(create_job(5), "--on-unknown", "warn")[0] == 3
    assert ask("ls", "--on-unknown", "perhaps")[0] == 2


@pytest.mark.served
def test_a_program_that_the_command_names_by_a_path_is_not_run(ask: Ask, tmp_path: Path) -> None:
    evil, mark = tmp_path / "aws", tmp_path / "ran"
    evil.write_text(f"#!/bin/sh\ntouch {mark}\n")
    evil.chmod(0o755)
    assert ask(create_job(1).replace("aws ", f"{evil} ", 1))[0] == 0
    assert not mark.exists()


@pytest.mark.served
def test_no_proxy_sees_the_request(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    (launch,) = find_launches(create_job(5))
    captured = capture_aws_request(launch.words, {"AWS_DEFAULT_REGION": "eu-west-1"}, "")
    assert (captured.operation, captured.region) == ("CreateTrainingJob", "eu-west-1")
    assert captured.params["ResourceConfig"]["InstanceCount"] == 5


CURSOR_EVENT = {"hook_event_name": "beforeShellExecution", "workspace_roots": ["/tmp"], "cwd": ""}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({**CURSOR_EVENT, "command": "ls"}, ("ls", "/tmp")),
        ({"tool_name": "Bash", "cwd": "/a", "tool_input": {"command": "ls"}}, ("ls", "/a")),
        ({"tool_input": {"command": ["bash", "-lc", "a b"]}}, ("bash -lc 'a b'", "")),
        ({"tool_input": {"file_path": "x"}, "command": "not this"}, ("", "")),
        ({"command": 7, "cwd": 7, "workspace_roots": "x"}, ("", "")),
        ([], ("", "")),
    ],
)
def test_each_agent_has_the_command_elsewhere(event: Any, told: tuple[str, str]) -> None:
    assert shell_command_of(event) == told


@pytest.mark.served
def test_cursor_is_answered_in_json_and_a_yes_decides_nothing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(command: str, *flags: str) -> dict[str, Any]:
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({**CURSOR_EVENT, "command": command})))
        with pytest.raises(SystemExit) as ended:
            main(["guard", "hook", "--agent", "cursor", *flags])
        assert ended.value.code == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        return dict(json.loads(printed.out))

    assert answer("ls") == {}
    assert answer(create_job(4)) == {}
    refused = answer(create_job(5))
    assert refused["permission"] == "deny"
    assert "needed: 5" in refused["user_message"]
    assert "opskit quotas increase ml.m4.xlarge --for training --to 5 --region us-east-1" in refused["user_message"]
    assert answer(create_job(1, "$TYPE"))["permission"] == "deny"
    assert answer(create_job(1, "$TYPE"), "--on-unknown", "warn") == {}
    assert answer("aws sagemaker create-endpoint --nonsense")["permission"] == "deny"


def test_what_deploys_templates_is_found() -> None:
    kinds = [
        launch.kind
        for launch in find_launches(
            "npx cdk deploy --all; sam build && sam deploy; aws cloudformation deploy --template-file t.yaml; "
            "aws cloudformation describe-stacks; cdk synth; cdk destroy"
        )
    ]
    assert kinds == [LaunchKind.CDK, LaunchKind.TEMPLATE, LaunchKind.TEMPLATE]


def test_templates_and_apps_with_resources_of_sagemakers_are_left_to_a_guard(ask: Ask, tmp_path: Path) -> None:
    template, app = tmp_path / "t.yaml", tmp_path / "lib/stack.ts"
    app.parent.mkdir()
    template.write_text("Resources: {B: {Type: AWS::S3::Bucket}}\n")
    app.write_text("import * as s3 from 'aws-cdk-lib/aws-s3';\n")
    deploys = ("aws cloudformation deploy --template-file t.yaml --stack-name s", "cdk deploy")
    assert [ask(command)[0] for command in deploys] == [0, 0]
    template.write_text("Resources: {E: {Type: AWS::SageMaker::Endpoint}}\n")
    app.write_text("import * as sm from 'aws-cdk-lib/aws-sagemaker';\n")
    for command in deploys:
        code, envelope = ask(command)
        assert code == 5
        assert "opskit guard --from" in envelope["errors"][0]["hint"]
    assert ask("aws cloudformation create-stack --stack-name s --template-url https://b/t.yaml")[0] == 0
    assert ask("aws cloudformation deploy --template-file none.yaml --stack-name s")[0] == 5
