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

from opskit.aws.client import AwsClient
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import NotificationError
from opskit.notifications.rules import SnsTopic, Webhook, url_host
from opskit.state.journal import journal_action

_TIMEOUT_SECONDS = 10
# Characters SNS takes as a subject.
_LONGEST_SUBJECT = 100


def publish_to_topic(client: AwsClient, topic: SnsTopic, subject: str, text: str) -> None:
    """Tell an SNS topic.

    Raises:
        OutcomeUnknown: the answer was lost.
        AwsError: AWS refused.
    """
    # SNS refuses a subject that is not ASCII, which would lose the whole message.
    plain = subject.encode("ascii", "replace").decode()[:_LONGEST_SUBJECT]
    with journal_action(client, "publish news", topic.arn, subject):
        AwsWriter(client).call("sns", "publish", TopicArn=topic.arn, Subject=plain, Message=text)


def post_to_webhook(webhook: Webhook, text: str) -> None:
    """Tell a webhook.

    Raises:
        NotificationError: it did not take it.
    """
    import requests

    _deliver_request(
        webhook.url,
        # A redirect could carry the text to another host.
        lambda url: requests.post(url, json={"text": text}, timeout=_TIMEOUT_SECONDS, allow_redirects=False),
    )


def fetch_heartbeat(url: str) -> None:
    """Give a sign of life to an address.

    Raises:
        NotificationError: it did not take it.
    """
    import requests

    _deliver_request(url, lambda url: requests.get(url, timeout=_TIMEOUT_SECONDS))


def write_heartbeat(path: Path, text: str) -> None:
    """Give a sign of life to a file: whoever reads it meanwhile reads the old text or the new, whole.

    Raises:
        NotificationError: it cannot be written.
    """
    path = path.resolve()
    try:
        # In the same folder, since a rename is atomic only within one file system.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            # mkstemp creates 0600 files, and the monitor that reads a heartbeat often runs as another user.
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            with suppress(FileNotFoundError):
                Path(name).unlink()
    except OSError as error:
        raise NotificationError("no-heartbeat", f"The heartbeat {path} cannot be written: {error.strerror}.") from error


def _deliver_request(url: str, send: Callable[[str], Any]) -> None:
    import requests

    host = url_host(url)
    try:
        status = send(url).status_code
    except requests.RequestException:  # its text has the whole address in it
        raise NotificationError("not-delivered", f"{host} could not be reached within {_TIMEOUT_SECONDS} s.") from None
    if not 200 <= status < 300:
        raise NotificationError("not-delivered", f"{host} answered {status}.")
