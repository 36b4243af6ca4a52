"""--heartbeat and --notify: how somebody who is not looking learns how a command went."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opskit.cli.command import Here, answered
from opskit.errors import ExitCode, OpskitError, Problem, UsageProblem

if TYPE_CHECKING:
    from opskit.decide.news import Topic, Webhook
    from opskit.show.answer import Answer


def with_news(
    here: Here, path: Sequence[str], work: Callable[[], Answer], heartbeat: str | None, notify: str | None
) -> Answer:
    """Do ``work``, tell whoever is to be told, and give the sign of life if all went well. Telling changes nothing
    about what was done: that it failed is one more problem.

    Raises:
        UsageProblem: there is nowhere to tell it to; then nothing is done.
    """
    told = where(notify) if notify else None
    if heartbeat:
        check_heartbeat(heartbeat)
    answer = answered(work, verbose=here.verbose)
    if told:
        answer = _after(answer, lambda: _tell(here, told, path, answer))
    if heartbeat and answer.exit is ExitCode.DONE and not answer.data.get("skipped"):
        answer = _after(answer, lambda: _beat(heartbeat, answer.data.get("runs") or path))
    return answer


def where(notify: str) -> Topic | Webhook:
    """Where news goes: what was typed, or what the file holds whose name was.

    Raises:
        UsageProblem: it is neither a topic, nor a webhook, nor a file that holds one and only its owner may read.
    """
    from opskit.decide.news import destination
    from opskit.state.private import private_text

    found = destination(notify)
    if found is None and not notify.startswith("arn:") and "://" not in notify:
        found = destination(private_text(Path(notify).expanduser(), "--notify").strip())
    if found is None:
        hint = "It is an SNS topic's ARN, a webhook's https:// address, or a file that holds one of them."
        raise UsageProblem("bad-notify", "--notify names nothing that can be told.", hint)
    return found


def check_heartbeat(heartbeat: str) -> None:
    """See that a sign of life has somewhere to go.

    Raises:
        UsageProblem: it has not.
    """
    from opskit.decide.news import is_url

    if "://" in heartbeat and not is_url(heartbeat):
        raise UsageProblem("bad-heartbeat", "--heartbeat is not an address that can be fetched.", "Use https://…")
    file = Path(heartbeat).absolute()
    if "://" not in heartbeat and not (file.is_file() or (file.parent.is_dir() and not file.exists())):
        text = f"--heartbeat {heartbeat} is no plain file in a folder that is there."
        raise UsageProblem("bad-heartbeat", text, "Make the folder, or name another file.")


def _after(answer: Answer, tell: Callable[[], None]) -> Answer:
    try:
        tell()
    except OpskitError as error:
        code = ExitCode.PARTLY if answer.exit is ExitCode.DONE else answer.exit
        said = replace(error.problem, message=f"What was done stands, but: {error.problem.message}")
        return replace(answer, exit=code, problems=(*answer.problems, said))
    return answer


def _tell(here: Here, told: Topic | Webhook, path: Sequence[str], answer: Answer) -> None:
    from opskit.act.news import post, publish
    from opskit.decide.news import Topic, news
    from opskit.show.printing import visible_text

    inner = answer.data.get("answer") or {}
    problems = [*answer.problems, *(Problem(each["code"], each["message"]) for each in inner.get("errors", ()))]
    text = news(answer.data.get("runs") or path, inner.get("data") or answer.data, int(answer.exit), problems)
    if text is None:
        return
    text = visible_text(text)
    said = f"{text}\n(on {platform.node()})"
    if isinstance(told, Topic):
        publish(here.connection().door(told.region), told, text.partition("\n")[0], said)
    else:
        post(told, said)


def _beat(heartbeat: str, path: Sequence[str]) -> None:
    from opskit.act.news import fetch, write
    from opskit.decide.ascii_json import ascii_json

    if "://" in heartbeat:
        fetch(heartbeat)
    else:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        write(Path(heartbeat), ascii_json({"time": now, "command": list(path), "exit": 0}) + "\n")
