"""``opskit guard`` as people and scripts meet it: what runs, what does not, and with which code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from opskit.cli import main
from opskit.quotas.reads.code_cache import bundled_codes
from tests.fakes.fake_aws import DENIED, Entry, FakeAws
from tests.fakes.guarded_commands import BecameCommand, GuardRun

TYPE = "ml.m4.xlarge"
PRICED = '{"product": {"attributes": {"component": "Training"}}, "terms": {"OnDemand": {"a": {"priceDimensions": {"b": {"pricePerUnit": {"USD": "0.28"}}}}}}}'  # noqa: E501


Guard = Callable[..., GuardRun]


@pytest.fixture
def roomy_account(fake_aws: FakeAws, no_backoff: None) -> FakeAws:
    """An account with four of everything, where nothing runs."""
    fake_aws.quotas = [Entry(name, code, 100 if "EBS" in name else 4, 1) for name, code in bundled_codes().items()]
    fake_aws.running["GetProducts"] = lambda asked: {"FormatVersion": "aws_v1", "PriceList": [PRICED]}
    return fake_aws


@pytest.fixture
def run_guard(roomy_account: FakeAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Guard:
    became: list[BecameCommand] = []

    def become(program: str, words: list[str], environment: dict[str, str]) -> NoReturn:
        became.append(BecameCommand(program, words, environment))
        raise SystemExit(0)

    monkeypatch.setattr("opskit.guards.cli.run.os.execve", become)
    monkeypatch.setattr("opskit.guards.cli.run.signal.signal", lambda number, action: None)

    def run(*words: str) -> GuardRun:
        became.clear()
        with pytest.raises(SystemExit) as ended:
            main(["guard", *words])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return GuardRun(int(ended.value.code or 0), told.out, told.err, became[0] if became else None)

    return run


def shorten_quotas(aws: FakeAws) -> None:
    aws.quotas = [Entry(entry.name, entry.code, 0 if TYPE in entry.name else 4, 1) for entry in aws.quotas]


def test_with_room_the_command_takes_over_and_stdout_is_its_own(run_guard: Guard) -> None:
    ran = run_guard("--training", f"{TYPE}=4", "-o", "json", "--", "true", "--training", "-o")
    assert ran.became and ran.became.words == ["true", "--training", "-o"]
    assert ran.out == ""
    assert f"There is room for 4 x {TYPE} (training): running true." in ran.err


@pytest.mark.parametrize("option", ["--training", "--transform", "--endpoint", "--processing", "--notebook"])
def test_each_use_is_guarded(run_guard: Guard, roomy_account: FakeAws, option: str) -> None:
    instance_type = "ml.t2.medium" if option == "--notebook" else TYPE
    roomy_account.quotas = [
        Entry(f"{instance_type} for {use} usage", f"L-{at}", 1, 1)
        for at, use in enumerate(["training job", "transform job", "endpoint", "processing job", "notebook instance"])
    ] + [entry for entry in roomy_account.quotas if "ml." not in entry.name]
    assert run_guard(option, instance_type, "--", "true").became
    ran = run_guard(option, f"{instance_type}=2", "-o", "json", "--", "true")
    assert (ran.code, ran.became) == (3, None)
    assert next((row["usage"], row["verdict"]) for row in ran.envelope["data"]["quotas"]) == (option[2:], "short")


def test_spot_training_has_quotas_of_its_own(run_guard: Guard) -> None:
    ran = run_guard("--training", f"{TYPE}=5", "--spot", "-o", "json", "--", "true")
    assert ran.code == 3
    assert {row["usage"] for row in ran.envelope["data"]["quotas"]} == {"spot-training"}


def test_no_room_is_3_one_envelope_and_no_command(run_guard: Guard, roomy_account: FakeAws) -> None:
    shorten_quotas(roomy_account)
    ran = run_guard("--training", TYPE, "-o", "json", "--", "python", "train.py", "--password=hunter2")
    assert (ran.code, ran.became, ran.codes) == (3, None, ["no-room"])
    assert ran.envelope["status"] == "refused"
    told_apart: dict[str, Any] = {"quotas": [], "kept_in": None}  # where opskit's state is
    assert ran.envelope["data"] | told_apart == {
        **told_apart,
        "program": "python",
        "ran": False,
        "verdict": "short",
        "quotas": [],
        "cost_usd": 0,
        "hours": None,
        "estimate_usd": None,
    }
    assert "hunter2" not in ran.out + ran.err
    told = run_guard("--training", TYPE, "--", "true")
    assert f"opskit quotas increase {TYPE} --for training --to 2" in told.out


def test_a_total_stands_above_all_that_is_wanted(run_guard: Guard) -> None:
    ran = run_guard("--training", f"{TYPE}=3", "--training", "ml.m5.xlarge=3", "-o", "json", "--", "true")
    assert ran.code == 3
    refusing = [row for row in ran.envelope["data"]["quotas"] if row["verdict"] == "short"]
    assert [(row["instance_type"], row["need"]) for row in refusing] == [(None, 6)]


@pytest.mark.parametrize(("denied", "code"), [("Quota", 4), ("List", 5)], ids=["quotas", "what is in use"])
def test_what_cannot_be_told_is_no_room(run_guard: Guard, roomy_account: FakeAws, denied: str, code: int) -> None:
    roomy_account.fault = lambda operation, region: (
        DENIED if (denied == "Quota") == ("Quota" in operation) and operation != "GetCallerIdentity" else None
    )
    ran = run_guard("--training", TYPE, "-o", "json", "--", "true")
    assert (ran.code, ran.became) == (code, None)
    assert ran.codes[0] == "quota-unknown"
    assert "denied" in ran.codes


@pytest.mark.parametrize(
    ("budget", "hours", "code"), [("3.36", "3", 0), ("3.35", "3", 3), ("0.56", "0.5", 0), ("0.55", "0.5", 3)]
)
def test_money_is_price_times_instances_times_hours(run_guard: Guard, budget: str, hours: str, code: int) -> None:
    ran = run_guard("--training", f"{TYPE}=4", "--max-usd", budget, "--hours", hours, "-o", "json", "--", "true")
    assert (ran.code, ran.became is None) == (code, code == 3)
    if code:
        assert ran.codes == ["over-budget"]
        assert ran.envelope["data"]["estimate_usd"] == pytest.approx(float(hours) * 4 * 0.28)
        assert ran.envelope["data"]["hours"] == float(hours)


def test_a_price_nobody_knows_refuses_with_5(run_guard: Guard, roomy_account: FakeAws) -> None:
    roomy_account.running["GetProducts"] = lambda asked: {"FormatVersion": "aws_v1", "PriceList": []}
    roomy_account.quotas.append(Entry("ml.x9.large for training job usage", "L-9", 4, 1))
    ran = run_guard("--training", "ml.x9.large", "--max-usd", "10", "--hours", "1", "-o", "json", "--", "true")
    assert (ran.code, ran.codes, ran.became) == (5, ["price-unknown"], None)
    assert run_guard("--training", "ml.x9.large", "--hours", "1", "--", "true").became  # no budget, so only said


def test_a_budget_of_the_settings_is_kept_too(run_guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSKIT_MAX_USD", "1")
    ran = run_guard("--training", TYPE, "-o", "json", "--", "true")
    assert (ran.code, ran.codes) == (2, ["no-hours"])
    assert "OPSKIT_MAX_USD" in ran.envelope["errors"][0]["message"]
    assert run_guard("--training", TYPE, "--hours", "4", "--", "true").code == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--training", "ml.m4.xlrage"], "bad-instance-type"),
        (["--training", f"{TYPE}:2"], "bad-count"),
        (["--training", TYPE, "--max-usd", "1"], "no-hours"),
        (["--training", TYPE, "--max-usd", "nan", "--hours", "1"], "bad-amount"),
        (["--training", TYPE, "--hours", "nan"], "bad-hours"),
        (["--training", TYPE, "--hours", "inf"], "bad-hours"),
        (["--training", TYPE, "--hours", "-1"], "bad-hours"),
        (["--training", TYPE, "--wait", "long"], "bad-duration"),
        (["--transform", TYPE, "--spot"], "spot-alone"),
        ([], "nothing-to-guard"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_2_and_asks_aws_nothing(
    run_guard: Guard, roomy_account: FakeAws, words: list[str], code: str
) -> None:
    ran = run_guard(*words, "-o", "json", "--", "true")
    assert (ran.code, ran.codes, ran.became) == (2, [code], None)
    assert roomy_account.calls == []


def test_without_a_command_there_is_nothing_to_guard(run_guard: Guard) -> None:
    assert run_guard("--training", TYPE, "-o", "json").code == 2


def test_a_command_that_is_not_there_is_told_before_anything_is_asked(
    run_guard: Guard, roomy_account: FakeAws, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no program")
    for word, code in (("no-such-command", 127), (str(notes), 126), (str(tmp_path), 126)):
        ran = run_guard("--training", TYPE, "-o", "json", "--", word)
        assert (ran.code, ran.codes, ran.became) == (code, ["cannot-run"], None)
    assert roomy_account.calls == []


def test_a_dry_run_looks_and_says(run_guard: Guard) -> None:
    ran = run_guard("--training", TYPE, "--dry-run", "-o", "json", "--", "true")
    assert (ran.code, ran.became) == (0, None)
    assert (ran.envelope["data"]["verdict"], ran.envelope["data"]["ran"]) == ("fits", False)


def test_the_command_works_where_was_looked(run_guard: Guard) -> None:
    ran = run_guard("--training", TYPE, "--region", "eu-west-1", "--", "true")
    assert ran.became
    assert (ran.became.environment["AWS_REGION"], ran.became.environment["AWS_DEFAULT_REGION"]) == ("eu-west-1",) * 2
    plain = run_guard("--training", TYPE, "--", "true")
    assert plain.became and plain.became.environment == dict(os.environ)


def test_a_named_profile_is_the_commands_too(run_guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[profile team]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    ran = run_guard("--training", TYPE, "--profile", "team", "--", "true")
    assert ran.became and ran.became.environment["AWS_PROFILE"] == "team"
    assert "AWS_ACCESS_KEY_ID" not in ran.became.environment


def guard_arguments(*words: str) -> list[str]:
    return [sys.executable, "-m", "opskit", "guard", "--training", TYPE, "-o", "json", "--", *words]


@pytest.mark.parametrize(("end", "code"), [("exit 7", 7), ("kill -PIPE $$", -signal.SIGPIPE)])
def test_output_and_end_are_the_commands(roomy_account: FakeAws, end: str, code: int) -> None:
    ended = subprocess.run(
        guard_arguments("sh", "-c", f"echo mine; {end}; echo alive"), check=False, capture_output=True
    )
    assert (ended.returncode, ended.stdout) == (code, b"mine\n")


def test_a_signal_reaches_the_command(roomy_account: FakeAws) -> None:
    with subprocess.Popen(
        guard_arguments("sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"), stdout=-1
    ) as it:
        assert it.stdout and it.stdout.readline() == b"up\n"
        it.send_signal(signal.SIGTERM)
        assert it.wait() == 9


REQUEST = {
    "TrainingJobName": "job",
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "OutputDataConfig": {"S3OutputPath": "s3://b"},
    "ResourceConfig": {"InstanceType": TYPE, "InstanceCount": 4, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}


@pytest.fixture
def request_file(tmp_path: Path) -> Callable[..., str]:
    def write(**members: Any) -> str:
        file = tmp_path / "request.json"
        file.write_text(json.dumps({**REQUEST, **members}))
        return str(file)

    return write


def test_a_plan_that_fits_is_0_and_says_what_it_needs_and_costs(
    run_guard: Guard, request_file: Callable[..., str]
) -> None:
    ran = run_guard("--from", request_file(), "-o", "json")
    assert ran.code == 0
    data = ran.envelope["data"]
    (need,) = data["needs"]
    assert need.items() >= {"instance_type": TYPE, "usage": "training", "count": 4, "source": "ResourceConfig"}.items()
    assert (data["plan"], data["verdict"], data["unknown"]) == ("request", "fits", [])
    assert data["estimate_usd"] == 1.12
    assert {quota["verdict"] for quota in data["quotas"]} == {"fits"}


def test_a_plan_that_does_not_fit_is_3_and_one_that_does_not_tell_is_5(
    run_guard: Guard, request_file: Callable[..., str]
) -> None:
    large = {"ResourceConfig": {"InstanceType": TYPE, "InstanceCount": 5}}
    untold = {"ResourceConfig": {"InstanceCount": 5}}
    assert run_guard("--from", request_file(**large), "-o", "json").code == 3
    ran = run_guard("--from", request_file(**untold), "-o", "json")
    assert ran.code == 5
    assert ran.envelope["data"]["unknown"] == [
        {"source": "ResourceConfig.InstanceType", "reason": "the instance type is not given"}
    ]


def test_a_plan_over_budget_is_3(run_guard: Guard, request_file: Callable[..., str]) -> None:
    ran = run_guard("--from", request_file(), "--max-usd", "1", "-o", "json")
    assert (ran.code, ran.codes) == (3, ["over-budget"])
    assert "3214 would fit" in ran.envelope["errors"][0]["message"]


def test_a_plan_in_markdown_is_fit_for_a_pull_request(run_guard: Guard, request_file: Callable[..., str]) -> None:
    out = run_guard("--from", request_file(), "-o", "markdown").out
    assert "| ResourceConfig | ml.m4.xlarge" in out.replace("  ", " ").replace("  ", " ")


def test_a_plan_in_markdown_says_the_verdict_and_why(run_guard: Guard, request_file: Callable[..., str]) -> None:
    """A pull request shows what is on stdout, and neither stderr nor the exit code."""
    large = {"ResourceConfig": {"InstanceType": TYPE, "InstanceCount": 5}}
    untold = {"ResourceConfig": {"InstanceCount": 5}}
    assert "Verdict: fits." in run_guard("--from", request_file(), "-o", "markdown").out
    over = run_guard("--from", request_file(), "--max-usd", "1", "-o", "markdown")
    assert over.code == 3
    assert "Verdict: over-budget." in over.out
    assert "The plan is over budget: it may cost 1.12 USD, more than 1;" in over.out
    assert "Verdict: short." in run_guard("--from", request_file(**large), "-o", "markdown").out
    assert "Verdict: unknown." in run_guard("--from", request_file(**untold), "-o", "markdown").out


def test_a_command_runs_after_a_plan_that_fits_and_only_then(
    run_guard: Guard, request_file: Callable[..., str]
) -> None:
    assert run_guard("--from", request_file(), "--", "true").became is not None
    untold = request_file(ResourceConfig={})
    assert run_guard("--from", untold, "--", "true").became is None


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "no-command"),
        (("--training", TYPE), "no-command"),
        (("--operation", "create-training-job", "--", "true"), "from-missing"),
        (("--from", "-", "--training", TYPE), "from-and-types"),
        (("--from", "-", "--wait", "1h"), "from-and-wait"),
        (("--from", "-", "--operation", "describe-endpoint"), "bad-operation"),
        (("--from", "nothing.json", "--parameter", "x"), "unreadable-file"),
    ],
)
def test_plans_that_are_typed_wrong(run_guard: Guard, words: tuple[str, ...], code: str) -> None:
    ran = run_guard(*words[:2], "-o", "json", *words[2:]) if words else run_guard("-o", "json")
    assert (ran.code, ran.codes) == (2, [code])
