"""--heartbeat and --notify: how somebody who is not looking learns how a command went."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opskit.cli.command import CommandContext
from opskit.cli.safe_run import CommandWrapper, run_safely
from opskit.core.exceptions import ExitCode, OpskitError, Problem, UsageError
from opskit.core.redaction import redact_secrets
from opskit.core.run_problems import distinct_problems, run_problems

if TYPE_CHECKING:
    from opskit.notifications.rules import SnsTopic, Webhook
    from opskit.output.result import CommandResult


def with_notifications(
    ctx: CommandContext,
    path: Sequence[str],
    work: Callable[[], CommandResult],
    heartbeat: str | None,
    notify: str | None,
) -> CommandResult:
    """Do ``work``, tell whoever is to be told, and give the sign of life if all went well. Telling changes nothing
    about what was done: that it failed is one more problem.

    Raises:
        UsageError: there is nowhere to tell it to; then nothing is done.
    """
    told = check_notifications(heartbeat, notify)
    result = run_safely(work, verbose=ctx.verbose)
    if told:
        result = _with_delivery(result, lambda: _send_notification(ctx, told, path, result))
    # A skipped run found an earlier one still going: a sign of life then would hide one that hangs for ever.
    if heartbeat and result.exit.is_ok and not result.data.get("skipped"):
        result = _with_delivery(result, lambda: _send_heartbeat(heartbeat, result.data.get("runs") or path))
    return result


def check_notifications(heartbeat: str | None, notify: str | None) -> SnsTopic | Webhook | None:
    """Whom a run would tell; None: nobody.

    Raises:
        UsageError: there is nowhere to tell it to, or to put the sign of life.
    """
    if heartbeat:
        check_heartbeat(heartbeat)
    return parse_notify_target(notify) if notify else None


_TARGET_HINT = "Give an SNS topic's ARN, a webhook's https:// address, or a file that holds one of them."

_UNATTENDED_OPTIONS: dict[str, Any] = {
    "heartbeat": Annotated[
        str | None,
        typer.Option(
            "--heartbeat",
            metavar="FILE|URL|@FILE",
            help="After a successful run, write this file or GET this URL, or the one that @FILE holds.",
        ),
    ],
    "notify": Annotated[
        str | None,
        typer.Option(
            "--notify",
            metavar="WHERE",
            help="Send a summary of actions and failures to an SNS topic ARN, a webhook URL, or a file "
            "containing either.",
        ),
    ],
}

UNATTENDED = CommandWrapper(_UNATTENDED_OPTIONS, with_notifications, check_notifications)
"""For a command that may run while nobody looks: --heartbeat and --notify."""


def parse_notify_target(notify: str) -> SnsTopic | Webhook:
    """Where news goes: what was typed, or what the file holds whose name was.

    Raises:
        UsageError: it is neither a topic, nor a webhook, nor a file that holds one and only its owner may read.
    """
    from opskit.notifications.rules import parse_target
    from opskit.state.paths import read_owner_only

    found = parse_target(notify)
    if found is None and not notify.startswith("arn:") and "://" not in notify:
        found = parse_target(read_owner_only(Path(notify).expanduser(), "--notify", _TARGET_HINT).strip())
    if found is None:
        hint = "It is an SNS topic's ARN, a webhook's https:// address, or a file that holds one of them."
        raise UsageError("bad-notify", "--notify is not a valid target.", hint)
    return found


def check_heartbeat(heartbeat: str) -> None:
    """See that a sign of life has somewhere to go.

    Raises:
        UsageError: it has not.
    """
    from opskit.notifications.rules import is_https_url

    heartbeat = read_heartbeat_address(heartbeat)
    if "://" in heartbeat and not is_https_url(heartbeat):
        raise UsageError("bad-heartbeat", "--heartbeat is not a URL that can be fetched.", "Use https://…")
    file = Path(heartbeat).absolute()
    if "://" not in heartbeat and not (file.is_file() or (file.parent.is_dir() and not file.exists())):
        text = f"--heartbeat {heartbeat}: the directory does not exist, or it is not a regular file."
        raise UsageError("bad-heartbeat", text, "Make the folder, or name another file.")


def read_heartbeat_address(heartbeat: str) -> str:
    """Where a sign of life goes: what was typed, or behind an @ the file that holds the address.

    Raises:
        UsageError: that file cannot be read, others than its owner may read it, or it holds no address.
    """
    from opskit.state.paths import read_owner_only

    if not heartbeat.startswith("@"):
        return heartbeat
    address = read_owner_only(
        Path(heartbeat[1:]).expanduser(), "--heartbeat", "Give a file that holds the URL, and nothing else."
    ).strip()
    if "://" not in address:
        raise UsageError("bad-heartbeat", f"{heartbeat[1:]} holds no address.", "Use https://…")
    return address


def _with_delivery(result: CommandResult, emit: Callable[[], None]) -> CommandResult:
    """The result after telling it."""
    try:
        emit()
    except OpskitError as error:
        problem = error.problem
    # An interrupt too is only one more problem: it never takes the place of what was done.
    except KeyboardInterrupt:
        problem = Problem("not-delivered", "Telling it was interrupted.")
    except Exception as error:
        problem = Problem("not-delivered", f"Telling it failed: {type(error).__name__}: {error}")
    else:
        return result
    code = ExitCode.PARTIAL if result.exit.is_ok else result.exit
    said = replace(problem, message=f"The command completed, but: {problem.message}")
    return replace(result, exit=code, problems=(*result.problems, said))


def _send_notification(
    ctx: CommandContext, target: SnsTopic | Webhook, path: Sequence[str], result: CommandResult
) -> None:
    from opskit.notifications.rules import Place, begun_graces, notification_text, running_graces
    from opskit.notifications.store import claim_grace_notice, note_new_grace

    inner = result.data.get("answer") or {}
    data = inner.get("data") or result.data
    problems = [*result.problems, *(Problem(each["code"], each["message"]) for each in inner.get("errors", ()))]
    place = Place(ctx.known_account(), ctx.settings.get("profile"))
    command = result.data.get("runs") or path
    problems = distinct_problems([*problems, *run_problems()])
    text = notification_text(command, data, int(result.exit), problems, place)
    begun, failed = begun_graces(data), list[OpskitError]()
    lone = [grace for grace in begun if not note_new_grace(grace)]
    noted = [grace for grace in begun if grace not in lone]
    # Each is claimed when its turn to be told has come: a run that stands still before has claimed nothing.
    for grace in itertools.chain(lone, filter(claim_grace_notice, [*noted, *running_graces(data)])):
        try:
            _send_grace_notice(ctx, target, grace)
        except OpskitError as error:  # one that does not arrive keeps no other back
            failed.append(error)
    if text:
        try:
            _deliver_text(ctx, target, text)
        except OpskitError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _send_grace_notice(ctx: CommandContext, target: SnsTopic | Webhook, grace: Mapping[str, Any]) -> None:
    """Tell of one grace, once in all."""
    from opskit.notifications.rules import grace_text
    from opskit.notifications.store import mark_grace_notified, release_grace

    try:
        _deliver_text(ctx, target, grace_text(grace))
    except OpskitError:
        # Claimed before it is sent, and given back where it did not arrive: then the next run tells again.
        release_grace(grace)
        raise
    mark_grace_notified(grace)


def _deliver_text(ctx: CommandContext, target: SnsTopic | Webhook, text: str) -> None:
    from opskit.notifications.changes import post_to_webhook, publish_to_topic
    from opskit.notifications.rules import SnsTopic
    from opskit.output.printing import visible_text

    text = visible_text(redact_secrets(text))
    body = f"{text}\n(on {platform.node()})"
    if isinstance(target, SnsTopic):
        publish_to_topic(ctx.session().client(target.region), target, text.partition("\n")[0], body)
    else:
        post_to_webhook(target, body)


def _send_heartbeat(heartbeat: str, path: Sequence[str]) -> None:
    from opskit.core.json_text import ascii_json
    from opskit.notifications.changes import fetch_heartbeat, write_heartbeat

    heartbeat = read_heartbeat_address(heartbeat)
    if "://" in heartbeat:
        fetch_heartbeat(heartbeat)
    else:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        write_heartbeat(Path(heartbeat), ascii_json({"time": now, "command": list(path), "exit": 0}) + "\n")
