"""Every command, with hostile text in everything that comes from outside: tags, reasons, AWS's messages, profiles,
files, workflows, the journal. In no form does any of it take effect; in JSON it is exact.
"""

from __future__ import annotations

import html
import io
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from opskit.assistants.cli.tool_answers import ToolAnswers
from opskit.aws.session import AwsSession, CallerIdentity
from opskit.core.json_text import ascii_json
from opskit.core.settings import read_given_settings
from opskit.state import journal
from tests.fakes.cli_runner import CliResult, run_opskit
from tests.fakes.fake_aws import Entry, FakeAws, Fault
from tests.fakes.fake_jupyter import serve_notebooks
from tests.fakes.fake_notebooks import FakeNotebook, FakeNotebooks
from tests.fakes.hostile_endpoints import hostile_endpoints
from tests.fakes.hostile_text import EVIL, assert_harmless, harmful_characters
from tests.fakes.stubbed_client import offline_client
from tests.slow import serves
from tests.unit.schedule.test_cron_cli import PROGRAM
from tools.command_rows import CommandTable, command_names, find_gaps

FILE_EVIL = EVIL.replace("/", "-").replace("\0", "")
"""What a file may be called."""
XML_EVIL = html.escape(re.sub("[\x00-\x08\x0b-\x1f]", "", EVIL))
"""What AWS's older services can say: XML has no escape character, but all the others."""
TAG_EVIL = "evil \u202egpj.exe\u2066\u200b\u2028| x\x1b[2J\x9b1A\n\t"

FORMS = ["table", "json", "csv", "markdown"]

WALK: dict[str, list[list[str]]] = {
    "quotas check": [["ml.m4.xlarge", "--for", "training"], [FILE_EVIL], ["--for", EVIL], ["--all"]],
    "quotas explain": [["--offline", f"The account-level service limit '{EVIL}' is 0 Instances {EVIL}"], [EVIL]],
    "quotas increase": [
        ["ml.m4.xlarge", "--for", "training", "--to", "9", "--why", EVIL, "--yes"],
        [EVIL, "--for", EVIL, "--to", "9"],
    ],
    "quotas list": [[], ["--match", EVIL]],
    "quotas requests": [[]],
    "quotas wait": [["ml.m4.xlarge", "--for", EVIL, "--to", "9"], [EVIL, "--for", "training", "--to", "9"]],
    "costs": [[], ["--by", "owner"], ["--by", EVIL], ["--by", f"tag:{EVIL}"], ["--budget", EVIL]],
    "notebook create": [["lab-1"], [EVIL], ["lab-1", "--git", EVIL], ["lab-1", "--role", EVIL, "--tag", f"a={EVIL}"]],
    "notebook keep": [["kept", "--reason", EVIL], [EVIL, "--for", "1h"], ["kept", "--for", EVIL]],
    "notebook list": [[], ["--match", EVIL]],
    "notebook open": [["kept", "--print"], [EVIL]],
    "notebook start": [["kept"], [EVIL, "lab"]],
    "notebook stop": [
        ["--idle", "--dry-run"],
        [EVIL],
        ["--idle", "--tag", EVIL],
        ["kept", "--yes"],
        ["--idle", "--org", "--plan", FILE_EVIL],
    ],
    "notebook unkeep": [["kept"], [EVIL]],
    "workflow init": [["NEW", "--data", FILE_EVIL, "--target", EVIL], [FILE_EVIL, "--data", "FILE", "--target", EVIL]],
    "workflow check": [[FILE_EVIL], ["./FOLDER"]],
    "workflow list": [[], ["--config", FILE_EVIL]],
    "workflow show": [[FILE_EVIL], ["./FOLDER"]],
    "train": [["boston"], [FILE_EVIL], ["./FOLDER"], ["boston", "--role", EVIL, "--bucket", EVIL, "--dry-run"]],
    "deploy": [["boston"], [FILE_EVIL]],
    "predict": [["boston"], ["boston", FILE_EVIL], ["boston", "FILE"]],
    "cleanup": [["boston", "--yes"], ["boston", "--dry-run", "--bucket", EVIL], [FILE_EVIL]],
    "guard": [
        ["--training", "ml.m4.xlarge=1", "--", FILE_EVIL],
        ["--training", EVIL, "--", "true"],
        ["--from", FILE_EVIL],
    ],
    "guard hook": [[], ["--agent", EVIL], ["--agent", "cursor"], ["--max-usd", EVIL], ["--on-unknown", EVIL]],
    "guard install": [[EVIL]],
    "guard remove": [[EVIL]],
    "guard status": [[], ["--config", FILE_EVIL]],
    "endpoint keep": [
        ["serves", "--reason", EVIL, "--yes"],
        [EVIL, "--reason", EVIL],
        ["--tag", EVIL],
        ["e", "--until", EVIL],
        ["e", "--for", EVIL],
    ],
    "endpoint unkeep": [["serves"], [EVIL], ["e", "--config", FILE_EVIL]],
    "endpoint list": [[], ["--tag", EVIL]],
    "endpoint start": [["broken"], [EVIL], [EVIL, "--yes"]],
    "endpoint stop": [["--idle", "--dry-run"], ["broken", "--yes"], [EVIL, "--yes"], ["--idle", "--tag", EVIL]],
    "fleet check": [["--accounts", FILE_EVIL], ["--ou", EVIL], ["--role-arn", EVIL], ["--org"]],
    "fleet idle": [["--accounts", "FILE"], ["--org", "--session-tag", EVIL]],
    "fleet costs": [["--org", "--role-name", EVIL], ["--accounts", FILE_EVIL]],
    "state template": [["--table", EVIL]],
    "state move": [["--to", EVIL], ["--to", "dynamodb://opskit"]],
    "fleet role": [["--role-name", EVIL, "--external-id", EVIL], [EVIL]],
    "cron install": [["--dry-run"], [FILE_EVIL], ["check", "--heartbeat", FILE_EVIL, "--notify", FILE_EVIL]],
    "cron remove": [["--dry-run"], [FILE_EVIL]],
    "cron run": [["check", "--", "quotas", FILE_EVIL], [FILE_EVIL]],
    "cron show": [[], [FILE_EVIL], ["check", "--", "--for", TAG_EVIL.replace("\n", "")]],
    "history": [[], ["--owner", EVIL], ["--since", EVIL], ["--action", "stop"]],
    "doctor": [[]],
    "settings": [["--config", "SETTINGS"], ["--config", FILE_EVIL]],
    "iam policy": [["notebook"], [EVIL]],
    "sandbox differences": [[]],
}
"""How each command is typed, so that it comes to say something; then with something hostile among its words."""

PROGRAMS = {"sandbox run", "sandbox start", "demo", "completion"}
"""These run others, whose output is their own, or write a program for a shell."""


PROTOCOLS = {"mcp"}
"""These talk to a program over standard input: ``ASSISTANT_QUESTIONS`` has what is asked."""

ASSISTANT_QUESTIONS: dict[str, Callable[[ToolAnswers], dict[str, Any]]] = {
    "check_quotas": lambda tools: tools.check_quotas(["ml.m4.xlarge"], ["training"], 1, []),
    "check_quotas of a name": lambda tools: tools.check_quotas([EVIL], [EVIL], 1, [EVIL]),
    "explain_error": lambda tools: tools.explain_error(f"The account-level service limit '{EVIL}' is 0 {EVIL}", None),
    "explain_error elsewhere": lambda tools: tools.explain_error(EVIL, EVIL),
    "check_request": lambda tools: tools.check_request("CreateEndpoint", {"EndpointName": EVIL}, None, 1, None),
    "check_request of a name": lambda tools: tools.check_request(EVIL, {EVIL: EVIL}, None, 1, EVIL),
    "check_plan": lambda tools: tools.check_plan(None, EVIL, {EVIL: EVIL}, None, 1, None),
    "check_plan of a file": lambda tools: tools.check_plan(FILE_EVIL, None, {}, None, 1, None),
    "list_costs": lambda tools: tools.list_costs(None, []),
    "list_costs by a name": lambda tools: tools.list_costs(EVIL, []),
    "plan_increase": lambda tools: tools.plan_increase("ml.m4.xlarge", ["training"], 9, EVIL, []),
    "plan_increase of a name": lambda tools: tools.plan_increase(EVIL, [EVIL], 9, EVIL, [EVIL]),
}
"""What an assistant asks ``opskit mcp``, by the tool."""

ASKS_AWS = ("check_quotas", "list_costs", "plan_increase")
"""The questions whose answer holds what AWS refuses with."""


def test_every_command_is_walked() -> None:
    table = CommandTable(
        "WALK in tests/unit/output/test_hostile_names_cli.py",
        "how it is typed, with a hostile word",
        WALK.keys() | PROGRAMS | PROTOCOLS,
    )
    assert list(find_gaps(command_names(), [table])) == []


@pytest.fixture
@serves
def hostile_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """A machine and an account where whatever can be named has been named by somebody hostile."""
    with planted_machine(tmp_path, monkeypatch) as aws:
        yield aws


@contextmanager
def planted_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """A machine and an account with this module's texts in whatever comes from outside."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setattr("opskit.notebooks.reads.jupyter.TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("opskit.aws.pacing.RATES", {})
    monkeypatch.setattr("opskit.aws.client.random.uniform", lambda low, high: 0.0)
    monkeypatch.chdir(tmp_path)
    _plant_files(tmp_path, monkeypatch)
    _plant_history(monkeypatch)
    _plant_hooks(tmp_path, monkeypatch)
    labs = [
        FakeNotebook("kept", tags={"opskit:keep": TAG_EVIL, EVIL: EVIL}).kernel("idle", timedelta(hours=5)),
        FakeNotebook("odd", tags={"opskit:keep-until": TAG_EVIL}).kernel(EVIL, timedelta(hours=5)),
        FakeNotebook("idle").kernel("idle", timedelta(hours=5)),
        FakeNotebook("status", status=EVIL, instance_type=EVIL),
    ]
    aws = FakeAws(quotas=[Entry("ml.m4.xlarge for training job usage", "L-A373146E", 1.0), Entry(EVIL, EVIL, 2.0)])
    aws.requests = [
        _hostile_request("PENDING", "ml.m4.xlarge for training job usage", "L-A373146E"),
        _hostile_request(EVIL, EVIL, EVIL),
    ]
    with serve_notebooks(aws, FakeNotebooks.of(*labs)):
        aws.running["ListRequestedServiceQuotaChangeHistoryByQuota"] = lambda asked: {"RequestedQuotas": aws.requests}
        aws.running["ListModels"] = lambda asked: {"Models": []}
        aws.running |= hostile_endpoints(EVIL, TAG_EVIL, dict(aws.running))
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        yield aws


def _plant_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(Path(__file__).parents[3] / "workflows" / "boston", folder / FILE_EVIL)
    (folder / "FOLDER").symlink_to(folder / FILE_EVIL)
    (folder / "SETTINGS").write_text(f"bucket = {ascii_json(TAG_EVIL)}\n")
    (folder / "FILE").write_text(f"{EVIL},1\n", encoding="utf-8", errors="replace")
    program = folder / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(file=folder / "spool"))
    program.chmod(0o755)
    (folder / "spool").write_text(f"{FILE_EVIL}\n# >>> opskit >>>\n0 0 * * * {FILE_EVIL}\n", encoding="utf-8")
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin:/bin")
    monkeypatch.setattr("opskit.schedule.store.crontab.is_cron_running", lambda: True)


class _HookEvent(io.StringIO):
    """A coding agent's event, for each run that reads it."""

    def read(self, size: int | None = -1) -> str:
        self.seek(0)
        return super().read(size)


def _plant_hooks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IPYTHONDIR", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.setenv(name, str(folder / FILE_EVIL))
    words = ["aws", "sagemaker", "start-notebook-instance", "--notebook-instance-name", EVIL.replace("\0", "")]
    other = ["aws", "sagemaker", "create-endpoint", "--endpoint-name", "e", "--profile", EVIL.replace("\0", "")]
    command = f"{shlex.join(words)}; {shlex.join(other)}"
    monkeypatch.setattr("sys.stdin", _HookEvent(json.dumps({"tool_input": {"command": command}, "cwd": str(folder)})))


def _plant_history(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(AwsSession, "endpoint_id", lambda self: EVIL)
        patched.setattr(AwsSession, "identity", lambda self: CallerIdentity(EVIL, EVIL))
        with journal.journal_action(offline_client(EVIL), f"stop {EVIL}", EVIL, reason=EVIL) as record:
            record.detail = EVIL


def _hostile_request(status: str, name: str, code: str) -> dict[str, Any]:
    now = datetime.now(UTC).timestamp()
    told = {"Id": EVIL, "CaseId": EVIL, "ServiceCode": "sagemaker", "QuotaCode": code, "QuotaName": name}
    return {**told, "DesiredValue": 9.0, "Status": status, "Created": now, "LastUpdated": now, "Requester": EVIL}


def says_evil(operation: str, region: str) -> Fault:
    """AWS refuses everything, in words that somebody else chose."""
    is_xml = operation in ("GetCallerIdentity", "AssumeRole", "DescribeRegions") or not operation
    return Fault(400, "ValidationException", XML_EVIL if is_xml else EVIL)


def all_strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield key
                yield from all_strings(each)
        case list():
            for each in value:
                yield from all_strings(each)
        case _:
            pass


ASKS_NOBODY = ("sandbox differences", "completion")
"""The commands that print nothing from outside."""

FAULTS: dict[str, Callable[[str, str], Fault | None]] = {
    "what AWS tells": lambda operation, region: None,
    "what AWS refuses with": says_evil,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", WALK)
def test_nothing_hostile_takes_effect(
    command: str, fault: str, hostile_account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile_account.fault = FAULTS[fault]
    seen = set()
    for words in WALK[command]:
        for form in FORMS if words is WALK[command][0] and fault == "what AWS tells" else FORMS[:2]:
            ran = _run_typed(capsys, command, words, form)
            assert "bug in opskit" not in ran.out + ran.err
            assert_harmless(ran.out, ran.err)
            if form == "json":
                assert ran.out[:-1].isascii()
                assert ran.out[:-1].isprintable()
                told = list(all_strings(json.loads(ran.out)["data"])) + list(all_strings(json.loads(ran.out)["errors"]))
                seen |= {form} if any("evil" in text and not text.isprintable() for text in told) else set()
            elif "evil" in ran.out + ran.err:
                seen.add(form)
    if fault == "what AWS refuses with" or command != "doctor":  # which has nothing to say where all is well
        assert seen >= {"table", "json"} or command in ASKS_NOBODY, "it never came to say anything hostile"


def ask_assistant_tool(question: str) -> dict[str, Any]:
    """What a tool of ``opskit mcp`` answers."""
    return ASSISTANT_QUESTIONS[question](ToolAnswers(read_given_settings({}, os.environ, "the test")))


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("question", ASSISTANT_QUESTIONS)
def test_an_assistant_is_told_what_is_hostile_as_text_and_given_no_command_with_it(
    question: str, fault: str, hostile_account: FakeAws
) -> None:
    hostile_account.fault = FAULTS[fault]
    answer = ask_assistant_tool(question)
    assert "bug in opskit" not in json.dumps(answer)
    names_it = question.endswith("name") or (fault == "what AWS refuses with" and question in ASKS_AWS)
    assert "evil" in json.dumps(answer) or not names_it, "it never came to say anything hostile"
    assert not any(harmful_characters(command) for command in answer["commands_for_a_person"])


def _run_typed(capsys: pytest.CaptureFixture[str], command: str, words: list[str], form: str) -> CliResult:
    """The flags go before a --, and before the words of ``guard`` that are the command's own."""
    at = words.index("--") if "--" in words else len(words)
    return run_opskit(capsys, *command.split(), *words[:at], "-o", form, "-v", *words[at:])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "words",
    [
        ["notebook", "list", "--profile", EVIL],
        ["notebook", "list", "--region", EVIL],
        ["notebook", "list", "--role-arn", EVIL],
        ["notebook", "list", "--config", FILE_EVIL],
        ["notebook", "list", f"--{EVIL}"],
        [EVIL],
        ["quotas", EVIL],
        ["settings", "--output", EVIL],
    ],
)
def test_nor_does_what_stands_in_any_flag(
    words: list[str], form: str, hostile_account: FakeAws, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run_opskit(capsys, *words, *(() if "--output" in words else ("-o", form)))
    assert ran.code != 0 or "--role-arn" in words  # which the small AWS takes, whatever it is called
    assert_harmless(ran.out, ran.err)
    assert "evil" in ran.out + ran.err
