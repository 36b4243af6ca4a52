"""``opskit sandbox``: the commands that serve, run inside, and list the differences."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import opskit.__main__
from opskit.sandbox.differences import DIFFERENCES
from opskit.sandbox.lag import LagMode
from opskit.sandbox.rate_limits import RateMode
from opskit.sandbox.scenarios import SCENARIOS
from opskit.sandbox_cli.options import LagChoice, RateChoice, ScenarioName
from tests.fakes.cli_runner import run_opskit
from tests.prefork import SANDBOX_MODULES, start_forkserver

SANDBOX = [sys.executable, "-m", "opskit", "sandbox"]
ROOT = Path(__file__).parents[2]


class Ran(NamedTuple):
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str


def run_sandbox_command(*words: str, **more: str) -> Ran:
    """Run ``opskit sandbox`` with extra environment variables."""
    script = [opskit.__main__.__file__, "sandbox", *words]
    return Ran(*start_forkserver(*SANDBOX_MODULES).run(script, Path.cwd(), os.environ | more))


@pytest.mark.slow
def test_sandbox_run_exits_with_the_commands_code_and_shows_its_output() -> None:
    done = run_sandbox_command("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert done == (7, "out\n", "err\n")


@pytest.mark.slow
def test_a_command_that_is_none_is_said() -> None:
    done = run_sandbox_command("run", "--", "no-such-command-anywhere")
    assert (done.code, done.out) == (127, "")
    assert done.err == "opskit: Cannot run 'no-such-command-anywhere': there is no such command.\n"


@pytest.mark.slow
@pytest.mark.parametrize(("word", "code"), [("no-such-command-anywhere", 127), ("/", 126)])
def test_a_command_that_cannot_be_run_is_one_object_where_that_was_asked_for(word: str, code: int) -> None:
    done = run_sandbox_command("run", "-o", "json", "--", word)
    assert (done.code, done.err) == (code, "")
    assert [error["code"] for error in json.loads(done.out)["errors"]] == ["cannot-run"]


@pytest.mark.slow
def test_a_file_that_is_no_program_is_said(tmp_path: Path) -> None:
    done = run_sandbox_command("run", "--", str(tmp_path))
    assert done.code == 126
    assert "Cannot run" in done.err


@pytest.mark.slow
def test_inside_nothing_leads_elsewhere() -> None:
    outside = {
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ENDPOINT_URL_S3": "https://elsewhere.example",
        "AWS_CONFIG_FILE": "/home/me/.aws/config",
        "HTTP_PROXY": "http://proxy.example:3128",
        "UNTOUCHED": "yes",
    }
    done = run_sandbox_command("run", "--region", "eu-west-1", "--", "env", **outside)
    inside = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & set(inside)
    assert inside["AWS_CONFIG_FILE"] == os.devnull
    assert inside["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert (inside["AWS_REGION"], inside["AWS_DEFAULT_REGION"]) == ("eu-west-1", "eu-west-1")
    assert (inside["NO_PROXY"], inside["UNTOUCHED"]) == ("127.0.0.1", "yes")


@pytest.mark.slow
def test_a_signal_reaches_the_command_and_its_code_comes_back() -> None:
    script = "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
    process = subprocess.Popen([*SANDBOX, "run", "--", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[0] == "told\n"
    assert process.returncode == 9


@pytest.mark.slow
def test_start_prints_lines_that_a_shell_can_read() -> None:
    process = subprocess.Popen(
        [*SANDBOX, "start", "--scenario", "fresh"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"AWS_PROFILE": "work"},
    )
    assert process.stdout
    assert process.stdout.readline() == "unset AWS_PROFILE\n"
    words = shlex.split(process.stdout.readline())
    assert words[0] == "export"
    assert words[1].startswith("AWS_ENDPOINT_URL=http://127.0.0.1:")
    process.terminate()
    talk = process.communicate()[1]
    assert "Ctrl-C" in talk


@pytest.mark.parametrize("words", [["--approve-after", "soon"], ["--latency", "-1s"], ["--scenario", "moon"]])
def test_what_cannot_be_used_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_opskit(capsys, "sandbox", "run", *words, "--", "true").code == 2


def test_the_scenarios_of_the_flag_are_those_there_are() -> None:
    assert {name.value for name in ScenarioName} == set(SCENARIOS)
    assert [each.value for each in LagChoice] == [each.value for each in LagMode]
    assert [each.value for each in RateChoice] == [each.value for each in RateMode]


def test_the_differences_are_listed() -> None:
    envelope = json.loads(run_sandbox_command("differences", "-o", "json").out)
    listed = [(row["area"], row["text"]) for row in envelope["data"]["differences"]]
    assert listed == [(difference.area, difference.text) for difference in DIFFERENCES]
    assert DIFFERENCES[0].text in run_sandbox_command("differences").out


def test_the_page_shows_every_difference() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    shown = [line for line in page.splitlines() if line.startswith("- **")]
    assert shown == [f"- **{difference.area}.** {difference.text}" for difference in DIFFERENCES]


def test_the_page_has_a_row_for_each_option_of_start_that_other_commands_lack() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    own = {*re.findall(r"^  (?:-\w, )?(--[a-z-]+)", run_sandbox_command("start", "--help").out, re.MULTILINE)}
    shared = {
        *re.findall(r"^  (?:-\w, )?(--[a-z-]+)", run_sandbox_command("differences", "--help").out, re.MULTILINE)
    } - {"--region"}
    assert own > shared
    assert [option for option in sorted(own - shared) if f"\n| `{option}" not in page] == []


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom opskit.cli import main\n"
        "try: main(['sandbox', 'start', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'moto', 'boto3', 'botocore', 'rich', 'werkzeug', 'flask'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def test_a_missing_extra_is_one_sentence_with_the_line_to_type() -> None:
    script = (
        "import sys\nsys.modules['moto'] = None\nfrom opskit.cli import main\nmain(['sandbox', 'run', '--', 'true'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install '.[sandbox]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "query", "answer"),
    [
        (["service-quotas", "list-service-quotas", "--service-code", "sagemaker"], "length(Quotas) > `330`", True),
        (
            ["service-quotas", "get-service-quota", "--service-code", "sagemaker", "--quota-code", "L-A373146E"],
            "Quota.QuotaName",
            "ml.m4.xlarge for training job usage",
        ),
        (
            ["support", "describe-services"],
            "services[?code=='general-info'].name | [0]",
            "General Info and Getting Started",
        ),
        (
            ["pricing", "get-products", "--service-code", "AmazonSageMaker", "--region", "us-east-1"],
            "length(PriceList) > `10`",
            True,
        ),
        (["iam", "list-roles"], "length(Roles[?contains(RoleName, 'SageMaker')])", 2),
        (["sts", "get-caller-identity"], "Account", "123456789012"),
    ],
)
def test_the_aws_cli_runs_against_it(
    words: list[str], query: str, answer: Any, slow_sandbox: Any, aws_cli: Any
) -> None:
    environment = slow_sandbox.isolated_environment(os.environ)
    code, said, complained = aws_cli(environment, *words, "--query", query, "--output", "json")
    assert (code, complained) == (0, "")
    assert json.loads(said) == answer
