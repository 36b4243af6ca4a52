"""Canaries, in the forms in which secrets come, in everything that comes from outside: none is in any answer, message,
traceback or file of opskit's.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.cli import main
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws
from tests.slow import serves
from tests.unit.output import test_hostile_names_cli as hostile

CANARIES = (
    "authToken=eyJcanaryA&view=lab https://ada:canaryB@host/x https://s3/k?X-Amz-Signature=canaryC "
    "x-amz-security-token:canaryD aws_secret_access_key=canaryE Authorization: Bearer canaryF\n"
    "https://hooks.slack.com/services/T0/B0/canaryG https://x.webhook.office.com/webhookb2/canaryH "
    "https://hc-ping.com/canaryI http://ada:canaryJ@proxy:3128 PASSWORD=canaryK\nCookie: _xsrf=canaryL; session=canaryM"
)
TAG_CANARIES = "password=canaryN token: canaryO9 https://ada:canaryP@h/x"
FOUND = re.compile("canary[A-Z]")
# The names, codes, ids, statuses and instance types by which AWS is asked again (and the cache of quota codes) are kept
# as they are.
ASKED_AGAIN_BY = ("looks.sqlite", "queue.sqlite", "endpoint-configs-2.sqlite")
# What was typed on the command line is the user's own, and stands in no file of others'.
TYPED = ("evil", "canary")


@pytest.fixture
@serves
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    texts = {
        "EVIL": CANARIES,
        "TAG_EVIL": TAG_CANARIES,
        "XML_EVIL": html.escape(CANARIES),
        "FILE_EVIL": "plain-file",
    }
    for name, text in texts.items():
        monkeypatch.setattr(hostile, name, text)
    with hostile.planted_machine(tmp_path, monkeypatch) as aws:
        monkeypatch.setenv("AWS_SESSION_TOKEN", "canaryQ")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canaryR")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://ada:canaryS@proxy:3128")
        yield aws


def untyped(command: str) -> list[str]:
    if command == "quotas explain":  # what is pasted is somebody else's
        return ["--offline", f"The account-level service limit 'x' is 0 Instances {CANARIES}"]
    words = hostile.WALK[command][0]
    return [word for word in words if not any(text in word for text in TYPED)]


@pytest.mark.parametrize("fault", hostile.FAULTS)
@pytest.mark.parametrize("command", hostile.WALK)
def test_no_secret_is_told_or_kept(
    command: str, fault: str, planted: FakeAws, isolated_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted.fault = hostile.FAULTS[fault]
    for form in hostile.FORMS if fault == "what AWS tells" else hostile.FORMS[:2]:
        ran = hostile._run_typed(capsys, command, untyped(command), form)
        assert not FOUND.findall(ran.out + ran.err), (form, FOUND.findall(ran.out + ran.err), ran.out, ran.err)
    kept = {
        path.name: FOUND.findall(path.read_bytes().decode("latin-1"))
        for path in isolated_home.rglob("*")
        if path.is_file() and path.suffix != ".json" and path.name not in ASKED_AGAIN_BY
    }
    assert not any(kept.values()), kept


@pytest.mark.parametrize("fault", hostile.FAULTS)
@pytest.mark.parametrize("question", hostile.ASSISTANT_QUESTIONS)
def test_no_assistant_is_told_a_secret(question: str, fault: str, planted: FakeAws) -> None:
    planted.fault = hostile.FAULTS[fault]
    answer = json.dumps(hostile.ask_assistant_tool(question))
    assert not FOUND.findall(answer), answer


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("form", ["json", "table"])
def test_no_traceback_tells_one(form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise ValueError(CANARIES)

    monkeypatch.setattr("opskit.history.cli.parse_duration", stumble)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["history", "--since", "1d", "--verbose", "-o", form])
    told = capsys.readouterr()
    assert ended.value.code == 1
    assert "Traceback" in told.err
    assert not FOUND.findall(told.out + told.err)


def test_the_address_that_was_asked_for_is_told(planted: FakeAws, capsys: pytest.CaptureFixture[str]) -> None:
    told = run_opskit(capsys, "notebook", "open", "kept", "--print")
    assert "authToken=" in told.out
    assert "[removed]" not in told.out
