"""Learns what request a command would send, without sending it: the AWS CLI reads its own words, and its request goes
to a server of opskit's on this machine, which refuses it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from opskit.core.exceptions import UnreadableState
from opskit.guards.rules.shell_commands import named_profile

# The CLI starts in a second on a quiet machine; a hook of an agent may take a minute.
CLI_SECONDS = 40
_LONGEST_BODY = 10_000_000
# A proxy would be asked for this machine's own address, and see the request.
_NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
# What the captured request is signed with: nobody's keys, so that it is worth nothing to whoever sees it.
_NO_KEYS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_SESSION_TOKEN": ""}
_HINT = "Write the command with literal values, or run it yourself."


@dataclass(frozen=True)
class CapturedRequest:
    """A request that a command would send: its operation, its parameters, and where to. ``profile`` None: none is
    named.
    """

    operation: str
    params: Mapping[str, Any]
    region: str
    profile: str | None


class _CaptureHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _LONGEST_BODY)
        captured: list[tuple[str, str, bytes]] = self.server.captured  # type: ignore[attr-defined]
        target, scope = self.headers.get("X-Amz-Target", ""), self.headers.get("Authorization", "")
        captured.append((target, scope, self.rfile.read(length)))
        answer = b'{"__type": "ValidationException", "message": "captured"}'
        # An error that the CLI does not repeat, with the code of a refused request: it ends at once.
        self.send_response(400)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what is captured is reported by the caller."""


def capture_aws_request(words: Sequence[str], variables: Mapping[str, str], folder: str) -> CapturedRequest:
    """The request that words of the AWS CLI stand for, as it would be sent from a folder.

    Raises:
        UnreadableState: the CLI is not there, or does not accept the words.
    """
    # The one that this machine has, never one that the words name by a path.
    program = shutil.which("aws")
    if program is None:
        raise UnreadableState("no-aws-cli", "The AWS CLI, which reads its own arguments, was not found.", _HINT)
    profile, rest = named_profile(words)
    profile = profile or variables.get("AWS_PROFILE") or os.environ.get("AWS_PROFILE")
    given = {name: value for name, value in variables.items() if name in ("AWS_REGION", "AWS_DEFAULT_REGION")}
    environment = {**os.environ, **given, **_NO_KEYS, **_NO_PROXY, "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""}
    environment |= {"AWS_PROFILE": profile} if profile else {}
    server = HTTPServer(("127.0.0.1", 0), _CaptureHandler)
    captured: list[tuple[str, str, bytes]] = []
    server.captured = captured  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        command = [program, *rest[1:], "--endpoint-url", url]
        ran = subprocess.run(
            command,
            cwd=folder or None,
            env=environment,
            stdin=subprocess.DEVNULL,  # nobody answers what the CLI may ask
            capture_output=True,
            timeout=CLI_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreadableState("aws-cli-failed", f"The AWS CLI could not be asked: {error}.", _HINT) from error
    finally:
        server.shutdown()
        server.server_close()
    if not captured:
        told = " ".join(ran.stderr.decode(errors="replace").split()) or "it sent nothing"
        raise UnreadableState("not-captured", f"The AWS CLI does not accept the command: {told[:500]}", _HINT)
    return _parse_captured(*captured[0], profile)


def _parse_captured(target: str, scope: str, body: bytes, profile: str | None) -> CapturedRequest:
    region = re.search(r"Credential=[^/]+/\d+/([^/]+)/", scope)
    try:
        params = json.loads(body)
    except ValueError:
        params = None
    if region is None or not isinstance(params, Mapping) or not target.startswith("SageMaker."):
        text = "The request of the AWS CLI has another form than opskit knows."
        raise UnreadableState("not-captured", text, _HINT)
    return CapturedRequest(target.partition(".")[2], params, region[1], profile)
