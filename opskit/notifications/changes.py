"""What opskit tells others: news to an SNS topic or a webhook, a sign of life to a file or an address.

Addresses may be keys: they stand in no error, log or journal.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from opskit.aws.client import AwsClient
from opskit.aws.connections import open_connection, proxy_for, request_target
from opskit.aws.writer import AwsWriter
from opskit.core.exceptions import NotificationError
from opskit.core.file_errors import file_error_text
from opskit.core.json_text import ascii_json
from opskit.notifications import rules
from opskit.notifications.rules import SnsTopic, Webhook, is_same_host, url_host, webhook_body
from opskit.state.journal import journal_action

_MAX_REDIRECTS = 5
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
    """Tell a webhook, in the form that it reads. A redirect is not followed: it could carry the text to another host.

    Raises:
        NotificationError: it did not take it.
    """
    _deliver_request("POST", webhook.url, ascii_json(webhook_body(webhook, text)).encode())


def fetch_heartbeat(url: str) -> None:
    """Give a sign of life to an address. Redirects are followed as long as they stay on its host.

    Raises:
        NotificationError: it did not take it.
    """
    _deliver_request("GET", url, None)


def write_heartbeat(path: Path, text: str) -> None:
    """Give a sign of life to a file: whoever reads it meanwhile reads the old text or the new, whole.

    Raises:
        NotificationError: it cannot be written.
    """
    path = path.absolute()  # not resolved: a link in its place is replaced, never followed
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
        raise NotificationError(
            "no-heartbeat", f"The heartbeat {path} cannot be written: {file_error_text(error)}."
        ) from error


def _deliver_request(method: str, url: str, body: bytes | None) -> None:
    host = url_host(url)
    answers: list[int | None] = []
    # A thread, since nothing else ends a look-up of a name in time. Whatever goes wrong in it has the address in its
    # text or its chain, and stays there.
    worker = threading.Thread(target=lambda: answers.append(_final_status(method, url, body)), daemon=True)
    worker.start()
    worker.join(rules.DELIVERY_SECONDS)
    status = answers[0] if answers else None
    if status is None:
        text = f"{host} could not be reached within {rules.DELIVERY_SECONDS:.0f} s."
        raise NotificationError("not-delivered", text, "Check the address, the network and any proxy on the way.")
    if not 200 <= status < 300:
        raise NotificationError("not-delivered", f"{host} answered {status}.")


def _final_status(method: str, url: str, body: bytes | None) -> int | None:
    """The status of the last answer; None: there was none."""
    deadline = time.monotonic() + rules.DELIVERY_SECONDS
    try:
        for _ in range(_MAX_REDIRECTS):
            status, location = _send_request(method, url, body, deadline)
            target = urljoin(url, location or "")
            # Only a GET follows, and only on its host: a POST sent elsewhere would carry what was done, and the secret
            # address.
            if method != "GET" or not location or not 300 <= status < 400 or not is_same_host(url, target):
                return status
            url = target
    except (OSError, HTTPException, ValueError):
        return None
    return status


def _send_request(method: str, url: str, body: bytes | None, deadline: float) -> tuple[int, str | None]:
    origin = urlsplit(url)
    proxy = proxy_for(origin)
    connection = open_connection(origin, proxy, deadline)
    try:
        target, headers = request_target(origin, proxy, url)
        kind = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, target, body, headers={**headers, **kind, "User-Agent": "opskit"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("location")
    finally:
        connection.close()
