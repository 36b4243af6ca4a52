"""Whoever is not looking learns how a command went, and no address is shown to anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from opskit.cli.command import CommandContext
from opskit.core.exceptions import ExitCode, OpskitError, Problem, UsageError
from opskit.core.run_problems import begin_run_problems, report_run_problem
from opskit.core.settings import load_settings
from opskit.notifications.cli import with_notifications
from opskit.notifications.rules import Webhook, WebhookKind, notification_text, webhook_body, webhook_kind
from opskit.output.result import CommandResult
from opskit.output.screen import Screen
from tests.fakes.cli_runner import run_opskit
from tests.fakes.fake_aws import FakeAws
from tests.fakes.hostile_text import EVIL, assert_harmless
from tests.fakes.notified_run import NOTHING, PATH, STOPPED, notify_of
from tests.fakes.stubbed_client import stubbed_client
from tests.fakes.webhook_servers import WebhookRecord

TOPIC = "arn:aws:sns:us-east-1:123456789012:lights-off"


def test_a_webhook_hears_what_was_stopped_and_what_it_saves(webhook_server: WebhookRecord) -> None:
    result = notify_of(CommandResult(STOPPED), notify=webhook_server.url)
    assert result == CommandResult(STOPPED)
    [(method, path, body)] = webhook_server.came
    assert (method, path) == ("POST", "/T0/sssh?token=sssh")
    assert set(body) == {"text"}
    assert "left-on" in body["text"]
    assert "0.0464 USD per hour" in body["text"]
    assert "at-work" not in body["text"]


def test_a_stop_and_a_grace_of_an_endpoint_are_told_too(webhook_server: WebhookRecord) -> None:
    row = {
        "account": "123456789012",
        "region": "us-east-1",
        "owner": "ada",
        "because": "no invocation for 20d",
        "variants": [{"instance_type": "ml.m4.xlarge"}, {"instance_type": "ml.m4.xlarge"}],
        "verdict": "idle",
    }
    stopped = {**row, "name": "old", "action": "stop", "outcome": "done"}
    waits = {**row, "name": "waits", "action": "keep", "outcome": None, "grace_begun": True}
    waits["stops_at"] = "2030-01-01T00:00:00Z"
    result = CommandResult({"endpoints": [stopped, waits], "saved_usd_per_hour": 0.28})
    notify_of(result, notify=webhook_server.url)
    grace, summary = (body["text"] for _, _, body in webhook_server.came)
    assert "the endpoint waits is idle and will be stopped at 2030-01-01 00:00 UTC" in grace
    assert "owner ada" in grace
    assert "To keep it: opskit endpoint keep waits --for 14d --region us-east-1" in grace
    assert "stopped old (endpoint, ml.m4.xlarge, us-east-1): no invocation for 20d. " in summary
    assert "To undo: opskit endpoint start old --region us-east-1" in summary
    assert "This saves 0.28 USD per hour." in summary


@pytest.mark.parametrize(
    ("variants", "told"),
    [
        ([{"instance_type": None, "serverless": True}], "endpoint, serverless"),
        # its configuration is gone: what it ran on is not known
        ([{"instance_type": None, "serverless": False}], "endpoint, type not known"),
        ([], "endpoint, instances not known"),
    ],
)
def test_an_instance_type_that_is_not_known_is_not_called_serverless(variants: list[Any], told: str) -> None:
    row = {"name": "old", "region": "us-east-1", "because": "idle", "action": "stop", "outcome": "done"}
    text = notification_text(("endpoint", "stop"), {"endpoints": [{**row, "variants": variants}]}, 0, ())
    assert text is not None
    assert f"stopped old ({told}, us-east-1)" in text


def test_what_others_hear_is_harmless_too(webhook_server: WebhookRecord) -> None:
    notebooks = [{**STOPPED["notebooks"][0], "name": f"a{EVIL}", "because": EVIL}]
    notify_of(
        CommandResult(STOPPED | {"notebooks": notebooks}, ExitCode.PARTIAL, (Problem(EVIL, EVIL, EVIL),)),
        notify=webhook_server.url,
    )
    notify_of(CommandResult(STOPPED | {"notebooks": notebooks}), notify=webhook_server.url)
    for _, _, body in webhook_server.came:
        assert "evil" in body["text"]
        assert_harmless(body["text"])


def test_a_price_nobody_knows_is_not_told_as_one(webhook_server: WebhookRecord) -> None:
    notify_of(CommandResult(STOPPED | {"saved_usd_per_hour": None}), notify=webhook_server.url)
    assert "not known" in webhook_server.came[0][2]["text"]


def test_nothing_to_tell_is_not_told(webhook_server: WebhookRecord) -> None:
    notify_of(CommandResult(NOTHING), notify=webhook_server.url)
    assert webhook_server.came == []


def test_a_failure_is_told_however_it_comes(webhook_server: WebhookRecord) -> None:
    def fails() -> CommandResult:
        raise OpskitError("broken", "It is broken.")

    def stumbles() -> CommandResult:
        raise LookupError("oh")

    notify_of(
        CommandResult(NOTHING, ExitCode.PARTIAL, (Problem("unread", "left-on could not be read."),)),
        notify=webhook_server.url,
    )
    assert notify_of(fails, notify=webhook_server.url).exit is ExitCode.BUG
    assert notify_of(stumbles, notify=webhook_server.url).problems[0].code == "bug"
    texts = [body["text"] for _, _, body in webhook_server.came]
    assert all(part in text for part, text in zip(("left-on could", "It is broken", "LookupError"), texts, strict=True))
    assert "ended with 5" in texts[0]


def test_a_quota_that_is_short_is_told(webhook_server: WebhookRecord) -> None:
    quotas = [{"quota_name": "ml.m4.xlarge for training job usage", "region": "us-east-1", "verdict": "short",
               "because": "the quota is 0"}]  # fmt: skip
    notify_of(CommandResult({"quotas": quotas}, ExitCode.REFUSED), notify=webhook_server.url)
    assert "ml.m4.xlarge for training job usage in us-east-1: the quota is 0" in webhook_server.came[0][2]["text"]


def test_an_address_may_stand_in_a_file_that_only_its_owner_reads(
    webhook_server: WebhookRecord, tmp_path: Path
) -> None:
    file = tmp_path / "webhook"
    file.write_text(f"{webhook_server.url}\n")
    file.chmod(0o600)
    notify_of(CommandResult(STOPPED), notify=file)
    assert len(webhook_server.came) == 1
    file.chmod(0o640)
    with pytest.raises(UsageError, match="other users can"):
        notify_of(CommandResult(STOPPED), notify=file)


def test_a_topic_is_told_in_its_region_through_the_one_way_to_write() -> None:
    with stubbed_client() as (client, script):
        ctx = CommandContext(load_settings({}, environment={}), Screen(), _session=client.session)
        answers: list[dict[str, Any]] = []
        script.watch_calls("sns", "provide-client-params.sns.Publish", lambda params, **_: answers.append(params))
        script.add_answer("sns", "publish", {"MessageId": "1"})
        script.add_refusal("sns", "publish", "AuthorizationError", "no", 403)
        assert with_notifications(ctx, PATH, lambda: CommandResult(STOPPED), None, TOPIC).exit is ExitCode.OK
        denied = with_notifications(ctx, PATH, lambda: CommandResult(STOPPED), None, TOPIC)
        assert denied.exit is ExitCode.PARTIAL
        assert "sns:Publish" in denied.problems[0].message
        script.assert_done()
    assert answers[0]["TopicArn"] == TOPIC
    assert answers[0]["Subject"] == "opskit notebook stop"
    assert "left-on" in answers[0]["Message"]


@pytest.mark.parametrize(
    "notify", ["arn:aws:sqs:us-east-1:123456789012:queue", "https://", "ftp://host/x", "/no/such/file", "/tmp"]
)
def test_what_cannot_be_told_is_said_before_anything_is_done_with_what_can(notify: str) -> None:
    with pytest.raises(UsageError) as refused:
        notify_of(lambda: pytest.fail("it was done"), notify=notify)
    assert "an SNS topic's ARN, a webhook's https:// address, or a file" in refused.value.problem.hint


@pytest.mark.parametrize(
    "words", [("notebook", "stop", "--idle"), ("quotas", "check"), ("quotas", "increase", "--resume")]
)
def test_the_commands_that_run_unattended_have_both_flags(
    words: tuple[str, ...], fake_aws: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = run_opskit(capsys, *words, "--notify", "ftp://sssh", "-o", "json")
    assert (refused.code, refused.envelope["errors"][0]["code"]) == (2, "bad-notify")
    assert run_opskit(capsys, *words, "--heartbeat", "/no/such/folder/file").code == 2
    assert fake_aws.calls == []


def test_a_dry_run_tells_nobody(fake_aws: FakeAws, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beat = tmp_path / "alive"
    assert run_opskit(capsys, "quotas", "increase", "--resume", "--dry-run", "--heartbeat", str(beat)).code == 0
    assert not beat.exists()
    assert run_opskit(capsys, "quotas", "increase", "--resume", "--heartbeat", str(beat)).code == 0
    assert beat.exists()


@pytest.mark.parametrize("dry", [("--dry-run",), ()])
def test_a_dry_run_refuses_what_the_run_would_have_nowhere_to_tell(
    dry: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target in (tmp_path / "missing", tmp_path / "open"):
        (tmp_path / "open").write_text("https://example.invalid/hook")
        (tmp_path / "open").chmod(0o644)
        ran = run_opskit(capsys, "notebook", "stop", "--idle", "--yes", *dry, "--notify", str(target), "-o", "json")
        assert ran.code == 2, (target, ran.out)


def test_a_message_says_where_what_and_how_to_undo_it(webhook_server: WebhookRecord) -> None:
    rows = [{**each, "account": "123456789012"} for each in STOPPED["notebooks"]]
    filed = {
        "quota_name": "ml.m4.xlarge for training job usage",
        "desired": 4.0,
        "region": "us-east-1",
        "outcome": "filed",
    }
    notify_of(CommandResult(STOPPED | {"notebooks": rows, "requests": [filed]}), notify=webhook_server.url)
    text = webhook_server.came[0][2]["text"]
    assert "account 123456789012, Region us-east-1" in text
    assert "opskit notebook start left-on --region us-east-1" in text
    assert "opskit quotas requests --region us-east-1" in text


@pytest.mark.parametrize("exit", [ExitCode.PARTIAL, ExitCode.BUG])
def test_a_reason_is_never_empty(exit: ExitCode, webhook_server: WebhookRecord) -> None:
    notify_of(CommandResult(NOTHING, exit), notify=webhook_server.url)
    assert f"no reason was given; {int(exit)} means: " in webhook_server.came[0][2]["text"]
    rows = [{**STOPPED["notebooks"][0], "because": ""}]
    notify_of(CommandResult(STOPPED | {"notebooks": rows}), notify=webhook_server.url)
    assert "no reason is known" in webhook_server.came[1][2]["text"]


def test_ten_equal_failures_are_one_line(webhook_server: WebhookRecord, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**STOPPED["notebooks"][1], "name": f"lab-{at}"} for at in range(12)]
    alike = [Problem("unread", f"lab-{at}: sagemaker:ListTags was denied.") for at in range(12)]
    equal = [Problem("denied", "Access denied.", "Ask.")] * 10
    notify_of(CommandResult({"notebooks": rows}, ExitCode.PARTIAL, (*alike, *equal)), notify=webhook_server.url)
    lines = webhook_server.came[0][2]["text"].splitlines()
    assert [line for line in lines if "times" in line] == [
        "- lab-0: sagemaker:ListTags was denied. (12 times)",
        "- Access denied. (10 times)",
    ]
    Screen().show_problems(equal)
    assert capsys.readouterr().err.splitlines() == ["opskit: Access denied. (10 times)", "        Ask."]


def test_what_went_wrong_beside_a_run_is_told_once(webhook_server: WebhookRecord) -> None:
    """Both cron's run and the command in it meet it, and both report it."""
    unkept = Problem("state-not-kept", "The state is not kept.")
    inner = {"code": unkept.code, "message": unkept.message, "hint": ""}
    begin_run_problems(lambda problem: None)
    report_run_problem(unkept)
    notify_of(
        CommandResult({"answer": {"errors": [inner], "data": STOPPED}}, problems=(unkept,)), notify=webhook_server.url
    )
    begin_run_problems(lambda problem: None)
    [(_, _, body)] = webhook_server.came
    assert body["text"].count("The state is not kept.") == 1
    assert "times)" not in body["text"]


def test_each_kind_of_webhook_gets_its_form_and_no_markup() -> None:
    text = "stopped <!channel> <http://evil|x> & **b**\nsecond line"
    slack = webhook_body(Webhook("https://hooks.slack.com/services/T/B/x"), text)
    assert (slack["text"].count("<"), slack["mrkdwn"]) == (0, False)
    teams = json.dumps(webhook_body(Webhook("https://x.webhook.office.com/webhookb2/x"), text))
    assert webhook_kind(Webhook("https://prod-1.westus.logic.azure.com:443/workflows/x")) is WebhookKind.TEAMS
    assert "TextRun" in teams
    assert '"TextBlock"' not in teams
    assert webhook_body(Webhook("https://example.org/x"), text) == {"text": text}
