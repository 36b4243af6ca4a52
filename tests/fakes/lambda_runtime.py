"""AWS Lambda as a function's process sees it: the runtime API of AWS's documentation, and around the process what
Lambda gives it and what not. AWS's own runtime client (``awslambdaric``) runs the handler.

The process has no home; all file systems are read-only but a temporary folder, where this machine lets a process have
mounts of its own, and an audit hook reports every write elsewhere in any case; its memory is measured.
"""

from __future__ import annotations

import json
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

# What Lambda sets for a function (Developer Guide, "Defined runtime environment variables").
_FUNCTION = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
    "AWS_LAMBDA_FUNCTION_NAME": "opskit",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
}
_WRITES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_GUARD = """
import os, sys
folder, report = os.environ["TMPDIR"], os.environ["WRITES_GO_TO"]
def guard(event, args):
    if event == "open":
        path, mode, flags = args
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    elif event in os.environ["WRITING_EVENTS"].split():
        path, writes = args[0], True
    elif event == "sqlite3.connect":
        path, writes = args[0], not str(args[0]).startswith(":memory:")
    else:
        return
    if not writes or isinstance(path, int) or path == report or str(path).startswith((folder, "/dev/")):
        return
    handle = os.open(report, os.O_WRONLY | os.O_APPEND)
    os.write(handle, f"{event} {path}\\n".encode())
    os.close(handle)
    raise PermissionError(30, "Read-only file system", str(path))
sys.addaudithook(guard)
sys.argv = ["bootstrap", os.environ["_HANDLER"]]
from awslambdaric.__main__ import main
main(["bootstrap", os.environ["_HANDLER"]])
"""
_READ_ONLY = 'mount --make-rprivate / && mount --bind {tmp} {tmp} && mount -o remount,ro,bind / && exec "$@"'


@dataclass
class LambdaFunction:
    """A function that waits for events. ``is_mounted``: its file systems are really read-only."""

    process: subprocess.Popen[bytes]
    events: queue.Queue[tuple[str, bytes]]
    answers: queue.Queue[tuple[str, bytes]]
    writes: Path
    is_mounted: bool
    sent: int = 0
    failed_to_start: list[str] = field(default_factory=list)

    def invoke(self, event: Any) -> Any:
        """The answer of a synchronous invocation. One that fails fails here."""
        self.sent += 1
        self.events.put((f"request-{self.sent}", json.dumps(event).encode()))
        what, body = self.answers.get(timeout=300)
        if what != f"request-{self.sent}/response":
            raise AssertionError(f"{what}: {body.decode()}")
        return json.loads(body)

    def forbidden_writes(self) -> list[str]:
        """What it tried to write outside of its temporary folder."""
        return self.writes.read_text().splitlines()

    def peak_megabytes(self) -> float:
        """The most memory that it has held so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1]) / 1024


@contextmanager
def running_function(handler: str, folder: Path, environment: Mapping[str, str], root: str) -> Iterator[LambdaFunction]:
    """A function with a handler, for as long as the block lasts. ``root`` is where its code is, ``environment`` what
    its configuration sets besides.
    """
    events: queue.Queue[tuple[str, bytes]] = queue.Queue()
    answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _runtime_api(events, answers))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    temporary, writes = folder / "tmp", folder / "writes"
    temporary.mkdir()
    writes.touch()
    variables = {
        **_FUNCTION,
        **environment,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": root,
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
        "WRITES_GO_TO": str(writes),
        "WRITING_EVENTS": " ".join(_WRITES),
        "_HANDLER": handler,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
    }
    is_mounted = _may_mount()
    words = [sys.executable, "-c", _GUARD]
    if is_mounted:
        words = ["unshare", "-m", "sh", "-c", _READ_ONLY.format(tmp=folder), "sh", *words]
    process = subprocess.Popen(words, cwd=root, env=variables, stdin=subprocess.DEVNULL)
    try:
        yield LambdaFunction(process, events, answers, writes, is_mounted)
    finally:
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "-m", "sh", "-c", "mount --make-rprivate / && mount -o remount,ro,bind /"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def _runtime_api(
    events: queue.Queue[tuple[str, bytes]], answers: queue.Queue[tuple[str, bytes]]
) -> type[BaseHTTPRequestHandler]:
    """https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

    class RuntimeApi(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            assert self.path == "/2018-06-01/runtime/invocation/next"
            name, event = events.get()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", name)
            self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
            self.send_header(
                "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:opskit"
            )
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(event)))
            self.end_headers()
            self.wfile.write(event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answers.put((self.path.removeprefix("/2018-06-01/runtime/").removeprefix("invocation/"), body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    return RuntimeApi
