"""What AWS repeats of a refused request, its session token too, reaches nobody: no table, no JSON, no log of calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.cli import main
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws, Fault

TOKEN = "IQoJb3JpZ2luX2VjEHsaCXVzLWVhc3QtMSJHMEUCIQDhunter2"
SIGNED = f"host:api.sagemaker.aws\nx-amz-security-token:{TOKEN}\nx-amz-date:20261126T080000Z\n\nhost;x-amz-date\ndead"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    f"and signing method.\n\nThe Canonical String for this request should have been\n'POST\n/\n\n{SIGNED}'"
)
LATE = "Signature expired: 20261126T060000Z is now earlier than 20261126T075500Z (20261126T080000Z - 5 min.)"
REFUSALS = {
    "secret": (Fault(403, "InvalidSignatureException", MISMATCH), "credentials-refused", "secret access key"),
    "clock": (Fault(403, "InvalidSignatureException", LATE), "clock-skew", "clock"),
    "other": (Fault(400, "ValidationException", SIGNED), None, ""),
}
COMMANDS = {
    "check": ("quotas", "check"),
    "list": ("quotas", "list"),
    "wait": ("quotas", "wait", "ml.m4.xlarge", "--for", "training", "--to", "4", "--timeout", "0s"),
    "stop": ("notebook", "stop", "--idle"),
    "doctor": ("doctor",),
    "guard": ("guard", "--training", "ml.m4.xlarge", "--", "true"),
}


@pytest.mark.usefixtures("no_backoff")
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_no_command_tells_it(
    fake_aws: FakeAws, isolated_home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], refusal: str
) -> None:
    fault, code, word = REFUSALS[refusal]
    fake_aws.fault = lambda operation, region: fault
    at = words.index("--") if "--" in words else len(words)
    for form in ("json", "table"):
        ran = run_opskit(capsys, *words[:at], "-o", form, "--verbose", *words[at:])
        kept = "".join(path.read_bytes().decode("latin-1") for path in isolated_home.rglob("*") if path.is_file())
        assert TOKEN not in ran.out + ran.err + kept
        assert ran.code == 4 or (code is None and ran.code == 3), "what AWS says once, a wait asks again"
        if code:
            assert word in (ran.out + ran.err).lower()
        if form == "json" and code and words != ("doctor",):
            assert {error["code"] for error in ran.envelope["errors"]} - {"quota-unknown"} == {code}


@pytest.mark.usefixtures("no_backoff")
def test_a_bug_does_not_tell_it_either(
    fake_aws: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise KeyError(f"x-amz-security-token:{TOKEN}")

    monkeypatch.setattr("opskit.quotas.flows.check.read_quotas", stumble)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["quotas", "check", "--verbose", "-o", "json"])
    told = capsys.readouterr()
    assert ended.value.code == 1
    assert "Traceback" in told.err
    assert TOKEN not in told.out + told.err
