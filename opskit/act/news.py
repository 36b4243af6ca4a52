"""What opskit tells others: news to an SNS topic or a webhook, a sign of life to a file or an address.

Addresses may be keys: they stand in no error, log or journal.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from opskit.aws import Door
from opskit.decide.news import Topic, Webhook, host_of
from opskit.errors import NotDelivered
from opskit.state.journal import record

_SECONDS = 10
_LONGEST_SUBJECT = 100
"""Characters SNS takes as a subject."""


def publish(door: Door, topic: Topic, subject: str, text: str) -> None:
    """Tell an SNS topic.

    Raises:
        OutcomeUnknown: the answer was lost.
        AwsFailure: AWS refused.
    """
    plain = subject.encode("ascii", "replace").decode()[:_LONGEST_SUBJECT]
    with record(door, "publish news", topic.arn, subject):
        door.write("sns", "publish", TopicArn=topic.arn, Subject=plain, Message=text)


def post(webhook: Webhook, text: str) -> None:
    """Tell a webhook.

    Raises:
        NotDelivered: it did not take it.
    """
    import requests

    _reach(webhook.url, lambda url: requests.post(url, json={"text": text}, timeout=_SECONDS, allow_redirects=False))


def fetch(url: str) -> None:
    """Give a sign of life to an address.

    Raises:
        NotDelivered: it did not take it.
    """
    import requests

    _reach(url, lambda url: requests.get(url, timeout=_SECONDS))


def write(path: Path, text: str) -> None:
    """Give a sign of life to a file: whoever reads it meanwhile reads the old text or the new, whole.

    Raises:
        NotDelivered: it cannot be written.
    """
    path = path.resolve()
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()
    except OSError as error:
        raise NotDelivered("no-heartbeat", f"The heartbeat {path} cannot be written: {error.strerror}.") from error


def _reach(url: str, send: Callable[[str], Any]) -> None:
    import requests

    host = host_of(url)
    try:
        status = send(url).status_code
    except requests.RequestException:  # its text has the whole address in it
        raise NotDelivered("not-delivered", f"{host} could not be reached within {_SECONDS} s.") from None
    if not 200 <= status < 300:
        raise NotDelivered("not-delivered", f"{host} answered {status}.")
